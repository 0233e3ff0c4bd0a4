package main

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// monday is when recordings of these tests begin.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// openMetrics is a gauge with a sample every 15 s for a time; NaN leaves one out.
func openMetrics(series string, length time.Duration, value func(at time.Duration) float64) string {
	var b strings.Builder
	name, _, _ := strings.Cut(series, "{")
	fmt.Fprintf(&b, "# TYPE %s gauge\n", name)
	for at := time.Duration(0); at < length; at += 15 * time.Second {
		if v := value(at); !math.IsNaN(v) {
			fmt.Fprintf(&b, "%s %v %d\n", series, v, monday.Add(at).Unix())
		}
	}
	return b.String()
}

// onRate is a policy of 80 a second a replica that decides every so often.
func onRate(interval int) string {
	return fmt.Sprintf(`apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 40
  pollingIntervalSeconds: %d
  metrics:
  - prometheus: {query: 'sum(rps)', target: {type: AverageValue, averageValue: 80}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
`, interval)
}

// A toldRun is what report.json says of a run.
type toldRun struct {
	Headline, Trade string
	Columns         []struct {
		Name      string
		Reference bool
		Figures   map[string]float64
		Objects   []struct {
			Causes []struct {
				Cause, Detail string
				Seconds       float64
			}
			Fixes []result.Fix
		}
	}
}

// told reads the report of a run.
func told(t *testing.T, dir string) toldRun {
	t.Helper()
	var r toldRun
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "report.json"))), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// figure is that of a column.
func (r *toldRun) figure(t *testing.T, column, name string) float64 {
	t.Helper()
	for _, c := range r.Columns {
		if c.Name == column {
			return c.Figures[name]
		}
	}
	t.Fatalf("no column %s", column)
	return 0
}

func about(got, want, percent float64) bool { return math.Abs(got-want) <= want*percent/100 }

// TestDemandDoesNotDependOnWhoDecides replays spikes of a minute every five, four
// hours long, under a policy that sees each of them and one that sees none: 48
// spikes, each short of replicas for 5 s until a slot and 30 s of start-up, or for
// the whole minute.
func TestDemandDoesNotDependOnWhoDecides(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "rps.om", openMetrics("rps", 6*time.Hour, func(at time.Duration) float64 {
		if at >= time.Hour && at < 5*time.Hour && at%(5*time.Minute) < time.Minute {
			return 1200
		}
		return 400
	})+"# EOF\n")
	write(t, "often.yaml", onRate(15))
	write(t, "seldom.yaml", onRate(300))
	for _, order := range [][2]string{{"often", "seldom"}, {"seldom", "often"}} {
		first, second := order[0], order[1]
		call(t, "", "replay", "-f", first+".yaml", "--recording", "rps.om", "--ready-after", "30s", "--demand", "sum(rps)", "--capacity", "100",
			"--target", "Deployment/web=6", "--variant", second+"="+second+".yaml", "--out", first).want(t, exitOK, "")
		r := told(t, filepath.Join(first, "web"))
		for column, policy := range map[string]string{"current": first, second: second} {
			want := map[string]float64{"often": 28, "seldom": 48}[policy]
			if got := r.figure(t, column, "breach_minutes"); !about(got, want, 2) {
				t.Errorf("%s first: %s lacks capacity for %v min, want %v", first, policy, got, want)
			}
		}
	}
}

// TestDemandGoesOnWhileNobodyDecides has the demand double for 20 minutes while
// the controller is away, or its queries are not answered.
func TestDemandGoesOnWhileNobodyDecides(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct{ fault, lead, cause string }{
		"nobody-answers": {"metrics: down", "web could not decide for 22 of 60 min", "MetricsUnavailable"},
		"nobody-decides": {"controller: skipped", "Monday 08:10–08:30 web ran above its target for 20 min", "not decided"},
	} {
		write(t, name+".yaml", `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: `+name+`}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  controller: {phase: aligned}
  interval: 1m
  inputSeries: [{series: q, values: '40x9 80x19 40x40'}]
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 10}]
  faults: [{name: gone, `+c.fault+`, at: 9m, for: 22m}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 100
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{prometheus: {query: 'sum(q)', target: {type: AverageValue, value: 4}}}]
`)
		call(t, "", "simulate", name+".yaml", "--out", "out").want(t, exitOK, "")
		r := told(t, filepath.Join("out", name))
		if got := r.figure(t, "current", "breach_minutes"); got != 20 {
			t.Errorf("%s: short for %v min, want 20", name, got)
		}
		if !strings.HasPrefix(r.Headline, c.lead) {
			t.Errorf("%s: %s\nwant first: %s", name, r.Headline, c.lead)
		}
		if b := r.Columns[0].Objects[0].Causes; len(b) != 1 || b[0].Detail != c.cause && b[0].Cause != c.cause {
			t.Errorf("%s: causes %v, want %s alone", name, b, c.cause)
		}
	}
}

// TestHeadlineSaysWhatCouldNotBeJudged leaves samples out, or has too many of them.
func TestHeadlineSaysWhatCouldNotBeJudged(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", strings.Replace(onRate(15), "scaleDown: {stabilizationWindowSeconds: 0}", "scaleDown: {stabilizationWindowSeconds: 300}", 1))
	write(t, "many.yaml", strings.Replace(onRate(15), "sum(rps)", "max by (queue) (rps)", 1))
	// From 400 to 1,200 between 01:00 and 01:30; no sample until 01:45.
	write(t, "surge.om", openMetrics("rps", 6*time.Hour, func(at time.Duration) float64 {
		switch {
		case at < time.Hour:
			return 400
		case at < 105*time.Minute:
			return math.NaN()
		}
		return 1200
	})+"# EOF\n")
	constant := func(time.Duration) float64 { return 400 }
	write(t, "queues.om", openMetrics(`rps{queue="a"}`, time.Hour, constant)+
		strings.TrimPrefix(openMetrics(`rps{queue="b"}`, time.Hour, constant), "# TYPE rps gauge\n")+"# EOF\n")
	for name, c := range map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"Gap": {
			reason: "of the 45 minutes, lookback bridges the first five",
			args:   []string{"-f", "ha.yaml", "--recording", "surge.om"},
			want:   "web could not be judged for 40 of 360 min: the metric was missing; ",
		},
		"GapInDemand": {
			reason: "the demand is missing as well where it has the same samples",
			args:   []string{"-f", "ha.yaml", "--recording", "surge.om", "--demand", "sum(rps)", "--capacity", "100"},
			want:   "web could not be judged for 40 of 360 min: the metric was missing; ",
		},
		"Never": {
			reason: "a policy that never decides is the news, and the cure is known",
			args:   []string{"-f", "many.yaml", "--recording", "queues.om"},
			want:   "The policy of web never decided: the metric gave several series; aggregate it in the query, with sum(...) or max(...) without by; it ran ",
		},
	} {
		args := append([]string{"replay", "--ready-after", "0s", "--target", "Deployment/web=6", "--out", name}, c.args...)
		call(t, "", args...).want(t, exitOK, "")
		r := told(t, filepath.Join(name, "web"))
		if !strings.HasPrefix(r.Headline, c.want) || strings.Contains(r.Headline, "never lacked") || strings.Contains(r.Headline, "never ran") {
			t.Errorf("%s: %s:\n%s\nwant first: %s", name, c.reason, r.Headline, c.want)
		}
	}
}

// TestYardstickStays writes a guard for one policy and plays another one: what is
// needed stays that of the policy which it was written for.
func TestYardstickStays(t *testing.T) {
	recording := testdata(t, "..", "..", "..", "scenarios", "recordings", "checkout.om.gz")
	t.Chdir(t.TempDir())
	scaledObject := func(threshold string) string {
		return `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {name: checkout}
  minReplicaCount: 2
  maxReplicaCount: 30
  triggers:
  - type: prometheus
    metadata: {serverAddress: http://prometheus:9090, query: 'sum(rate(http_requests_total{service="checkout"}[1m]))', threshold: "` + threshold + `"}
  - type: cron
    metadata: {timezone: Europe/Berlin, start: "40 13 * * 1-5", end: "55 13 * * 1-5", desiredReplicas: "12"}
`
	}
	write(t, "so.yaml", scaledObject("8"))
	call(t, "", "init", "-f", "so.yaml", "--recording", recording, "--out", "autoscaling").want(t, exitOK, "")
	call(t, "", "simulate", "autoscaling", "--out", "base").want(t, exitOK, "")
	write(t, "so.yaml", scaledObject("24"))
	got := call(t, "", "simulate", "autoscaling", "--baseline", "base", "--out", "head")
	if got.code != exitFailed || !strings.Contains(got.stdout, "failed runs above its target no longer than today") {
		t.Errorf("exit code %d, stdout:\n%s\nwant the guard to fail", got.code, got.stdout)
	}
	base, head := told(t, "base/checkout"), told(t, "head/checkout")
	// What a call says that names the demand.
	named := map[string]float64{}
	for _, threshold := range []string{"8", "24"} {
		write(t, "named.yaml", scaledObject(threshold))
		call(t, "", "replay", "-f", "named.yaml", "--recording", recording, "--demand", `sum(rate(http_requests_total{service="checkout"}[1m]))`, "--capacity", "8", "--out", "named").want(t, exitOK, "")
		r := told(t, "named/checkout")
		named[threshold] = r.figure(t, "current", "breach_minutes")
	}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"threshold 8", base.figure(t, "current", "breach_minutes"), named["8"]},
		{"threshold 24", head.figure(t, "current", "breach_minutes"), named["24"]},
		{"threshold 24 with the demand named", named["24"], 22},
		// 5.9 min before status.replicas of a replayed target counted those that
		// start: ratios to it are smaller now, and more of them within the tolerance;
		// 6.5 while the world was looked at every 15 s and not, as it was scraped, every 5.
		{"threshold 8 with the demand named", named["8"], 6.7},
		{"the baseline", head.figure(t, "baseline", "breach_minutes"), base.figure(t, "current", "breach_minutes")},
		{"what ran", head.figure(t, "recorded", "breach_minutes"), base.figure(t, "recorded", "breach_minutes")},
	} {
		if !about(c.got, c.want, 2) {
			t.Errorf("%s lacks capacity for %v min, want %v", c.what, c.got, c.want)
		}
	}
	if !strings.Contains(head.Headline, "ran above its target") {
		t.Errorf("%s\na target tells no capacity", head.Headline)
	}

	// Without the yardstick, the two policies do not measure by the same.
	before, after, _ := strings.Cut(read(t, "autoscaling/checkout.yaml"), "  yardstick:\n")
	_, after, _ = strings.Cut(after, "kind: target\n")
	write(t, "autoscaling/checkout.yaml", before+after)
	call(t, "", "simulate", "autoscaling", "--baseline", "base", "--out", "other").
		want(t, exitInvalid, "write one spec.yardstick into scenario checkout")
}

// TestReplayWritesItsYardstick holds the written scenario to the same bytes.
func TestReplayWritesItsYardstick(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", onRate(15))
	write(t, "rps.om", openMetrics("rps", time.Hour, func(at time.Duration) float64 { return 400 + at.Minutes() })+"# EOF\n")
	call(t, "", "replay", "-f", "ha.yaml", "--recording", "rps.om", "--out", "out").want(t, exitOK, "")
	for _, line := range []string{"yardstick:\n", "expr: sum(rps)\n", "perReplica: 80\n", "kind: target\n"} {
		if text := read(t, "out/web/scenario.yaml"); !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	call(t, "", "simulate", "out/web/scenario.yaml", "--out", "again").want(t, exitOK, "")
	for _, file := range []string{"report.json", "scenario.yaml", "decisions.jsonl"} {
		if read(t, filepath.Join("out/web", file)) != read(t, filepath.Join("again/web", file)) {
			t.Errorf("%s differs", file)
		}
	}
}

// TestBadYardsticks refuses those that measure nothing.
func TestBadYardsticks(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct{ yardstick, want string }{
		"NoDemand":  {"{perReplica: 4, kind: target}", "spec.yardstick.expr: required with perReplica"},
		"NoUnits":   {"{expr: sum(q), kind: target}", "spec.yardstick.perReplica: required"},
		"Negative":  {"{expr: sum(q), perReplica: -4, kind: target}", "spec.yardstick.perReplica: want a number above 0, got -4"},
		"NoKind":    {"{expr: sum(q), perReplica: 4}", "spec.yardstick.kind: required: capacity"},
		"OtherKind": {"{expr: sum(q), perReplica: 4, kind: floor}", `spec.yardstick.kind: unknown kind "floor"; allowed: capacity, target`},
		"NoPromQL":  {"{expr: 'sum(', perReplica: 4, kind: target}", "spec.yardstick.expr: PromQL, character 5"},
		"Ahead":     {"{expr: sum(q offset -1m), perReplica: 4, kind: target}", "spec.yardstick.expr: sum(q offset -1m) reads samples of up to 1m0s after its own instant, which are not there yet: leave the negative offset out"},
		"NoSample":  {"{expr: sum(nothing), perReplica: 4, kind: target}", "spec.yardstick.expr: sum(nothing) never has a sample in the recordings and inputSeries, which have q"},
		"Many":      {"{expr: 'q', perReplica: 4, kind: target}", "spec.yardstick.expr: q gives several series wherever it gives any"},
		"Field":     {"{expr: sum(q), capacity: 4, kind: target}", `unknown field "capacity"`},
		"TwoKinds":  {"[{expr: sum(q), perReplica: 4, kind: target}, {expr: sum(q), perReplica: 4, kind: capacity}]", "spec.yardstick[1].kind: another yardstick of the same target is of kind target"},
	} {
		write(t, "s.yaml", `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: s}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  inputSeries: [{series: 'q{i="1"}', values: '40x40'}, {series: 'q{i="2"}', values: '40x40'}]
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web}]
  yardstick: `+c.yardstick+`
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 100
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{prometheus: {query: 'sum(q)', target: {type: AverageValue, value: 4}}}]
`)
		got := call(t, "", "simulate", "s.yaml", "--out", "out")
		if got.code != exitInvalid || !strings.Contains(got.stderr, c.want) {
			t.Errorf("%s: exit code %d, stderr:\n%s\nwant %s", name, got.code, got.stderr, c.want)
		}
	}
}

// onUtilization is a policy on a utilization, 70 % of a replica.
func onUtilization(least, most int) string {
	return fmt.Sprintf(`apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: %d
  maxReplicas: %d
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: 'avg(utilization)', target: {type: Utilization, averageUtilization: 70}}
  behavior:
    scaleUp: {tolerance: 0.1}
    scaleDown: {stabilizationWindowSeconds: 300, tolerance: 0.1}
`, least, most)
}

// counts are the recorded counts of the Deployment web.
func counts(length time.Duration, count func(at time.Duration) float64) string {
	var all strings.Builder
	for _, name := range []string{"kube_deployment_spec_replicas", "kube_deployment_status_replicas", "kube_deployment_status_replicas_ready"} {
		all.WriteString(openMetrics(name+`{namespace="default",deployment="web"}`, length, count))
	}
	return all.String()
}

// TestSaturatedRecordings records a service of 10 replicas of 100 a second, of
// which 1,500 are asked for 90 minutes of four hours: it shows 1,000.
func TestSaturatedRecordings(t *testing.T) {
	t.Chdir(t.TempDir())
	const length = 4 * time.Hour
	asked := func(at time.Duration) float64 {
		if at >= time.Hour && at < 150*time.Minute {
			return 1500
		}
		return 650
	}
	ten := func(time.Duration) float64 { return 10 }
	write(t, "served.om", openMetrics("utilization", length, func(at time.Duration) float64 { return min(1, asked(at)/1000) })+
		openMetrics("arrivals", length, asked)+counts(length, ten)+"# EOF\n")
	write(t, "ten.yaml", onUtilization(10, 10))
	write(t, "more.yaml", onUtilization(2, 40))
	replay := func(out string, args ...string) toldRun {
		all := append([]string{"replay", "-f", "ten.yaml", "--recording", "served.om", "--ready-after", "1m", "--variant", "more=more.yaml", "--out", out}, args...)
		call(t, "", all...).want(t, exitOK, "")
		return told(t, filepath.Join(out, "web"))
	}

	r := replay("hidden")
	summary := read(t, "hidden/web/summary.md")
	for what, text := range map[string]string{"headline": strings.ToLower(r.Headline), "ranking": r.Trade, "summary.md": strings.ToLower(summary)} {
		if !strings.Contains(text, "the recording was saturated for 90 of 240 min") {
			t.Errorf("%s does not say for how long the recording hides demand: %s", what, text)
		}
	}
	if !strings.Contains(r.Trade, "not ranked") || strings.Contains(r.Headline, "never") {
		t.Errorf("ranked, or judged, what is not known: %s %s", r.Headline, r.Trade)
	}
	if !strings.Contains(summary, "| more | ≥ ") {
		t.Errorf("the figures are no lower bounds:\n%s", summary)
	}
	if got := r.figure(t, "current", "saturated_minutes"); got != 90 {
		t.Errorf("saturated for %v min, want 90", got)
	}

	// With the arrivals nothing is hidden: 15 replicas are needed, and 15 / 0.7 wanted.
	r = replay("driven", "--demand", "sum(arrivals)", "--capacity", "100")
	if strings.Contains(r.Headline, "saturated") || strings.Contains(r.Trade, "not ranked") {
		t.Errorf("nothing is hidden: %s %s", r.Headline, r.Trade)
	}
	if got := r.figure(t, "current", "breach_minutes"); got != 90 {
		t.Errorf("10 replicas lack capacity for %v min, want 90", got)
	}
	// From 10, 15 and then 22 are asked for, a start-up of a minute each, and more
	// until the metric, an average, shows what the last ones are for.
	if most, short := r.figure(t, "more", "largest_replicas"), r.figure(t, "more", "breach_minutes"); most < 22 || most > 32 || short < 1 || short > 5 {
		t.Errorf("the larger one has up to %v replicas and lacks capacity for %v min, want 22 to 32, and 1 to 5", most, short)
	}

	// A replica that can show 150 % hid nothing at 100 %.
	r = replay("room", "--saturation", "1.5")
	if got := r.figure(t, "current", "saturated_minutes"); got != 0 {
		t.Errorf("saturated for %v min at 1.5, want 0", got)
	}
	call(t, "", "replay", "-f", "ten.yaml", "--recording", "served.om", "--saturation", "-1", "--out", "no").
		refused(t, "--saturation -1: want a number above 0")
}

// TestResponseIsTested records metrics that answer to the replicas in several
// ways, and ranks only where value x replicas stays.
func TestResponseIsTested(t *testing.T) {
	t.Chdir(t.TempDir())
	const length = 6 * time.Hour
	demand := func(at time.Duration) float64 { return 500 + 50*math.Sin(2*math.Pi*at.Hours()/6) }
	// Every half hour, between 8 and 10.
	moving := func(at time.Duration) float64 { return 8 + 2*float64(int(at/(30*time.Minute))%2) }
	fixed := func(time.Duration) float64 { return 10 }
	policy := func(most int) string {
		return strings.NewReplacer("avg(utilization)", "max(m)", "type: Utilization, averageUtilization: 70", "type: Value, value: 70").Replace(onUtilization(2, most))
	}
	write(t, "ha.yaml", policy(20))
	write(t, "other.yaml", policy(30))
	for name, c := range map[string]struct {
		reason string
		count  func(time.Duration) float64
		metric func(at time.Duration, count float64) float64
		want   string
	}{
		"Share":   {"what all ask for, shared by the replicas", moving, func(at time.Duration, n float64) float64 { return demand(at) / n }, ""},
		"Latency": {"a latency that hardly knows of the replicas", moving, func(at time.Duration, n float64) float64 { return 60 + demand(at)/100 }, "max(m)"},
		"Steep":   {"a latency that explodes with the load", moving, func(at time.Duration, n float64) float64 { return math.Pow(demand(at)/n/10, 3) }, "max(m)"},
		"Fixed":   {"a count that never changed tells nothing", fixed, func(at time.Duration, n float64) float64 { return demand(at) / n }, "max(m)"},
	} {
		write(t, name+".om", openMetrics("m", length, func(at time.Duration) float64 { return c.metric(at, c.count(at)) })+counts(length, c.count)+"# EOF\n")
		call(t, "", "replay", "-f", "ha.yaml", "--recording", name+".om", "--ready-after", "0s", "--variant", "other=other.yaml", "--out", name).want(t, exitOK, "")
		text := read(t, filepath.Join(name, "web", "report.json"))
		var r struct {
			Doubts []struct{ Code, Metric string }
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(r.Doubts) > 0 {
			got = r.Doubts[0].Metric
		}
		if got != c.want {
			t.Errorf("%s: %s: doubts %v, want metric %q", name, c.reason, r.Doubts, c.want)
		}
		trade := told(t, filepath.Join(name, "web")).Trade
		if c.want != "" && !strings.Contains(trade, "not ranked") {
			t.Errorf("%s: ranked: %s", name, trade)
		}
	}
}
