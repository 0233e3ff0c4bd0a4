package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/manifest"
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

// addEdits schedules the changes of objects during the run.
func (r *run) addEdits() error {
	edits := slices.Concat(r.in.File.Spec.Edits, r.o.edits)
	path := map[*scenario.Duration]string{}
	for i := range edits {
		path[edits[i].At] = fmt.Sprintf("spec.edits[%d]", i)
	}
	slices.SortStableFunc(edits, func(a, b scenario.Edit) int { return cmp.Compare(*a.At, *b.At) })
	for _, e := range edits {
		if t := r.scaled(&e); t != nil {
			replicas, err := e.Replicas()
			if err != nil {
				return r.in.File.Doc.Errorf(path[e.At]+".set", "%v", err)
			}
			when := r.in.start + time.Duration(*e.At).Milliseconds()
			r.queue.schedule(when, transition, "edit/"+e.Object, func() (int64, error) { r.targets.Scale(t, replicas); return 0, nil })
			continue
		}
		objects := r.edited(&e)
		if len(objects) == 0 {
			return r.in.File.Doc.Errorf(path[e.At]+".object", "the run has no %s", e.Object)
		}
		for _, o := range objects {
			apply, err := o.change(e.Set)
			if err != nil {
				return r.in.File.Doc.Errorf(path[e.At]+".set", "%s: %v", o.reference(), err)
			}
			when := r.in.start + time.Duration(*e.At).Milliseconds()
			r.queue.schedule(when, transition, "edit/"+o.reference().String(), func() (int64, error) { return 0, apply() })
		}
	}
	return nil
}

// scaled is the scale target that an edit is of, nil for one of our kinds.
func (r *run) scaled(e *scenario.Edit) *world.Target {
	ref, err := e.Reference()
	if e.Object == "" || err != nil || ref.Kind == journal.ScalableNodeGroup {
		return nil
	}
	return r.targets.Find(cycle.TargetRef{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
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
	ref, _ := e.Reference()
	return slices.DeleteFunc(all, func(o editable) bool { return o.reference() != ref })
}

// change implements editable.
func (p *player) change(set []string) (func() error, error) {
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
	if r := p.run; r.workloads.Of(p.target) != nil && compiled.Max > limit.Pods {
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
		p.Object, p.bounds = after, [2]int32{compiled.Min, compiled.Max}
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
