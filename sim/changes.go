package sim

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Version is one version of manifests: its autoscalers, each with a print of all
// that its decisions depend on.
type Version struct {
	set     *manifest.Set
	enforce promql.Label
	objects []versioned
}

// A versioned is an object of a version.
type versioned struct {
	name  string // as Name writes it
	print string
	// target groups objects; that of one that cannot be played is not known.
	target string
	// entry is nil for what cannot be played, for the reason err.
	entry *manifest.Autoscaler
	err   error
	at    manifest.Position
}

// NewVersion converts what is foreign in a set and compiles every autoscaler. One
// that cannot be decoded, converted or compiled stays in the version with the reason. The
// label to be enforced is Resolve's.
func NewVersion(set *manifest.Set, o convert.Options, enforce promql.Label) (*Version, []Conversion) {
	v := &Version{set: set, enforce: enforce}
	foreign := set.Foreign
	conversions := Adopt(set, o)
	MarkConverted(set)
	for i := range conversions {
		if err := conversions[i].Err; err != nil {
			f := &foreign[i]
			v.objects = append(v.objects, versioned{
				name: displayed(f.Namespace, f.Kind, f.Name), print: string(f.JSON), err: err, at: f.Doc.Position(),
			})
		}
	}
	for i := range set.Refused {
		r := &set.Refused[i]
		v.objects = append(v.objects, versioned{name: displayed(r.Namespace, r.Kind, r.Name), print: r.Doc.Text(), err: r.Err, at: r.Doc.Position()})
	}
	for i := range set.Autoscalers {
		v.objects = append(v.objects, v.autoscaler(&set.Autoscalers[i]))
	}
	for i := range set.NodeGroups {
		e := &set.NodeGroups[i]
		v.objects = append(v.objects, unplayed(e.Doc, journal.ScalableNodeGroup, e.Object.Namespace, e.Object.Name, e.Object.Spec,
			"a replay has no cloud; simulate a scenario with it"))
	}
	for i := range set.Producers {
		e := &set.Producers[i]
		if e.Object.Spec.Schedule == nil {
			v.objects = append(v.objects, unplayed(e.Doc, journal.MetricsProducer, e.Object.Namespace, e.Object.Name, e.Object.Spec,
				"a replay has its series recorded; simulate a scenario with it"))
		}
	}
	return v, conversions
}

// autoscaler is the print of an autoscaler: its compiled policy, and the schedules
// that it reads. Its name is no part of it.
func (v *Version) autoscaler(e *manifest.Autoscaler) versioned {
	o := versioned{name: NameOf(e), entry: e, at: e.Doc.Position()}
	resolved, err := Resolve(&manifest.Set{Autoscalers: []manifest.Autoscaler{*e}}, v.enforce)
	if err != nil {
		spec, _ := json.Marshal(e.Object.Spec) // of types that always marshal
		o.print, o.entry, o.err = string(spec), nil, err
		return o
	}
	a := &resolved[0]
	o.target = referenceOf(a.Target).String()
	parts := []string{string(a.Policy.Encode())}
	for _, p := range v.set.Producers {
		if p.Object.Spec.Schedule != nil && Reads(e.Object, p.Object) {
			spec, _ := json.Marshal(p.Object.Spec)
			parts = append(parts, string(spec))
		}
	}
	slices.Sort(parts[1:])
	o.print = strings.Join(parts, "\n")
	return o
}

// unplayed is an object that a replay does not play.
func unplayed(doc *manifest.Document, kind, namespace, name string, spec any, why string) versioned {
	print, _ := json.Marshal(spec)
	o := versioned{name: displayed(namespace, kind, name), print: string(print), at: doc.Position()}
	o.err = manifest.Join(doc.Errorf("", "%s: %s", o.name, why))
	return o
}

// NameOf is an autoscaler's name on the command line, by the kind that it was
// written as: shop/hpa/web.
func NameOf(e *manifest.Autoscaler) string {
	return displayed(e.Object.Namespace, e.Doc.Kind, e.Object.Name)
}

func displayed(namespace, kind, name string) string {
	short := journal.ShortName(kind)
	switch {
	case kind == "HorizontalPodAutoscaler":
		short = "hpa"
	case short == "":
		short = strings.ToLower(kind)
	}
	return namespace + "/" + short + "/" + name
}

// A Change holds what becomes of the autoscalers of one target from one version of
// manifests to another.
type Change struct {
	// Objects are their names, those of the later version if it has any.
	Objects []string
	// Target is the object that they scale; zero where it is not known.
	Target scenario.Reference
	// Base and Head are the autoscalers before and after with the schedules that
	// they read; nil where there are none.
	Base, Head *manifest.Set
	// Err says why the change cannot be played; nil if it can.
	Err error
	// At is where the object stands, in the later version if it is there.
	At manifest.Position
}

// Changes are the targets whose autoscalers decide by another policy in the second
// version, are new or gone, sorted by the objects' names; unchanged counts the
// objects of all others. Two policies for one target are one change, whatever the
// autoscalers are called.
func Changes(base, head *Version) (changes []Change, unchanged int) {
	before, after := base.groups(head), head.groups(base)
	for key := range after {
		if _, ok := before[key]; !ok {
			before[key] = nil
		}
	}
	for key, old := range before {
		now := after[key]
		if slices.Equal(prints(old), prints(now)) {
			unchanged += len(now)
			continue
		}
		changes = append(changes, base.change(head, old, now))
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Objects[0], b.Objects[0]) })
	return changes, unchanged
}

// groups are the objects of a version by what they scale. One that cannot be played
// goes with the object of its name in the other version.
func (v *Version) groups(other *Version) map[string][]versioned {
	groups := map[string][]versioned{}
	for _, o := range v.objects {
		key := o.target
		if key == "" {
			key = o.name
			for _, same := range other.objects {
				if same.name == o.name && same.target != "" {
					key = same.target
				}
			}
		}
		groups[key] = append(groups[key], o)
	}
	return groups
}

func prints(objects []versioned) []string {
	var list []string
	for _, o := range objects {
		list = append(list, o.print)
	}
	slices.Sort(list)
	return list
}

func (v *Version) change(head *Version, old, now []versioned) Change {
	var c Change
	named := now
	if len(named) == 0 {
		named = old
	}
	c.At = named[0].at
	for _, o := range named {
		c.Objects = append(c.Objects, o.name)
	}
	slices.Sort(c.Objects)
	var errs []error
	for _, o := range slices.Concat(now, old) {
		if o.err != nil {
			errs = append(errs, o.err)
		} else if c.Target.Name == "" {
			t := o.entry.Object.Spec.ScaleTargetRef
			c.Target = scenario.Reference{Namespace: o.entry.Object.Namespace, Kind: t.Kind, Name: t.Name}
		}
	}
	c.Err = manifest.Join(errs...)
	c.Base, c.Head = v.only(old), head.only(now)
	return c
}

// only is the part of a version's set that plays some objects.
func (v *Version) only(objects []versioned) *manifest.Set {
	if len(objects) == 0 {
		return nil
	}
	part := &manifest.Set{}
	producers := map[int]bool{}
	for _, o := range objects {
		if o.entry == nil {
			continue
		}
		part.Autoscalers = append(part.Autoscalers, *o.entry)
		for i, p := range v.set.Producers {
			if p.Object.Spec.Schedule != nil && Reads(o.entry.Object, p.Object) {
				producers[i] = true
			}
		}
	}
	for _, i := range slices.Sorted(maps.Keys(producers)) {
		part.Producers = append(part.Producers, v.set.Producers[i])
	}
	return part
}
