package autoscaler

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A hpaReadyCase is a trace recorded from Kubernetes' own autoscaler while pods
// were starting, never became ready or stopped being so.
type hpaReadyCase struct {
	hpaCase
	// Status and Ready are the pods at each tick, as HPA found them.
	Status, Ready []int32
	// Counted are the ready pods that had a cpu sample, Missing the pods without.
	Counted, Missing []int32
	// Deviations are those that change the case.
	Deviations []string
}

// TestRecordedHPAReady plays the recorded counts and values of every trace
// through Step: spec is what was decided, status and ready are what was there.
func TestRecordedHPAReady(t *testing.T) {
	for _, c := range traces[hpaReadyCase](t, "hpa-ready.jsonl") {
		t.Run(c.Name, func(t *testing.T) { c.run(t) })
	}
}

// resourceRules are traces in which HPA weighs a cpu metric by rules of its own
// for pods without a sample; a Prometheus metric has none.
var resourceRules = map[string]string{
	"u-utilization/0001": "pods that are not ready count as idle when HPA scales up",
	"u-utilization/0005": "HPA cuts the utilization to whole percents",
	"u-utilization/0035": "pods that are not ready count as idle when HPA scales up",
	"m-multi/0001":       "cpu counts other pods than Value does",
}

func (c *hpaReadyCase) run(t *testing.T) {
	if reason := resourceRules[c.Name]; reason != "" {
		t.Skip(reason)
	}
	spec := c.spec()
	if c.Behavior == nil {
		spec = c.withoutBehavior()
	}
	p, errs := policy.CompileAutoscaler(spec, field.NewPath("spec"))
	if errs != nil {
		t.Fatal(errs.ToAggregate())
	}
	want := c.Expected
	if c.Live != nil {
		want = c.Live // with an entry exactly 300 s old out, as a live controller has it
	}
	var state State
	replicas := c.InitialReplicas
	for i := range c.Values {
		ready := c.Ready
		if c.Counted != nil {
			ready = c.Counted
		}
		in := c.input(i, Scale{Spec: replicas, Status: c.Status[i], Ready: ready[i], Counted: true})
		var d Decision
		state, d = Step(p, state, in)
		if d.Desired != want[i] {
			t.Fatalf("at %d s from %d of %d, %d ready: got %d (%s %+v), want %d", in.Slot, replicas, c.Status[i], ready[i], d.Desired, d.Reason, d.Limit, want[i])
		}
		replicas = d.Desired
	}
}
