package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFaultsBeforePromQL holds that faults of samples are seen through PromQL: a
// rehearsal shows what the query would have made of them in production.
func TestFaultsBeforePromQL(t *testing.T) {
	const other = `{prometheus: {query: 'max(load) * 0', target: {type: AverageValue, value: 1}}}, `
	cases := map[string]struct {
		reason, fault, query string
		also                 string // a further metric
		// want is the target's count over time, in minutes; code is in the journal.
		want map[int64]float64
		code string
	}{
		"ZeroForNothing": {
			reason: "a query that turns an outage into 0 scales in",
			fault:  "{at: 8m, for: 8m, metrics: empty}", query: "sum(load) or on() vector(0)", want: map[int64]float64{7: 6, 11: 6, 12: 1},
		},
		"NothingForNothing": {
			reason: "a query that does not holds",
			fault:  "{at: 8m, for: 8m, metrics: empty}", query: "sum(load)", want: map[int64]float64{7: 6, 12: 6, 14: 6}, code: "Empty",
		},
		"Twice": {
			reason: "a doubled series doubles a sum",
			fault:  "{at: 8m, for: 5m, metrics: duplicated}", query: "sum(load)", want: map[int64]float64{7: 6, 8: 12},
		},
		"TwiceBare": {
			reason: "a bare selector has two samples then, and no number",
			fault:  "{at: 8m, for: 5m, metrics: duplicated}", query: `load{pod="a"}`, want: map[int64]float64{7: 3, 8: 3}, code: "ManySeries",
		},
		"TwiceMax": {
			reason: "a maximum does not care",
			fault:  "{at: 8m, for: 5m, metrics: duplicated}", query: "max(load)", want: map[int64]float64{7: 3, 8: 3},
		},
		"NaNIsGuarded": {
			reason: "a query that filters NaN is not bothered",
			fault:  "{at: 8m, for: 5m, metrics: nan}", query: "sum(load == load) or vector(40)", want: map[int64]float64{7: 6, 12: 4, 13: 6},
		},
		"SomeSeries": {
			reason: "only the series that are named are hit",
			fault:  "{at: 8m, for: 8m, metrics: empty, series: 'load{pod=\"a\"}'}", query: "sum(load)", want: map[int64]float64{7: 6, 14: 3},
		},
		"OneQuery": {
			reason: "a fault of one query leaves what others read",
			fault:  "{at: 8m, for: 8m, metrics: empty, query: ' * 0'}", query: "sum(load)", also: other, want: map[int64]float64{7: 6, 14: 6}, code: "Empty",
		},
		"OneObject": {
			reason: "so does one of an object",
			fault:  "{at: 8m, for: 8m, metrics: empty, object: ha/web}", query: "sum(load) or vector(0)", want: map[int64]float64{7: 6, 14: 1},
		},
		"FrozenGauge": {
			reason: "a frozen gauge keeps its value",
			fault:  "{at: 4m, for: 8m, metrics: stale}", query: "sum(load)", want: map[int64]float64{11: 2, 12: 6},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(faultBase, "FAULT", c.fault, 1)
			text = strings.Replace(text, "query: sum(load)", "query: '"+c.query+"'", 1)
			text = strings.Replace(text, "metrics: [", "metrics: ["+c.also, 1)
			result, decisions := playText(t, text)
			got := map[int64]float64{}
			for minute := range c.want {
				got[minute] = result.Objects[0].Spec.At(result.Objects[0].Spec.T[0] + 60*minute)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: counts by minute, -want +got:\n%s", c.reason, diff)
			}
			if strings.Contains(decisions, `"error"`) != (c.code != "") || !strings.Contains(decisions, c.code) {
				t.Errorf("%s: want the code %q only in\n%s", c.reason, c.code, decisions)
			}
		})
	}
}

// TestFaultsOfIngestion holds that rules and expectations see what is missing,
// that what rules make of it is not hit a second time, and that series which
// nobody reads for a decision are left alone.
func TestFaultsOfIngestion(t *testing.T) {
	dir := t.TempDir()
	rules := `groups: [{name: g, interval: 15s, rules: [{record: total, expr: sum(load)}]}]`
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"FAULT", "{at: 8m, for: 5m, metrics: duplicated}",
		"query: sum(load)", "query: total",
		"  interval: 1m", "  prometheus: {ruleFiles: ["+filepath.Join(dir, "rules.yaml")+"]}\n  interval: 1m",
		"---", `  expect:
    - {name: there twice, at: 10m, expr: count(load) == 4}
    - {name: recorded once, at: 10m, expr: count(total) == 1 and total == 120}
    - {name: not twice, always: count(kube_deployment_spec_replicas) == 1}
    - {name: over, at: 14m, expr: count(load) == 2}
---`).Replace(faultBase)
	result, _ := playText(t, text)
	for _, o := range result.Outcomes {
		if !o.Passed {
			t.Errorf("%s: %s", o.Name, o.Message)
		}
	}
	if spec := result.Objects[0].Spec; spec.At(spec.T[0]+10*60) != 12 {
		t.Errorf("%v replicas at 10m, want 12", spec.At(spec.T[0]+10*60))
	}
}

// TestFaultsLeaveTheDemand holds that what was needed is what was true, whatever
// the controller could see of it.
func TestFaultsLeaveTheDemand(t *testing.T) {
	result, _ := playText(t, strings.Replace(faultBase, "FAULT", "{at: 4m, for: 8m, metrics: stale}", 1))
	needed := result.Objects[0].Needed
	for minute, want := range map[int64]float64{4: 2, 6: 6, 11: 6} {
		if got := needed.At(result.Objects[0].Spec.T[0] + 60*minute); got != want {
			t.Errorf("%v replicas are needed at %dm, want %v", got, minute, want)
		}
	}
}
