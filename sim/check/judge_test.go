package check

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

const second = 1000

// course is what an expression gives at the scrapes, one every ten seconds: 1
// and 0 are a comparison's, -1 is no sample, -2 an evaluation error.
type course []float64

func (c course) eval(expr string, at int64) (parser.Value, error) {
	v := c[at/(10*second)]
	switch {
	case v == -2:
		return nil, errors.New("many-to-many matching")
	case v == -1:
		return promql.Vector{}, nil
	}
	return promql.Vector{{Metric: labels.FromStrings("__name__", "x"), F: v}}, nil
}

func seconds(n int) *scenario.Duration {
	d := scenario.Duration(time.Duration(n) * time.Second)
	return &d
}

func TestJudge(t *testing.T) {
	cases := map[string]struct {
		reason  string
		expect  scenario.Expectation
		seen    course
		passed  bool
		message string
	}{
		"AtHolds":     {"judged at its instant only", scenario.Expectation{At: seconds(20), Expr: "x > 5"}, course{0, 0, 1, 0}, true, ""},
		"AtFails":     {"the failure has instant, series and value", scenario.Expectation{At: seconds(20), Expr: "x > 5"}, course{1, 1, 0, 1}, false, "x = 0"},
		"AtEmpty":     {"no sample is no pass", scenario.Expectation{At: seconds(20), Expr: "x > 5"}, course{1, 1, -1, 1}, false, "x has no sample"},
		"AtVector":    {"what is no comparison passes by having samples", scenario.Expectation{At: seconds(20), Expr: "x"}, course{1, 1, 0, 1}, true, ""},
		"Error":       {"what cannot be evaluated does not hold", scenario.Expectation{At: seconds(20), Expr: "x > 5"}, course{1, 1, -2, 1}, false, "many-to-many"},
		"Always":      {"one bad scrape is enough", scenario.Expectation{Always: "x > 5"}, course{1, 1, 0, 1}, false, "x = 0"},
		"AlwaysFrom":  {"only from its first instant on", scenario.Expectation{Always: "x > 5", From: seconds(30)}, course{0, 0, 0, 1}, true, ""},
		"AlwaysTo":    {"and to its last, inclusive", scenario.Expectation{Always: "x > 5", To: seconds(10)}, course{1, 1, 0, 0}, true, ""},
		"AlwaysNever": {"judged at no scrape is no pass", scenario.Expectation{Always: "x > 5", From: seconds(11), To: seconds(19)}, course{1, 1, 1, 1}, false, "never judged"},
		"Eventually":  {"true to the end by default", scenario.Expectation{Eventually: "x > 5"}, course{0, 0, 1, 1}, true, ""},
		"Relapse":     {"a relapse is no end state", scenario.Expectation{Eventually: "x > 5"}, course{0, 1, 1, 0}, false, "x = 0"},
		"For":         {"it lasted as long as it should", scenario.Expectation{Eventually: "x > 5", For: seconds(10)}, course{0, 1, 1, 0}, true, ""},
		"ForShort":    {"one scrape is no ten seconds", scenario.Expectation{Eventually: "x > 5", For: seconds(10)}, course{0, 1, 0, 0}, false, "x = 0"},
		"ForAgain":    {"the second try counts", scenario.Expectation{Eventually: "x > 5", For: seconds(10)}, course{1, 0, 1, 1}, true, ""},
		"Within":      {"it came true too late", scenario.Expectation{Eventually: "x > 5", Within: seconds(10)}, course{0, 0, 1, 1}, false, "x = 0"},
		"WithinLasts": {"true in time, lasting beyond", scenario.Expectation{Eventually: "x > 5", Within: seconds(10), For: seconds(20)}, course{0, 1, 1, 1}, true, ""},
		"After":       {"what was true before does not count", scenario.Expectation{Eventually: "x > 5", After: seconds(20), For: seconds(10)}, course{1, 1, 0, 0}, false, "x = 0"},
		"EndsFirst":   {"the run ends before it has lasted", scenario.Expectation{Eventually: "x > 5", For: seconds(20)}, course{0, 0, 1, 1}, false, "the run ended before it had lasted 20s"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			end := int64(len(c.seen)-1) * 10 * second
			j, err := NewJudge([]scenario.Expectation{c.expect}, 0, end, 10*time.Second, c.seen.eval)
			if err != nil {
				t.Fatal(err)
			}
			for now := int64(0); now <= end; now += 10 * second {
				j.Judge(now, true)
			}
			o := j.Outcomes()[0]
			if o.Passed != c.passed || !strings.Contains(o.Message, c.message) {
				t.Errorf("%s: passed %v, %q; want %v, %q", c.reason, o.Passed, o.Message, c.passed, c.message)
			}
		})
	}
}

// An instant that is no scrape is judged by the forms at only.
func TestJudgeBetweenScrapes(t *testing.T) {
	expect := []scenario.Expectation{{Name: "at", At: seconds(15), Expr: "x > 5"}, {Name: "always", Always: "x > 5"}}
	j, err := NewJudge(expect, 0, 20*second, 10*time.Second, course{1, 0, 1}.eval)
	if err != nil {
		t.Fatal(err)
	}
	if got := j.Instants(); len(got) != 1 || got[0] != 15*second {
		t.Fatalf("instants %v, want that of the form at", got)
	}
	j.Judge(0, true)
	j.Judge(15*second, false)
	j.Judge(20*second, true)
	out := j.Outcomes()
	if out[0].Passed || !out[1].Passed {
		t.Errorf("got %+v: at sees the value between scrapes, always does not", out)
	}
}

func TestQueries(t *testing.T) {
	cases := map[string][]string{
		"(sum(x) >= 3)":  {"sum(x) >= bool 3", "sum(x)"},
		"x":              {"x"},
		"x > y":          {"x > bool y", "x", "y"},
		"x > bool 1":     {"x > bool 1", "x"},
		"absent(x) == 1": {"absent(x) == bool 1", "absent(x)", "x"},
	}
	for text, want := range cases {
		got := Queries(text)
		if !slices.Equal(got, want) {
			t.Errorf("Queries(%q) = %q, want %q", text, got, want)
		}
	}
}
