package tune

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseParameterRefuses(t *testing.T) {
	cases := map[string]struct{ reason, text, want string }{
		"NoValue":       {"a parameter needs values", "spec.maxReplicas", "want PATH=LOW..HIGH"},
		"NoRange":       {"one number is no range", "spec.maxReplicas=5", `spec.maxReplicas: "5" is no range and no list; want LOW..HIGH or [A,B,C]`},
		"Empty":         {"an empty range has no values", "spec.maxReplicas=5..5", "the range 5..5 is empty"},
		"Backwards":     {"a range goes up", "spec.maxReplicas=9..5", "the range 9..5 is empty; the first number must be the smaller one"},
		"NoNumber":      {"bounds are numbers", "spec.maxReplicas=a..5", `spec.maxReplicas: "a" is no number`},
		"NotFinite":     {"bounds are finite", "spec.maxReplicas=1..Inf", `"Inf" is no number`},
		"LogOfZero":     {"ratios need numbers above 0", "spec.maxReplicas=0..5:log", "cannot be searched by ratios"},
		"NegativeStep":  {"a step goes up", "spec.maxReplicas=0..5:-1", `"-1" after the range; want log, or a step above 0`},
		"WideStep":      {"a step fits into the range", "spec.maxReplicas=0..5:9", "the step 9 is wider than the range 0..5"},
		"TooManySteps":  {"steps are bounded", "spec.maxReplicas=0..5:0.0001", "more than 10000 steps"},
		"OpenList":      {"a list is closed", "spec.maxReplicas=[1,2", "list [ without ]"},
		"EmptyValue":    {"a list has no holes", "spec.maxReplicas=[1,,2]", "the list has an empty value"},
		"TwiceTheSame":  {"values differ", "spec.maxReplicas=[1,2,1]", "the list has 1 twice"},
		"QueryNumber":   {"ranges of queries are durations", "spec.metrics[0].prometheus.query[5m]=1..5", `"1" is no duration`},
		"QuerySubtlety": {"slots are whole seconds, and so are ranges", "spec.metrics[0].prometheus.query[5m]=100ms..5m", `"100ms" is no duration in whole seconds`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ParseParameter(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want one line with %q", c.reason, err, c.want)
			}
		})
	}
}

func TestParameterValues(t *testing.T) {
	cases := map[string]struct {
		reason, text string
		whole        bool
		at           float64
		want         string
	}{
		"Low":       {"0 is the first value", "a=10..20", false, 0, "10"},
		"High":      {"1 is the last value", "a=10..20", false, 1, "20"},
		"Digits":    {"more digits than matter are left out", "a=0..1", false, 0.123456, "0.123"},
		"Ratio":     {"the middle of ratios is the geometric mean", "a=1..100:log", false, 0.5, "10"},
		"Step":      {"values lie on steps", "a=0..900:60", false, 0.5, "480"},
		"FineStep":  {"steps leave no traces of binary fractions", "a=0..0.3:0.1", false, 0.99, "0.3"},
		"Whole":     {"whole numbers are rounded", "a=1..4", true, 0.49, "2"},
		"List":      {"a list has equal shares", "a=[x,y,z]", false, 0.4, "y"},
		"LastShare": {"1 is within the last share", "a=[x,y,z]", false, 1, "z"},
		"Duration":  {"ranges of queries are durations", "spec.metrics[0].prometheus.query[5m]=1m..9m:1m", false, 0.99, "9m"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := parameters(t, c.text)[0]
			p.whole = p.whole || c.whole
			if got := p.At(c.at); got != c.want {
				t.Errorf("%s: got %s, want %s", c.reason, got, c.want)
			}
		})
	}
}

// TestParameterProperties: values read back, lie in the range, and have
// neighbours that do.
func TestParameterProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(0.01, 1000).Draw(t, "low")
		width := rapid.Float64Range(0.1, 1000).Draw(t, "width")
		p := Parameter{Path: "a", Low: low, High: low + width, Log: rapid.Bool().Draw(t, "log")}
		if !p.Log && rapid.Bool().Draw(t, "step") {
			p.Step = width / float64(rapid.IntRange(1, 50).Draw(t, "steps"))
		}
		if err := p.complete(); err != nil {
			t.Fatal(err)
		}
		// Values are written with twelve digits, which is coarse on a range that
		// is narrow for its height.
		slack := 1e-9 + 1e-11*p.High/width
		v := p.At(rapid.Float64Range(0, 1).Draw(t, "x"))
		for _, text := range append(p.neighbours(v), v) {
			x := p.Position(text)
			if math.IsNaN(x) || x < -slack || x > 1+slack {
				t.Fatalf("%s of %s lies at %v", text, p.Describe(), x)
			}
		}
		if again, err := ParseParameter("a=" + p.Describe()); err != nil || again.Low != p.Low || again.High != p.High || again.Log != p.Log {
			t.Fatalf("%s reads back as %+v, %v", p.Describe(), again, err)
		}
	})
}

func TestNeighbours(t *testing.T) {
	cases := map[string]struct {
		reason, text, at string
		want             []string
	}{
		"Steps":    {"one step down and up", "a=0..900:60", "300", []string{"240", "360"}},
		"Edge":     {"nothing lies beyond the end", "a=0..900:60", "900", []string{"840"}},
		"Range":    {"a twentieth of the range", "a=0..100", "50", []string{"45", "55"}},
		"List":     {"the entries beside it", "a=[x,y,z]", "y", []string{"x", "z"}},
		"ListEdge": {"the one entry beside it", "a=[x,y,z]", "x", []string{"y"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := parameters(t, c.text)[0].neighbours(c.at); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", c.reason, got, c.want)
			}
		})
	}
}

func TestParseConstraintRefuses(t *testing.T) {
	cases := map[string]struct{ reason, text, want string }{
		"Syntax":   {"a limit is a comparison", "few breaches", "want FIGURE <= NUMBER"},
		"Unknown":  {"figures are named as in reports", "pain <= 3", "unknown figure pain; allowed: breach_minutes,"},
		"Lower":    {"a search needs an upper limit", "breach_minutes >= 3", "want an upper limit"},
		"Labels":   {"sums have no labels", `breach_minutes{a="b"} <= 3`, "has no labels here"},
		"Negative": {"nothing is below nothing", "reversals <= -1", "no policy can have less than 0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseConstraint(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
			}
		})
	}
}

func ExampleParseParameter() {
	p, _ := ParseParameter("spec.behavior.scaleDown.stabilizationWindowSeconds=0..900:300")
	for _, x := range []float64{0, 0.3, 0.6, 1} {
		fmt.Println(p.At(x))
	}
	// Output:
	// 0
	// 300
	// 600
	// 900
}
