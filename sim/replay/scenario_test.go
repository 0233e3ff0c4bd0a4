package replay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

const policy = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  metrics: [{prometheus: {query: "max_over_time(load[5m])", target: {type: AverageValue, value: 10}}}]
`

const recorded = "time,load\n2026-01-05 08:00:00,40\n2026-01-05 08:05:00,80\n2026-01-05 08:10:00,80\n"

// options returns those of a replay of the policy over what was recorded, in a
// directory of their own.
func options(t *testing.T) *replay.Options {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"ha.yaml": policy, "r.csv": recorded}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &replay.Options{Manifests: []string{filepath.Join(dir, "ha.yaml")}, Recordings: []string{filepath.Join(dir, "r.csv")}, Zone: "UTC", Scale: 1}
}

// convertAll converts foreign autoscalers, and leaves none out.
func convertAll(set *manifest.Set, o convert.Options, _ bool) ([]convert.Note, error) {
	conversions := sim.Adopt(set, o)
	return sim.Notes(conversions), sim.LeftOut(conversions)
}

// TestScenario plays what the options of a program mean.
func TestScenario(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Variants = []string{"low=spec.maxReplicas=6"}
	o.Targets = []string{"deploy/web=4"}
	file, err := o.Scenario(t.Context(), replay.Source{Convert: convertAll})
	if err != nil {
		t.Fatal(err)
	}
	if got := file.Spec.Start.Format("15:04:05"); got != "08:05:00" || file.Metadata.Name != "web" {
		t.Errorf("%s begins at %s, want web at 08:05, from where five minutes are recorded", file.Metadata.Name, got)
	}
	simulation, err := sim.Check(t.Context(), file, sim.CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer simulation.Close()
	run, err := simulation.Play(t.Context(), sim.PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	largest := map[string]float64{}
	for _, c := range run.Columns {
		for _, v := range c.Objects[0].Spec.V {
			largest[c.Name] = max(largest[c.Name], float64(v))
		}
	}
	if largest["current"] != 8 || largest["low"] != 6 {
		t.Errorf("%v replicas at most, want 8 and, of the variant, 6", largest)
	}
}

// TestMistakes names the options that are wrong as flags, also where only the
// scenario finds it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reason string
		change func(*replay.Options)
		want   string
	}{
		"Missing":  {"both inputs are needed", func(o *replay.Options) { o.Recordings = nil }, "-f and --recording are required"},
		"Zone":     {"the machine's zone is none", func(o *replay.Options) { o.Zone = "Local" }, "--tz Local: unknown time zone"},
		"Capacity": {"a demand has a capacity", func(o *replay.Options) { o.Demand = "load" }, "--demand and --capacity go together"},
		"Lag":      {"a lag is of a demand", func(o *replay.Options) { o.DemandLag = time.Second }, "--demand-lag 1s: says how far behind demand is, and there is none"},
		"Negative": {"a demand is not ahead of its instant", func(o *replay.Options) { o.Demand, o.Capacity, o.DemandLag = "load", 1, -time.Second }, "--demand-lag -1s: want a duration"},
		"Demand":   {"only the scenario reads the demand", func(o *replay.Options) { o.Demand, o.Capacity = "sum(", 1 }, "--demand 'sum(': PromQL, character 5: "},
		"Target":   {"a target is scaled", func(o *replay.Options) { o.Targets = []string{"deploy/api=3"} }, "--target deploy/api=3: no autoscaler"},
		"Metric":   {"a query is asked for", func(o *replay.Options) { o.Metrics = []string{"queue=sum(q)"} }, "--metric queue: no metric or trigger uses this query"},
		"Label":    {"a label is a name and a value", func(o *replay.Options) { o.Labels = []string{"x"} }, "--label "},
		"Lookback": {"a duration has a unit", func(o *replay.Options) { o.Lookback = "5" }, "--lookback 5: want a duration"},
		"Variant":  {"a path exists", func(o *replay.Options) { o.Variants = []string{"x=spec.maxReplica=3"} }, "--variant x: "},
		"Enforce":  {"a label has a name", func(o *replay.Options) { o.EnforceLabel = "a b" }, `--enforce-label "a b": `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			c.change(o)
			file, err := o.Scenario(t.Context(), replay.Source{Convert: convertAll})
			if err == nil {
				_, err = sim.Check(t.Context(), file, sim.CheckOptions{})
				err = o.InFlags(err, file.Path)
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s...", c.reason, err, c.want)
			}
		})
	}
}
