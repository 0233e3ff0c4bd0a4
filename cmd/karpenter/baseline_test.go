package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim"
)

// What another call wrote is a column of its own, for the scenarios that it had:
// a pull request may add one.
func TestBaselineOfAnotherCall(t *testing.T) {
	t.Chdir(t.TempDir())
	old := strings.Replace(scheduledGroup, "    - {name: more in the variant, report: 'largest_replicas{column=\"more\"} == 5'}\n", "", 1)
	old = strings.Replace(old, "    - {name: more, manifests: [more.yaml]}\n", "", 1)
	write(t, "base/hours.yaml", old)
	if c := call(t, "", "simulate", "base", "--out", "before"); c.code != exitOK {
		t.Fatalf("code %d\n%s%s", c.code, c.stdout, c.stderr)
	}
	compared := strings.Replace(old, "  expect:\n", "  expect:\n    - {name: as before, report: 'largest_replicas <= baseline'}\n", 1)
	write(t, "head/hours.yaml", compared)
	write(t, "head/new.yaml", strings.Replace(old, "metadata: {name: hours}\nspec:\n  seed", "metadata: {name: new}\nspec:\n  seed", 1))
	c := call(t, "", "simulate", "head", "--baseline", "before", "--out", "after")
	if c.code != exitOK || strings.Count(c.stdout, "baseline") != 1 {
		t.Errorf("code %d, want %d and one column of the baseline\n%s%s", c.code, exitOK, c.stdout, c.stderr)
	}
	if !strings.Contains(c.stderr, "--baseline before has no scenario new: there is nothing to compare it with") {
		t.Errorf("what is missing is not said:\n%s", c.stderr)
	}
	write(t, "head/new.yaml", strings.Replace(compared, "metadata: {name: hours}\nspec:\n  seed", "metadata: {name: new}\nspec:\n  seed", 1))
	if c := call(t, "", "simulate", "head", "--baseline", "before", "--out", "after"); c.code != exitFailed || !strings.Contains(c.stderr, "there is no baseline to compare with") {
		t.Errorf("code %d, want %d: an expectation has nothing to compare with\n%s", c.code, exitFailed, c.stderr)
	}
}

// A run of another time is no baseline: its last counts would be taken for those of later.
func TestBaselineOfAnotherTime(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "base/s.yaml", goodScenario)
	write(t, "base/ha.yaml", goodManifest)
	if c := call(t, "", "simulate", "base/s.yaml", "--out", "before"); c.code != exitOK {
		t.Fatalf("code %d\n%s%s", c.code, c.stdout, c.stderr)
	}
	write(t, "base/s.yaml", regexp.MustCompile(`duration: \w+`).ReplaceAllString(goodScenario, "duration: 20m"))
	c := call(t, "", "simulate", "base/s.yaml", "--baseline", "before", "--out", "after")
	if c.code != exitOK || strings.Contains(c.stdout, "baseline") || !strings.Contains(c.stderr, "08:20:00Z: there is nothing to compare it with") {
		t.Errorf("code %d, want %d without a column of the baseline\n%s%s", c.code, exitOK, c.stdout, c.stderr)
	}
}

// Each scenario converts the baseline's manifests with its own queries.
func TestBaselineConversions(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "base.yaml", strings.ReplaceAll(validHPA, "shop", "web"))
	write(t, "in/ha.yaml", goodManifest)
	write(t, "in/a.yaml", goodScenario)
	write(t, "in/b.yaml", strings.NewReplacer("name: s}", "name: b}", "  inputSeries", "  metrics: {queue_length: max(value)}\n  inputSeries").Replace(goodScenario))
	call(t, "", "simulate", "in", "--baseline", "base.yaml", "--out", "out").want(t, exitOK, "")
	for name, query := range map[string]string{"s": "sum(queue_length)", "b": "max(value)"} {
		if text := read(t, filepath.Join("out", name, "variants", "baseline", sim.DecisionsFile)); !strings.Contains(text, query) {
			t.Errorf("the baseline of %s does not ask %s:\n%.600s", name, query, text)
		}
	}
}

// Of a directory of manifests each scenario takes its own: those of others would
// be paid for in the column of the baseline only.
func TestBaselineOfAll(t *testing.T) {
	t.Chdir(t.TempDir())
	other := strings.NewReplacer("name: web", "name: api").Replace(goodManifest)
	write(t, "in/web.yaml", goodManifest)
	write(t, "in/api.yaml", other)
	scenario := func(name string) string {
		return strings.NewReplacer("name: s}", "name: "+name+"}", "[ha.yaml]", "["+name+".yaml]", "name: web", "name: "+name, "  inputSeries", "  expect:\n"+
			"  - {name: hours, report: replica_hours >= baseline - 1%}\n  - {name: short, report: breach_minutes <= baseline}\n  inputSeries").Replace(goodScenario)
	}
	write(t, "scenarios/web.yaml", strings.Replace(scenario("web"), "[web.yaml]", "[../in/web.yaml]", 1))
	write(t, "scenarios/api.yaml", strings.Replace(scenario("api"), "[api.yaml]", "[../in/api.yaml]", 1))
	cases := map[string]struct {
		reason, base string
		code         int
		want         string
	}{
		"Same":    {"what is the same compares as the same", goodManifest + "---\n" + other, exitOK, ""},
		"Renamed": {"the same target is enough", strings.Replace(goodManifest, "{name: web}", "{name: old}", 1) + "---\n" + other, exitOK, ""},
		"New": {"what was not there yet has nothing to be compared with", other, exitFailed,
			"--baseline base.yaml has none of the autoscalers of scenario web: there is nothing to compare it with"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			write(t, "base.yaml", c.base)
			if got := call(t, "", "simulate", "scenarios", "--baseline", "base.yaml", "--out", "out-"+name); got.code != c.code || !strings.Contains(got.stderr, c.want) {
				t.Errorf("%s: code %d, want %d and %q\n%s%s", c.reason, got.code, c.code, c.want, got.stdout, got.stderr)
			}
		})
	}
}

func TestReads(t *testing.T) {
	producer := &v1alpha1.MetricsProducer{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "hours"}}
	for _, c := range []struct {
		reason, query string
		want          bool
	}{
		{"its gauge", `karpenter_scheduled_replicas_value{name="hours"}`, true},
		{"in other quotes", `max(karpenter_scheduled_replicas_value{namespace='shop',name='hours'})`, true},
		{"as one of several", "karpenter_queue_length{name=~`hours|days`} + up", true},
		{"of another namespace", `karpenter_queue_length{name="hours",namespace="other"}`, false},
		{"of another producer", `karpenter_queue_length{name="days"}`, false},
		{"another label", `requests{queue="hours"}`, false},
		{"no query", `sum(`, false},
	} {
		a := &v1alpha1.HorizontalAutoscaler{Spec: v1alpha1.HorizontalAutoscalerSpec{Metrics: []v1alpha1.Metric{{}, {Prometheus: &v1alpha1.PrometheusMetricSource{Query: c.query}}}}}
		if got := sim.Reads(a, producer); got != c.want {
			t.Errorf("%s: reads is %t for %s", c.reason, got, c.query)
		}
	}
}
