package reports

import (
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// evaluated is a run with 3 min of breach (2 min start-up, 1 min metric lag)
// under the current policy and 5 min under the baseline.
func evaluated(t *testing.T) *Report {
	t.Helper()
	run := oneColumn(20, steps(0, 2, 10, 5), steps(0, 2, 13, 5), steps(0, 2, 11, 5), decided(0, 2, 11, 5))
	base := oneColumn(20, steps(0, 2, 10, 5), steps(0, 2, 15, 5), steps(0, 2, 11, 5), decided(0, 2, 11, 5))
	if err := SetBaseline(run, base, ""); err != nil {
		t.Fatal(err)
	}
	r, err := Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEvaluate(t *testing.T) {
	cases := map[string]struct {
		reason, expr string
		want         bool
		detail       string
	}{
		"Number":        {"3 min are at most 3", "breach_minutes <= 3", true, "breach_minutes is 3, to be <= 3"},
		"Less":          {"3 is not less than 3", "breach_minutes < 3", false, "breach_minutes is 3, to be < 3"},
		"Equal":         {"one change", "scale_ups == 1", true, "scale_ups is 1, to be == 1"},
		"NotEqual":      {"one change", "scale_ups != 1", false, "scale_ups is 1, to be != 1"},
		"Greater":       {"largest is 5", "largest_replicas > 4.5", true, "largest_replicas is 5, to be > 4.5"},
		"Baseline":      {"3 is at most 5 - 2", "breach_minutes <= baseline - 2", true, "breach_minutes is 3, to be <= 3"},
		"BaselineMore":  {"3 is not at least 5 + 1", "breach_minutes >= baseline + 1", false, "breach_minutes is 3, to be >= 6"},
		"Percent":       {"replica-hours are the same, so within 5 %", "replica_hours <= baseline + 5%", true, ""},
		"Figure":        {"figures may be compared", "scale_downs < scale_ups", true, "scale_downs is 0, to be < 1"},
		"Column":        {"another column", `breach_minutes{column="baseline"} == 5`, true, `breach_minutes{column="baseline"} is 5, to be == 5`},
		"Object":        {"one object", `breach_minutes{object="checkout"} == 3`, true, ""},
		"Short":         {"no more digits than matter", "breach_minutes <= baseline - 73.3333333%", false, "breach_minutes is 3, to be <= 1.33333"},
		"Close":         {"but as many as tell the two apart", "breach_minutes <= 2.9999999", false, "breach_minutes is 3, to be <= 2.9999999"},
		"Cause":         {"one cause", `cause_minutes{cause="start-up"} == 2`, true, `cause_minutes{cause="start-up"} is 2, to be == 2`},
		"CauseWithNone": {"a cause that never was", `cause_minutes{cause="bound"} == 0`, true, ""},
		"AllCauses":     {"they add up to the breach", "cause_minutes == breach_minutes", true, "cause_minutes is 3, to be == 3"},
	}
	r := evaluated(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, detail, err := r.Evaluate(c.expr)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want || c.detail != "" && detail != c.detail {
				t.Errorf("%s: %s gives %v, %q; want %v, %q", c.reason, c.expr, got, detail, c.want, c.detail)
			}
		})
	}
}

func TestEvaluateRejects(t *testing.T) {
	cases := map[string]struct{ reason, expr, want string }{
		"Syntax":      {"one form only", "breach_minutes 3", "not of the form"},
		"Name":        {"names are known", "flaps <= 3", "unknown metric flaps; known are cause_minutes, breach_minutes"},
		"RightName":   {"on both sides", "reversals <= flaps", "unknown metric flaps"},
		"Label":       {"labels are known", `reversals{pod="x"} <= 1`, `allowed are column="...", object="..." and cause="..."`},
		"Cause":       {"causes are known", `cause_minutes{cause="bad luck"} <= 1`, `unknown cause "bad luck"; known are not decided, bound, rate`},
		"WrongCause":  {"only cause_minutes has causes", `reversals{cause="bound"} <= 1`, "reversals takes no cause"},
		"Column":      {"columns exist", `reversals{column="x"} <= 1`, "no column x; there are current, baseline"},
		"Object":      {"objects exist", `reversals{object="x"} <= 1`, "no object x in column current; there are checkout"},
		"BaseLabels":  {"baseline stands for the same figure", `reversals <= baseline{object="x"}`, "baseline takes no labels"},
		"Unknown":     {"no price, no cost", "cost <= 1", "cost is not known in column current"},
		"HugeNumbers": {"numbers are finite", "reversals <= 1e999", "out of range"},
	}
	r := evaluated(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := r.Evaluate(c.expr)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), `\"`) {
				t.Errorf("%s: %s gives %v, want %q", c.reason, c.expr, err, c.want)
			}
		})
	}
	r.Columns = r.Columns[:1]
	if _, _, err := r.Evaluate("reversals <= baseline"); err == nil || !strings.Contains(err.Error(), "--baseline DIR") {
		t.Errorf("without a baseline the cure is named, not %v", err)
	}
}

func TestMetricsTableNamesEveryMetric(t *testing.T) {
	table := MetricsTable()
	for _, name := range metricNames() {
		if !strings.Contains(table, "| `"+name) {
			t.Errorf("%s is missing", name)
		}
		if name != CauseMetric && CheckExpression(name+" <= 1", nil, nil) != nil {
			t.Errorf("%s cannot be used in an expectation", name)
		}
	}
}

// A column that no run will have is a mistake that need not wait for one.
func TestCheckExpressionColumns(t *testing.T) {
	for column, known := range map[string]bool{"more": true, "current": true, "recorded": true, "baseline": true, "oracle": true, "moer": false} {
		for _, expr := range []string{"reversals{column=\"" + column + "\"} <= 1", "reversals <= reversals{column=\"" + column + "\"}"} {
			if err := CheckExpression(expr, []string{"current", "more"}, nil); (err == nil) != known {
				t.Errorf("%s: %v, known: %t", expr, err, known)
			}
		}
	}
}

// An object that no run will have is one as well; it may be named in every way that
// the report takes.
func TestCheckExpressionObjects(t *testing.T) {
	objects := []Object{
		{Journal: journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "shop", Name: "cart-ha"}, Target: cycle.TargetRef{Name: "cart"}},
		{Journal: journal.Object{Kind: journal.ScalableNodeGroup, Namespace: "shop", Name: "nodes"}},
	}
	for object, known := range map[string]bool{
		"cart": true, "cart-ha": true, "shop/cart": true, "shop/cart-ha": true, "ha/cart-ha": true, "shop/ha/cart-ha": true,
		"shop/HorizontalAutoscaler/cart-ha": true, "shop/horizontalautoscalers/cart-ha": true, "shop/sng/nodes": true,
		"ha/cart": false, "shop/ha/crat": false, "shop/mp/cart-ha": false, "other/ha/cart-ha": false, "": true, "nods": false,
	} {
		expr := "reversals{object=\"" + object + "\"} <= 1"
		if object == "" {
			expr = "reversals <= 1"
		}
		if err := CheckExpression(expr, []string{"current"}, objects); (err == nil) != known {
			t.Errorf("%s: %v, known: %t", expr, err, known)
		}
	}
}
