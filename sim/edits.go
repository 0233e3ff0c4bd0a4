package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/suggest"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// An editable is an object that can be changed during the run.
type editable interface {
	reference() scenario.Reference
	// change checks a change of what the changes before it leave, and returns
	// what makes it when its time has come.
	change(set []string) (apply func() error, err error)
}

// A dueEdit is an edit at one of its instants.
type dueEdit struct {
	*scenario.Edit
	path string // "" of one that no file has
	at   scenario.Duration
}

// addEdits schedules the changes of objects during the run.
func (r *run) addEdits() error {
	for _, e := range r.dueEdits() {
		if ref, _ := e.Reference(); e.Object != "" && r.part.concernsOthers(ref) {
			continue
		}
		objects := r.edited(e.Edit)
		if len(objects) == 0 {
			return r.in.File.Doc.Errorf(e.path+".object", "the run has no %s%s", e.Object, r.meant(e.Edit))
		}
		for _, o := range objects {
			apply, err := o.change(e.Set)
			if err != nil {
				return r.in.File.Doc.Errorf(e.path+".set", "%s: %v", o.reference(), err)
			}
			when := r.in.start + time.Duration(e.at).Milliseconds()
			r.queue.schedule(when, transition, "edit/"+o.reference().String(), func() (int64, error) { return 0, apply() })
		}
	}
	return nil
}

// dueEdits are all edits in the order of time.
func (r *run) dueEdits() []dueEdit {
	var all []dueEdit
	edits := slices.Concat(r.in.File.Spec.Edits, r.o.edits)
	for i := range edits {
		for _, at := range edits[i].Instants(r.in.File.Spec.Duration) {
			all = append(all, dueEdit{&edits[i], fmt.Sprintf("spec.edits[%d]", i), at})
		}
	}
	slices.SortStableFunc(all, func(a, b dueEdit) int { return cmp.Compare(a.at, b.at) })
	return all
}

// edited are the objects that an edit is of.
func (r *run) edited(e *scenario.Edit) []editable {
	var all []editable
	for _, p := range r.played {
		all = append(all, p)
	}
	if e.Object == "" {
		return all
	}
	for _, s := range r.groupsOf() {
		all = append(all, s)
	}
	if r.producers != nil {
		for _, s := range r.producers.all {
			all = append(all, s)
		}
	}
	for target, declared := range r.declared {
		all = append(all, &editedTarget{run: r, target: target, declared: declared.Reference()})
	}
	ref, _ := e.Reference()
	return slices.DeleteFunc(all, func(o editable) bool { return o.reference() != ref })
}

// meant proposes the scale target that a misspelt one was meant to be.
func (r *run) meant(e *scenario.Edit) string {
	if !e.OfTarget() {
		return ""
	}
	var names []string
	for _, t := range r.declared {
		names = append(names, t.Reference().String())
	}
	slices.Sort(names)
	ref, _ := e.Reference()
	if name := suggest.Closest(ref.String(), names); name != "" {
		return fmt.Sprintf("; did you mean %s?", name)
	}
	if len(names) == 0 {
		return ": it has no targets and no workloads"
	}
	return "; its targets are " + recording.NearestListed(ref.String(), names)
}

// An editedTarget is a scale target whose replicas somebody sets who is no autoscaler.
type editedTarget struct {
	run      *run
	target   *world.Target
	declared scenario.Reference
}

func (t *editedTarget) reference() scenario.Reference { return t.declared }

// change implements editable, as `kubectl scale` has it.
func (t *editedTarget) change(set []string) (func() error, error) {
	scale := &autoscalingv1.Scale{}
	entry, err := manifest.Assign(manifest.Entry[autoscalingv1.Scale]{Object: scale}, set)
	if err != nil {
		return nil, err
	}
	replicas := entry.Object.Spec.Replicas
	switch {
	case len(entry.Object.Annotations)+len(entry.Object.Labels) > 0, slices.ContainsFunc(set, func(s string) bool { return strings.HasSuffix(s, "=null") }):
		return nil, errors.New("of a target only spec.replicas can be set, to a number")
	case replicas < 0:
		return nil, fmt.Errorf("spec.replicas: want 0 or more, got %d", replicas)
	case t.target.PodByPod() && replicas > limit.Pods:
		return nil, tooManyPods(replicas)
	}
	return func() error {
		t.run.targets.Scale(t.target, replicas)
		return nil
	}, nil
}

// change implements editable.
func (p *autoscalerRun) change(set []string) (func() error, error) {
	before := cmp.Or(p.edited, p.Object)
	entry, err := manifest.Assign(manifest.Autoscaler{Object: before}, set)
	if err != nil {
		return nil, err
	}
	after := before.DeepCopy()
	after.Spec, after.Annotations = entry.Object.Spec, entry.Object.Annotations
	if !equality.Semantic.DeepEqual(before.Spec, after.Spec) {
		after.Generation++
	}
	compiled, errs := policy.CompileAutoscaler(&after.Spec, field.NewPath("spec"))
	if len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	switch {
	case compiled.Target != p.Policy.Target:
		return nil, errors.New("spec.scaleTargetRef cannot be changed during a run")
	case compiled.Interval != p.Policy.Interval:
		return nil, errors.New("spec.pollingIntervalSeconds cannot be changed during a run")
	}
	if p.target.PodByPod() && compiled.Max > limit.Pods {
		return nil, tooManyPods(compiled.Max)
	}
	for i, m := range compiled.Metrics {
		text, err := p.run.in.enforce().Enforce(m.Query, p.Object.Namespace)
		if err != nil {
			return nil, fmt.Errorf("spec.metrics[%d].prometheus.query: %w", i, err)
		}
		if !slices.Contains(p.queries(), text) {
			return nil, fmt.Errorf("spec.metrics[%d].prometheus.query cannot be changed during a run", i)
		}
	}
	p.edited = after
	return func() error {
		p.Object = after
		kept := p.run.autoscalers.find(p.Name())
		kept.object.Spec, kept.object.Generation, kept.object.Annotations = after.Spec, after.Generation, after.Annotations
		kept.written()
		return nil
	}, nil
}

// change implements editable. Because autoscalers change the spec as well, it is
// made of what is there when its time has come.
func (s *storedGroup) change(set []string) (func() error, error) {
	before := cmp.Or(s.edited, s.object)
	after, err := s.assign(before, set)
	if err != nil {
		return nil, err
	}
	s.edited = after
	return func() error {
		now, err := s.assign(s.object, set)
		if err != nil {
			return fmt.Errorf("%s: %w", s.reference(), err)
		}
		now.Generation++
		s.object = now
		s.written()
		if now.Spec.Replicas != nil {
			s.target.Observe(*now.Spec.Replicas, s.target.Status)
		}
		return nil
	}, nil
}

// assign is a node group after a change that the run can follow.
func (s *storedGroup) assign(before *v1alpha1.ScalableNodeGroup, set []string) (*v1alpha1.ScalableNodeGroup, error) {
	entry, err := manifest.Assign(manifest.NodeGroup{Object: before}, set)
	if err != nil {
		return nil, err
	}
	after := before.DeepCopy()
	after.Spec = entry.Object.Spec
	compiled, errs := policy.CompileNodeGroup(&after.Spec, field.NewPath("spec"))
	switch {
	case len(errs) > 0:
		return nil, errs.ToAggregate()
	case compiled.Type != s.ref.Type:
		return nil, errors.New("spec.type cannot be changed during a run")
	case compiled.ID != s.ref.ID:
		return nil, errors.New("spec.id cannot be changed during a run")
	}
	return after, nil
}

// change implements editable.
func (s *storedProducer) change(set []string) (func() error, error) {
	before := cmp.Or(s.edited, s.object)
	entry, err := manifest.Assign(manifest.Producer{Object: before}, set)
	if err != nil {
		return nil, err
	}
	spec := entry.Object.Spec
	if _, errs := policy.CompileProducer(&spec, field.NewPath("spec")); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	if sourceOf(&spec) != sourceOf(&before.Spec) {
		return nil, fmt.Errorf("spec.%s cannot give way to spec.%s during a run", sourceOf(&before.Spec), sourceOf(&spec))
	}
	s.edited = before.DeepCopy()
	s.edited.Spec = spec
	return func() error {
		s.object = s.object.DeepCopy()
		s.object.Spec = spec
		s.object.Generation++
		s.written()
		return nil
	}, nil
}

// sourceOf names what a valid producer measures.
func sourceOf(spec *v1alpha1.MetricsProducerSpec) string {
	switch {
	case spec.PendingCapacity != nil:
		return "pendingCapacity"
	case spec.Queue != nil:
		return "queue"
	case spec.ReservedCapacity != nil:
		return "reservedCapacity"
	}
	return "scheduleSpec"
}

func (s *storedProducer) reference() scenario.Reference {
	return scenario.Reference{Namespace: s.object.Namespace, Kind: journal.MetricsProducer, Name: s.object.Name}
}
