package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// sharing is a scenario of autoscalers that share nothing but what share says of them.
func sharing(random *rand.Rand) string {
	var targets, series, manifests, faults, edits, workloads strings.Builder
	name := ""
	for i := range 3 + random.IntN(5) {
		rival := i > 0 && random.IntN(6) == 0 // of the one before
		if !rival {
			name = fmt.Sprintf("web-%d", i)
		}
		query, kind := fmt.Sprintf("sum(load{i=%q})", fmt.Sprint(i)), "{type: AverageValue, value: 7}"
		switch random.IntN(7) {
		case 0:
			query = fmt.Sprintf("load{i=%q} / on() kube_deployment_status_replicas_ready{deployment=%q}", fmt.Sprint(i), name)
			kind = "{type: Value, value: 7}"
		case 1: // what another one's target has
			query = fmt.Sprintf("sum(kube_deployment_spec_replicas{deployment=\"web-%d\"}) * 5", random.IntN(i+1))
		}
		values := make([]string, 8)
		for k := range values {
			values[k] = fmt.Sprintf("%d+%dx39", 5+random.IntN(80), random.IntN(3))
		}
		fmt.Fprintf(&series, "  - {series: 'load{i=\"%d\"}', values: '%s'}\n", i, strings.Join(values, " "))
		if !rival {
			if random.IntN(4) == 0 {
				fmt.Fprintf(&workloads, "  - {apiVersion: apps/v1, kind: Deployment, name: web-%d, replicas: 3, capacityPerReplica: 10, startup: {p50: 20s, p95: 40s}, demand: [{constant: 20}, {step: {by: 30, at: 5m}}, {noise: {percent: 10, every: 15s}}]}\n", i)
			} else {
				fmt.Fprintf(&targets, "  - {apiVersion: apps/v1, kind: Deployment, name: web-%d, replicas: %d, readyAfter: %ds}\n", i, 1+random.IntN(9), 20*random.IntN(4))
			}
		}
		fmt.Fprintf(&manifests, `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: ha-%d}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}
  minReplicas: 1
  maxReplicas: 40
  pollingIntervalSeconds: %d
  behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
  metrics:
  - prometheus: {query: %q, target: %s}
`, i, name, []int{5, 10, 15}[random.IntN(3)], query, kind)
		switch random.IntN(8) {
		case 0:
			fmt.Fprintf(&faults, "  - {name: f%d, metrics: nan, object: ha/ha-%d, at: 6m, for: 3m}\n", i, i)
		case 1:
			fmt.Fprintf(&faults, "  - {name: f%d, controller: conflicts, object: ha/ha-%d, at: 4m, for: 9m, probability: 0.4}\n", i, i)
		case 2:
			fmt.Fprintf(&edits, "  - {at: 9m, object: ha/ha-%d, set: [spec.maxReplicas=5]}\n", i)
		}
	}
	switch random.IntN(4) {
	case 0:
		faults.WriteString("  - {name: all, metrics: down, at: 10m, for: 4m, probability: 0.5}\n")
	case 1:
		faults.WriteString("  - {name: leader, controller: leaderChange, at: 11m, for: 1m}\n")
	}
	text := fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: sharing}
spec:
  seed: %d
  start: "2026-01-05T08:00:00Z"
  duration: 25m
  prometheus: {scrapeInterval: 15s}
  interval: 5s
`, random.IntN(1000))
	for _, part := range []struct{ name, text string }{
		{"targets", targets.String()}, {"workloads", workloads.String()}, {"inputSeries", series.String()}, {"faults", faults.String()}, {"edits", edits.String()},
	} {
		if part.text != "" {
			text += "  " + part.name + ":\n" + part.text
		}
	}
	return text + manifests.String()
}

// A playedRun is all that comes of a run.
type playedRun struct {
	Journal, Series string
	Result          *Result
	Lines           []journal.Line
}

// playedIn plays a scenario in at most so many parts.
func playedIn(t *testing.T, text string, parts int) playedRun {
	t.Helper()
	in, column := openFile(t, loadText(t, text))
	if err := in.Pin(column); err != nil {
		t.Fatal(err)
	}
	var decisions, series bytes.Buffer
	var w playedRun
	lines := &Lines{}
	result, err := in.Play(context.Background(), column, Options{Journal: &decisions, Series: &series, Lines: lines, Parts: parts, Fidelity: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for i := range result.Objects {
		result.Objects[i].Policy = nil
	}
	w.Journal, w.Series, w.Result = decisions.String(), series.String(), result
	lines.Each(func(l *journal.Line) error { w.Lines = append(w.Lines, *l); return nil })
	return w
}

// sameAsJournal says that what is kept in memory is what the journal has, but digests
// and states.
func sameAsJournal(t *testing.T, run playedRun) {
	t.Helper()
	reader := journal.NewReader(strings.NewReader(run.Journal), "journal")
	for i := range run.Lines {
		line, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if r := line.Record; r != nil {
			r.Prev, r.State, r.StateBody, r.Chain, r.Digest, r.Bodies = "", "", "", "", "", false
			r.PolicyBody = run.Lines[i].Record.PolicyBody // a journal repeats it
		}
		want := journal.Line{Record: line.Record, Outcome: line.Outcome}
		if diff := cmp.Diff(want, run.Lines[i], cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("line %d:\n%s", i+1, diff)
		}
	}
	if _, err := reader.Next(); err != io.EOF {
		t.Fatalf("the journal goes on after line %d: %v", len(run.Lines), err)
	}
}

// TestPartsAreOneRun plays random scenarios as one run and in parts, which must give
// the same in every byte.
func TestPartsAreOneRun(t *testing.T) {
	divided := 0
	for seed := range uint64(14) {
		text := sharing(rand.New(rand.NewPCG(seed, 7)))
		in, column := openFile(t, loadText(t, text))
		if err := in.Pin(column); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if len(in.partsOf(column, &Options{Parts: 3})) > 1 {
			divided++
		}
		one := playedIn(t, text, 1)
		sameAsJournal(t, one)
		for _, parts := range []int{2, 8} {
			if diff := cmp.Diff(one, playedIn(t, text, parts), cmp.AllowUnexported(Object{}), cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })); diff != "" {
				t.Fatalf("seed %d in %d parts:\n%s\n%s", seed, parts, diff, text)
			}
		}
	}
	if divided < 8 {
		t.Errorf("only %d of 14 scenarios could be divided", divided)
	}
}

// TestCoresDoNotShow plays a run that is long enough to be divided on one core and on
// more.
func TestCoresDoNotShow(t *testing.T) {
	text := strings.Replace(sharing(rand.New(rand.NewPCG(1, 7))), "duration: 25m", "duration: 12h", 1)
	cores := func(n int) playedRun {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
		return playedIn(t, text, 0)
	}
	in, column := openFile(t, loadText(t, text))
	if err := in.Pin(column); err != nil {
		t.Fatal(err)
	}
	if n := in.decisions(column); n < fewDecisions {
		t.Fatalf("%d decisions are too few to be divided", n)
	}
	one := cores(1)
	for _, n := range []int{2, 3} {
		if other := cores(n); one.Journal != other.Journal || one.Series != other.Series || one.Result.Digest != other.Result.Digest {
			t.Errorf("%d cores give another journal, series or digest than 1", n)
		}
	}
}

// TestComponents says what can be played without what.
func TestComponents(t *testing.T) {
	const two = `
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: a}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: one}
  minReplicas: 1
  maxReplicas: 9
  metrics: [{prometheus: {query: 'QUERY', target: {type: AverageValue, value: 4}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: b}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: TARGET}
  minReplicas: 1
  maxReplicas: 9
  metrics: [{prometheus: {query: q, target: {type: AverageValue, value: 4}}}]
`
	const world = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: two}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  interval: 15s
  inputSeries: [{series: q, values: '4x40'}]
  targets:
  - {apiVersion: apps/v1, kind: Deployment, name: one}
  - {apiVersion: apps/v1, kind: Deployment, name: two}
`
	for name, c := range map[string]struct {
		reason, query, target, more string
		groups                      int
	}{
		"Apart":      {"each reads what was given", "q", "two", "", 2},
		"OneTarget":  {"they are rivals, and nobody scales the other target", "q", "one", "", 1},
		"ReadsOwn":   {"of its own target", `q * on() kube_deployment_spec_replicas{deployment="one"}`, "two", "", 2},
		"ReadsOther": {"of the other's target", `kube_deployment_spec_replicas{deployment="two"}`, "two", "", 1},
		"ReadsAll":   {"of all targets", `sum(kube_deployment_spec_replicas)`, "two", "", 1},
		"Elsewhere":  {"of another namespace", `sum(kube_deployment_spec_replicas{namespace="else"}) or q`, "two", "", 2},
		"AnyName":    {"a name that is a pattern", `sum({__name__=~"kube_.*_replicas", deployment=~"t.*"})`, "two", "", 1},
		"Negative":   {"all but its own", `sum(kube_deployment_spec_replicas{deployment!="one"})`, "two", "", 1},
		"Autoscaler": {"what the other one decided", `karpenter_horizontalautoscaler_desired_replicas{name="b"}`, "two", "", 1},
		"Judged":     {"an expectation reads the world", "q", "two", "  expect: [{name: x, always: 'kube_deployment_spec_replicas < 99'}]\n", 1},
		"Loose":      {"a target that nobody scales", "q", "two", "  - {apiVersion: apps/v1, kind: Deployment, name: three}\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			text := world + c.more + strings.NewReplacer("QUERY", c.query, "TARGET", c.target).Replace(two)
			in, column := openFile(t, loadText(t, text))
			if err := in.Pin(column); err != nil {
				t.Fatal(err)
			}
			if got := len(in.components(column, in.File.Manifests)); got != c.groups {
				t.Errorf("%d groups, want %d: %s", got, c.groups, c.reason)
			}
		})
	}
}
