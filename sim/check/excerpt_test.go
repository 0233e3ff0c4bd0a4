package check

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// twoPods answers for ready, which counts tens of seconds on pod a, is 9 on pod
// b and ends after 40 s, and for wanted, which is always 3.
func twoPods(expr string, at int64) (parser.Value, error) {
	pod := func(name string, v float64) promql.Sample {
		return promql.Sample{Metric: labels.FromStrings("__name__", "ready", "pod", name), F: v}
	}
	a := float64(at / (10 * second))
	switch expr {
	case "ready":
		if at > 40*second {
			return promql.Vector{}, nil
		}
		return promql.Vector{pod("a", a), pod("b", 9)}, nil
	case "sum(wanted)":
		return promql.Vector{{F: 3}}, nil
	case "ready >= bool 2":
		short := 1.0
		if a < 2 {
			short = 0
		}
		failed, held := pod("a", short), pod("b", 1)
		failed.Metric, held.Metric = labels.FromStrings("pod", "a"), labels.FromStrings("pod", "b")
		return promql.Vector{failed, held}, nil
	}
	return promql.Vector{}, nil
}

func TestExcerpts(t *testing.T) {
	nan := math.NaN()
	a, b := `ready{pod="a"}`, `ready{pod="b"}`
	cases := map[string]struct {
		reason string
		expect scenario.Expectation
		want   []result.Excerpt
	}{
		"Failed": {"only the series that failed, before and after the moment",
			scenario.Expectation{At: seconds(10), Expr: "ready >= 2"},
			[]result.Excerpt{{Series: a, Values: result.Steps{T: at(0, 10, 20, 30, 40, 50, 60), V: []float64{0, 1, 2, 3, 4, nan, nan}}}}},
		"BetweenScrapes": {"the moment itself stands among the scrapes",
			scenario.Expectation{At: seconds(15), Expr: "ready >= 2"},
			[]result.Excerpt{{Series: a, Values: result.Steps{T: at(0, 10, 15, 20, 30, 40, 50, 60), V: []float64{0, 1, 1, 2, 3, 4, nan, nan}}}}},
		"BothSides": {"a side that is no number has a course of its own",
			scenario.Expectation{At: seconds(60), Expr: "(ready and other) >= on() sum(wanted)"},
			[]result.Excerpt{
				{Series: a, Values: result.Steps{T: at(0, 10, 20, 30, 40, 50, 60), V: []float64{0, 1, 2, 3, 4, nan, nan}}},
				{Series: "sum(wanted)", Values: result.Steps{T: at(0, 10, 20, 30, 40, 50, 60), V: []float64{3, 3, 3, 3, 3, 3, 3}}},
			}},
		"Gone": {"where there is no sample any more, the last ones are shown",
			scenario.Expectation{Always: "ready", From: seconds(60)},
			[]result.Excerpt{
				{Series: a, Values: result.Steps{T: at(0, 10, 20, 30, 40, 50, 60), V: []float64{0, 1, 2, 3, 4, nan, nan}}},
				{Series: b, Values: result.Steps{T: at(0, 10, 20, 30, 40, 50, 60), V: []float64{9, 9, 9, 9, 9, nan, nan}}},
			}},
		"AtTheEnd": {"what the end of the run settles is looked at from there",
			scenario.Expectation{Eventually: "ready >= 20"},
			[]result.Excerpt{
				{Series: a, Values: result.Steps{T: at(0, 10, 20, 30, 40, 50, 60), V: []float64{0, 1, 2, 3, 4, nan, nan}}},
				{Series: b, Values: result.Steps{T: at(0, 10, 20, 30, 40, 50, 60), V: []float64{9, 9, 9, 9, 9, nan, nan}}},
			}},
		"Held":  {"what held needs no excerpt", scenario.Expectation{At: seconds(20), Expr: "ready"}, nil},
		"Never": {"nothing to show where nothing ever was", scenario.Expectation{At: seconds(20), Expr: "nothing"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j, err := NewJudge([]scenario.Expectation{c.expect}, 0, 60*second, 10*time.Second, twoPods)
			if err != nil {
				t.Fatal(err)
			}
			for now := int64(0); now <= 60*second; now += 5 * second {
				j.Judge(now, now%(10*second) == 0)
			}
			if diff := cmp.Diff(c.want, j.Outcomes()[0].Excerpts, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func at(instants ...int64) []int64 { return instants }

// An excerpt is bounded, and nothing is asked that lies further back than Reach.
func TestExcerptReach(t *testing.T) {
	const end = 600 * second
	now := int64(0)
	eval := func(expr string, at int64) (parser.Value, error) {
		if at < now-Reach(10*time.Second).Milliseconds() || at > now {
			t.Errorf("asked at %d for what was at %d", now, at)
		}
		return promql.Vector{{F: float64(at)}}, nil
	}
	expect := []scenario.Expectation{{Eventually: "x == 1", Within: seconds(300)}, {At: seconds(305), Expr: "x == 2"}}
	j, err := NewJudge(expect, 0, end, 10*time.Second, eval)
	if err != nil {
		t.Fatal(err)
	}
	for ; now <= end; now += 5 * second {
		j.Judge(now, now%(10*second) == 0)
	}
	now = end
	for _, o := range j.Outcomes() {
		got := o.Excerpts[0].Values.T
		moment := slices.Index(got, o.At/second)
		if moment < excerptBefore || len(got)-moment-1 != excerptAfter {
			t.Errorf("%s at %d: %d instants before it and %d after; want %d and %d", o.Expr, o.At, moment, len(got)-moment-1, excerptBefore, excerptAfter)
		}
	}
}
