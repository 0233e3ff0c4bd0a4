package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// poll is the time between two looks at something that takes a while.
const poll = 20 * time.Millisecond

// TestKilled runs the built controller against a real API server and a real
// Prometheus, which scrapes values that move, and kills it with -9 at moments
// that a seed picks. Every journal file must verify, and what was decided must be
// what an observer of the targets saw, change by change. KARPENTER_KILLED says
// for how long: a minute unless it is set.
func TestKilled(t *testing.T) {
	t.Parallel()
	servertest.Own(t)
	span := time.Minute
	if text := os.Getenv("KARPENTER_KILLED"); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatalf("KARPENTER_KILLED: %v", err)
		}
	}
	o, random := observe(t, "killed"), rand.New(rand.NewPCG(1, 2))
	var names []string
	for _, a := range autoscalers() {
		names = append(names, a.Name)
		o.create(deployment(a.Name, 5), a)
	}
	url := startPrometheus(t, export(t, names, rand.New(rand.NewPCG(3, 4))))
	directory := t.TempDir()
	p := &process{
		t: t, name: "controller", binary: build(t, directory), journal: filepath.Join(directory, "journal"),
		flags: []string{"--kubeconfig", kubeconfig(t, directory), "--prometheus-uri", url, "--leader-elect=false"},
	}
	lives := 1
	for end := time.Now().Add(span); time.Now().Before(end); lives++ {
		p.start()
		time.Sleep(3*time.Second + time.Duration(random.Int64N(int64(5*time.Second))))
		p.kill()
		time.Sleep(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
	}
	p.start()
	time.Sleep(5 * time.Second)
	p.terminate()
	o.caughtUp()

	j := readJournals(t, p.journal)
	if len(j.files) < lives/2 {
		t.Errorf("%d of %d lives decided anything; that proves little", len(j.files), lives)
	}
	j.checkSuccession(names)
	o.checkAgainst(j, names)
	checkRate(j, "limited", 3, 1, 2)
	if free, dry := len(o.changes["free"]), len(o.changes["dry"]); free == 0 || dry > 0 {
		t.Errorf("the free one was scaled %d times, the dry one %d times", free, dry)
	}
	t.Logf("%d lives, changes seen: %v", lives, counts(o.changes))
}

func counts(changes map[string][]change) map[string]int {
	n := map[string]int{}
	for name := range changes {
		n[name] = len(changes[name])
	}
	return n
}

// checkRate has no change take the count further from where it was a period, in
// seconds, before than the policy of its direction allows; what went the other way
// in between makes room. A change the other way takes it nowhere further, even
// where the room that an earlier one had is no longer in the period.
func checkRate(j *journals, name string, period int64, up, down int32) {
	j.t.Helper()
	landed := j.landed(name)
	for i, last := range landed {
		moved := int32(0)
		for _, d := range landed[:i+1] {
			if int64(last.slot-d.slot) < period {
				moved += d.To - d.From
			}
		}
		if last.To > last.From && moved > up || last.To < last.From && -moved > down {
			j.t.Errorf("%s at %s: %+d replicas within %d s; the changes until then: %v\n%s", name, last.slot, moved, period, landed[max(0, i-8):i+1], j.around(name, last.slot))
		}
	}
}

func deployment(name string, replicas int32) client.Object {
	o := objectOf(cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: name})
	o.Object["spec"] = workloadSpec(cycle.TargetRef{Kind: "Deployment", Name: name}, replicas)
	return o
}

// autoscalers decide every second, each by rules of its own.
func autoscalers() []*v1alpha1.HorizontalAutoscaler {
	atOnce, soon := int32(0), int32(5)
	count := func(value, period int32) *v1alpha1.ScalingRules {
		return &v1alpha1.ScalingRules{StabilizationWindowSeconds: &atOnce, Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: value, PeriodSeconds: period}}}
	}
	percent := func(value, period int32) *v1alpha1.ScalingRules {
		return &v1alpha1.ScalingRules{StabilizationWindowSeconds: &atOnce, Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.PercentScalingPolicy, Value: value, PeriodSeconds: period}}}
	}
	free := v1alpha1.Behavior{ScaleDown: &v1alpha1.ScalingRules{StabilizationWindowSeconds: &atOnce}}
	two := autoscalerOf("two", free)
	more := *two.Spec.Metrics[0].Prometheus
	more.Query = `sum(demand) / 4`
	two.Spec.Metrics = append(two.Spec.Metrics, v1alpha1.Metric{Prometheus: &more})
	dry := autoscalerOf("dry", free)
	dry.Spec.DryRun = true
	return []*v1alpha1.HorizontalAutoscaler{
		autoscalerOf("free", free), two, dry,
		autoscalerOf("limited", v1alpha1.Behavior{ScaleUp: count(1, 3), ScaleDown: count(2, 3)}),
		autoscalerOf("percent", v1alpha1.Behavior{ScaleUp: percent(50, 4), ScaleDown: percent(25, 4)}),
		autoscalerOf("window", v1alpha1.Behavior{ScaleUp: &v1alpha1.ScalingRules{StabilizationWindowSeconds: &soon}, ScaleDown: &v1alpha1.ScalingRules{StabilizationWindowSeconds: &soon}}),
	}
}

// autoscalerOf scales a Deployment of its name by ten of the demand a replica.
func autoscalerOf(name string, behavior v1alpha1.Behavior) *v1alpha1.HorizontalAutoscaler {
	ten, second := resource.MustParse("10"), int32(1)
	return &v1alpha1.HorizontalAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.HorizontalAutoscalerSpec{
			ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicas:    1, MaxReplicas: 100, PollingIntervalSeconds: &second, Behavior: behavior,
			Metrics: []v1alpha1.Metric{{Prometheus: &v1alpha1.PrometheusMetricSource{
				Query: fmt.Sprintf("demand{app=%q}", name), Target: v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &ten},
			}}},
		},
	}
}
