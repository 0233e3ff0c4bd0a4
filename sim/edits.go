package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// addEdits schedules the changes of autoscalers during the run.
func (r *run) addEdits() error {
	edits := slices.Clone(r.in.File.Spec.Edits)
	path := map[*scenario.Duration]string{}
	for i := range edits {
		path[edits[i].At] = fmt.Sprintf("spec.edits[%d]", i)
	}
	slices.SortStableFunc(edits, func(a, b scenario.Edit) int { return cmp.Compare(*a.At, *b.At) })
	specs := make([]*v1alpha1.HorizontalAutoscaler, len(r.played))
	for i, p := range r.played {
		specs[i] = p.Object
	}
	for _, e := range edits {
		at := path[e.At]
		found := false
		for i, p := range r.played {
			if ref, _ := e.Reference(); e.Object != "" && ref != p.reference() {
				continue
			}
			found = true
			edited, err := p.edit(specs[i], e.Set)
			if err != nil {
				return r.in.File.Doc.Errorf(at+".set", "%s: %v", p.reference(), err)
			}
			specs[i] = edited
			when := r.in.start + time.Duration(*e.At).Milliseconds()
			r.queue.schedule(when, transition, "edit/"+p.reference().String(), func() (int64, error) {
				p.apply(edited)
				return 0, nil
			})
		}
		if !found {
			return r.in.File.Doc.Errorf(at+".object", "the run has no %s", e.Object)
		}
	}
	return nil
}

// edit is the object after a change.
func (p *player) edit(before *v1alpha1.HorizontalAutoscaler, set []string) (*v1alpha1.HorizontalAutoscaler, error) {
	entry, err := manifest.Assign(manifest.Autoscaler{Object: before}, set)
	if err != nil {
		return nil, err
	}
	after := before.DeepCopy()
	after.Spec = entry.Object.Spec
	after.Generation++
	compiled, errs := policy.CompileAutoscaler(&after.Spec, field.NewPath("spec"))
	if len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	switch {
	case compiled.Target != p.Policy.Target:
		return nil, fmt.Errorf("spec.scaleTargetRef cannot be changed during a run")
	case compiled.Interval != p.Policy.Interval:
		return nil, fmt.Errorf("spec.pollingIntervalSeconds cannot be changed during a run")
	}
	for i, m := range compiled.Metrics {
		if !slices.Contains(p.queries(), m.Query) {
			return nil, fmt.Errorf("spec.metrics[%d].prometheus.query cannot be changed during a run", i)
		}
	}
	return after, nil
}

// apply puts a changed object in the place of the one before.
func (p *player) apply(o *v1alpha1.HorizontalAutoscaler) {
	p.Object = o
	kept := p.run.objects[nameOf(o)]
	kept.object.Spec, kept.object.Generation = o.Spec, o.Generation
	kept.version++
}
