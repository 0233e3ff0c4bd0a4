package ruletest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// A Failure is an expectation of a test that does not hold, or what ended the test.
type Failure struct {
	// Position is that of the expectation.
	Position manifest.Position
	// Title says what was compared, and when.
	Title string
	// Expected and Got are what was, a line for each sample or alert; both are empty
	// where Message says what went wrong.
	Expected, Got []string
	Message       string
}

// Run runs one test of the file and returns what does not hold; none if the test
// passes. It fails if the input series or the rules cannot be played.
func (f *File) Run(ctx context.Context, t *Test) ([]Failure, error) {
	p := fake.NewPrometheus(fake.Options{
		Start: t.start.UnixMilli(), EvaluationInterval: f.interval, Features: f.features,
		ExternalLabels: t.externalLabels, ExternalURL: t.externalURL, Annotations: len(t.alerts) > 0,
	})
	defer p.Close() // nothing was written through it
	for _, r := range f.rules {
		if err := p.AddRules(r.path, r.text); err != nil {
			return nil, err
		}
	}
	feed, err := fake.InputSeries(t.start.UnixMilli(), t.interval, t.inputs)
	if err != nil {
		return nil, err
	}
	p.Attach(feed)
	failures, err := f.evaluate(ctx, p, t)
	if err != nil || failures != nil && failures[len(failures)-1].Message != "" {
		return failures, err
	}
	for i := range t.expressions {
		if failure := f.compareSamples(p, t, &t.expressions[i]); failure != nil {
			failures = append(failures, *failure)
		}
	}
	return failures, ctx.Err()
}

// evaluate evaluates the rules until the test's end, and compares the alerts on the way.
// A rule that cannot be evaluated ends the test.
func (f *File) evaluate(ctx context.Context, p *fake.Prometheus, t *Test) ([]Failure, error) {
	alerts := slices.Clone(t.alerts)
	slices.SortStableFunc(alerts, func(a, b alertCase) int { return int(max(-1, min(1, a.at-b.at))) })
	var failures []Failure
	steps := int64(t.Length() / f.interval)
	for step := range steps + 1 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		since := time.Duration(step) * f.interval
		now := t.start.UnixMilli() + since.Milliseconds()
		if err := p.Advance(now); err != nil {
			return nil, err
		}
		p.EvaluateGroups(now, f.order)
		if broken := p.RuleFailures(); len(broken) > 0 {
			for _, b := range broken {
				failures = append(failures, Failure{Position: t.Position, Title: fmt.Sprintf("rule %s at %s", b.Rule, model.Duration(since)), Message: b.Err.Error()})
			}
			return failures, nil
		}
		for len(alerts) > 0 && (alerts[0].at-since < f.interval) {
			if failure := compareAlerts(p, &alerts[0]); failure != nil {
				failures = append(failures, *failure)
			}
			alerts = alerts[1:]
		}
	}
	return failures, nil
}

func compareAlerts(p *fake.Prometheus, c *alertCase) *Failure {
	expected, got := describeAlerts(c.expected), describeAlerts(p.Firing(c.name))
	if slices.Equal(expected, got) {
		return nil
	}
	return &Failure{Position: c.place, Title: fmt.Sprintf("alerts of %s at %s", c.name, model.Duration(c.at)), Expected: expected, Got: got}
}

// describeAlerts are the alerts in words, sorted by labels and annotations.
func describeAlerts(alerts []fake.Alert) []string {
	alerts = slices.Clone(alerts)
	slices.SortFunc(alerts, func(a, b fake.Alert) int {
		if d := labels.Compare(a.Labels, b.Labels); d != 0 {
			return d
		}
		return labels.Compare(a.Annotations, b.Annotations)
	})
	out := make([]string, len(alerts))
	for i, a := range alerts {
		out[i] = a.Labels.String()
		if !a.Annotations.IsEmpty() {
			out[i] += " with " + a.Annotations.String()
		}
	}
	return out
}

// A sample is one of an expression's result.
type sample struct {
	labels labels.Labels
	value  float64
	// histogram is a native histogram in promtool's notation, empty for a float.
	histogram string
}

func (s *sample) String() string {
	if s.histogram != "" {
		return s.labels.String() + " " + s.histogram
	}
	return s.labels.String() + " " + strconv.FormatFloat(s.value, 'g', -1, 64)
}

func (f *File) compareSamples(p *fake.Prometheus, t *Test, c *expressionCase) *Failure {
	failure := &Failure{Position: c.place, Title: fmt.Sprintf("%s at %s", strings.Join(strings.Fields(c.text), " "), model.Duration(c.at))}
	value, err := p.Instant(c.text, t.start.Add(c.at).UnixMilli())
	if err != nil {
		failure.Message = err.Error()
		return failure
	}
	var got []sample
	switch v := value.(type) {
	case promql.Scalar:
		got = []sample{{value: v.V}}
	case promql.Vector:
		for _, s := range v {
			one := sample{labels: s.Metric, value: s.F}
			if s.H != nil {
				one.histogram = s.H.TestExpression()
			}
			got = append(got, one)
		}
	}
	expected := slices.Clone(c.expected)
	byLabels := func(a, b sample) int { return labels.Compare(a.labels, b.labels) }
	slices.SortStableFunc(expected, byLabels)
	slices.SortStableFunc(got, byLabels)
	if slices.EqualFunc(expected, got, f.same) {
		return nil
	}
	for i := range expected {
		failure.Expected = append(failure.Expected, expected[i].String())
	}
	for i := range got {
		failure.Got = append(failure.Got, got[i].String())
	}
	if slices.Equal(failure.Expected, failure.Got) {
		failure.Got = append(failure.Got, "NaN equals nothing, itself neither; compare with expr: (EXPR) != (EXPR)")
	}
	return failure
}

// same compares samples; with fuzzy_compare values may differ by the last bit.
func (f *File) same(a, b sample) bool {
	if !labels.Equal(a.labels, b.labels) || a.histogram != b.histogram {
		return false
	}
	if a.histogram != "" || a.value == b.value {
		return true
	}
	return f.fuzzy && (math.Nextafter(a.value, math.Inf(-1)) == b.value || math.Nextafter(a.value, math.Inf(1)) == b.value)
}
