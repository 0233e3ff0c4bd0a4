package kubernetes_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// TestStateReset holds that a state that lies months ahead of the clock is told
// by condition, event, metric and journal, and that the autoscaler goes on.
func TestStateReset(t *testing.T) {
	s := connect(t)
	s.create(s.deployment("web", 5))
	s.create(s.autoscaler("web", "web"))
	r := s.run(s.autoscalerCreated("web").Add(time.Second))
	r.metric.set(cycle.Result{Samples: 1, Value: 50}, nil)
	r.decide(1)
	r.stop()

	o := r.autoscalerNow("web")
	var state autoscaler.State
	s.check(state.UnmarshalText([]byte(o.Status.State)))
	state.Runs[len(state.Runs)-1].First += 10_000_000
	text, err := state.AppendText(nil)
	s.check(err)
	o.Status.State = string(text)
	s.check(s.client.Status().Update(context.Background(), o))

	r = s.run(r.clock.Now())
	defer r.stop()
	r.metric.set(cycle.Result{Samples: 1, Value: 20}, nil)
	r.decide(2)
	if e := r.event(); !strings.HasPrefix(e, "Warning StateReset the last decided slot in status.state is ") {
		t.Errorf("event %q", e)
	}
	if e := r.event(); !strings.HasPrefix(e, "Normal Decided") {
		t.Errorf("then event %q", e)
	}
	if !slices.Contains(r.diary.outcomes, cycle.StateReset) {
		t.Errorf("outcomes %v", r.diary.outcomes)
	}
	counted := `# HELP karpenter_autoscaling_outcomes_total What came of decisions that changed a number: Applied, or why not.
# TYPE karpenter_autoscaling_outcomes_total counter
karpenter_autoscaling_outcomes_total{kind="HorizontalAutoscaler",result="StateReset"} 1
`
	s.check(testutil.GatherAndCompare(r.registry, strings.NewReader(counted), "karpenter_autoscaling_outcomes_total"))
	if n := r.replicas("web"); n != 5 {
		t.Errorf("%d replicas: the first slots after a reset scale nothing down", n)
	}
}
