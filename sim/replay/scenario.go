package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Source is where the manifests of a replay come from.
type Source struct {
	// Stdin is read where a path is -.
	Stdin io.Reader
	// Command is the line that repeats the run; empty for none.
	Command string
	// Convert converts the foreign autoscalers of a set and returns what the run's
	// report notes. Of a variant, whole is set: nothing may be left out.
	Convert func(set *manifest.Set, options convert.Options, whole bool) ([]convert.Note, error)
}

// Scenario returns the scenario that the options mean, as if it had been loaded from
// the file that will be written.
func (o *Options) Scenario(ctx context.Context, from Source) (*scenario.File, error) {
	if len(o.Manifests) == 0 || len(o.Recordings) == 0 {
		return nil, errors.New("-f and --recording are required: the manifests to replay and the metrics to replay them over")
	}
	queries, err := o.Parse()
	if err != nil {
		return nil, err
	}
	set, err := manifest.LoadIn(o.Namespace, o.Manifests, from.Stdin)
	if err != nil {
		return nil, err
	}
	notes, err := from.Convert(set, queries.Options(), false)
	if err != nil {
		return nil, err
	}
	sim.MarkConverted(set)
	if len(set.Autoscalers) == 0 {
		return nil, o.nothing()
	}
	s := o.scenario()
	s.Metadata.Name = cmp.Or(o.Name, set.Autoscalers[0].Object.Name)
	if from.Command != "" {
		s.Metadata.Annotate(scenario.CommandAnnotation, from.Command)
	}
	s.Metadata.AddNotes(notes)
	if err := o.Fill(ctx, &s.Spec, set); err != nil {
		return nil, err
	}
	file, err := o.file(s, set, from, queries)
	if err == nil {
		err = queries.Unused()
	}
	return file, o.InFlags(err, sim.ScenarioFile)
}

// nothing says that there is no autoscaler in the manifests.
func (o *Options) nothing() error {
	return fmt.Errorf("-f %s: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in it", strings.Join(o.Manifests, " -f "))
}

// scenario returns a scenario without a name and without a spec.
func (o *Options) scenario() *scenario.Scenario {
	s := &scenario.Scenario{APIVersion: scenario.APIVersion, Kind: scenario.Kind}
	if o.Zone != "UTC" && o.Zone != "" {
		s.Metadata.Annotate(scenario.ZoneAnnotation, o.Zone)
	}
	return s
}

// file makes a file of the scenario, its manifests and its variants.
func (o *Options) file(s *scenario.Scenario, set *manifest.Set, from Source, queries *Queries) (*scenario.File, error) {
	variants, err := parseVariants(o.Variants)
	if err != nil {
		return nil, err
	}
	var sets []*manifest.Set
	for _, v := range variants {
		var own *manifest.Set
		if len(v.Manifests) > 0 {
			var notes []convert.Note
			if own, err = manifest.LoadIn(o.Namespace, v.Manifests, from.Stdin); err == nil {
				notes, err = from.Convert(own, queries.Options(), true)
			}
			s.Metadata.AddNotes(notes)
		} else {
			err = assign(set, v.Set)
		}
		if err != nil {
			return nil, fmt.Errorf("--variant %s: %w", v.Name, err)
		}
		sets = append(sets, own)
	}
	s.Spec.Variants = variants
	file, err := scenario.NewFile(sim.ScenarioFile, s)
	if err != nil {
		return nil, err
	}
	file.Manifests, file.Variants = set, sets
	return file, nil
}

// Over returns a scenario without a name over the recordings, from where they cover
// the policies of all changes, before and after, on.
func (o *Options) Over(ctx context.Context, changes []sim.Change) (*scenario.Scenario, error) {
	union := &manifest.Set{}
	for i := range changes {
		for _, set := range []*manifest.Set{changes[i].Base, changes[i].Head} {
			if set != nil {
				union.Autoscalers = append(union.Autoscalers, set.Autoscalers...)
			}
		}
	}
	s := o.scenario()
	return s, o.Fill(ctx, &s.Spec, union)
}

// assign tries assignments. Node groups and producers, but schedules, do
// not decide in a replay, in which what they would say is recorded.
func assign(set *manifest.Set, assignments []string) error {
	changed, err := set.Assign(assignments)
	if err != nil {
		return err
	}
	for i := range set.Producers {
		if o := set.Producers[i].Object; o.Spec.Schedule == nil && changed.Producers[i].Object != o {
			return fmt.Errorf("MetricsProducer %s does not act in a replay, which has its series recorded; a scenario plays it", set.Producers[i].Object.Name)
		}
	}
	for i := range set.NodeGroups {
		if changed.NodeGroups[i].Object != set.NodeGroups[i].Object {
			return fmt.Errorf("ScalableNodeGroup %s does not act in a replay, which has no cloud; a scenario plays it", set.NodeGroups[i].Object.Name)
		}
	}
	return nil
}

// parseVariants reads the --variant flags.
func parseVariants(flags []string) ([]scenario.Variant, error) {
	var out []scenario.Variant
	for _, text := range flags {
		name, rest, ok := strings.Cut(text, "=")
		if !ok || name == "" || rest == "" {
			return nil, fmt.Errorf("--variant %s: want NAME=FILE or NAME=PATH=VALUE[,PATH=VALUE]", text)
		}
		if slices.ContainsFunc(out, func(v scenario.Variant) bool { return v.Name == name }) {
			return nil, fmt.Errorf("--variant %s: %s is named twice; its assignments go into one, NAME=PATH=VALUE,PATH=VALUE, its manifests into one directory", text, name)
		}
		v := scenario.Variant{Name: name}
		if strings.Contains(rest, "=") {
			v.Set = scenario.Assignments{rest}
		} else {
			v.Manifests = []string{absolute(rest)}
		}
		out = append(out, v)
	}
	return out, nil
}
