package fake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// errDuplicateRuleOutput is Prometheus' own wording.
var errDuplicateRuleOutput = errors.New("vector contains metrics with the same labelset after applying rule labels")

// EvaluateRules evaluates the groups that are due at or before now (Unix
// milliseconds), in the order of time, then of loading. Rules that fail are
// reported by RuleFailures and do not stop the others.
func (p *Prometheus) EvaluateRules(now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var first *ruleGroup
		for _, g := range p.rules {
			if g.next <= now && (first == nil || g.next < first.next) {
				first = g
			}
		}
		if first == nil {
			return
		}
		p.evaluateGroup(first)
		first.next += first.interval
	}
}

// EvaluateGroups evaluates all groups at now (Unix milliseconds), whatever their own
// intervals are, as promtool's unit tests do: in the order of the names, then of loading.
// Groups without a name in the order come with the first.
func (p *Prometheus) EvaluateGroups(now int64, order []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	groups := slices.Clone(p.rules)
	place := func(g *ruleGroup) int { return max(0, slices.Index(order, g.name)) }
	slices.SortStableFunc(groups, func(a, b *ruleGroup) int { return cmp.Compare(place(a), place(b)) })
	for _, g := range groups {
		g.next = now
		p.evaluateGroup(g)
		g.next++
	}
}

// RuleFailures returns the rules that have failed so far, in their order.
func (p *Prometheus) RuleFailures() []RuleFailure {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []RuleFailure
	for _, g := range p.rules {
		for _, r := range g.rules {
			if r.failure != nil {
				out = append(out, *r.failure)
			}
		}
	}
	return out
}

func (p *Prometheus) evaluateGroup(g *ruleGroup) {
	for _, r := range g.rules {
		if err := p.evaluateRule(g, r); err != nil {
			r.fail(g, err)
		}
	}
}

func (r *rule) fail(g *ruleGroup, err error) {
	if r.failure == nil {
		r.failure = &RuleFailure{File: g.file, Group: g.name, Rule: r.name, First: g.next, Err: err}
	}
	r.failure.Count++
}

// evaluateRule evaluates one rule and writes its samples at the instant of the
// query, and stale markers for the series that it had the time before.
func (p *Prometheus) evaluateRule(g *ruleGroup, r *rule) error {
	at := g.next - g.queryOffset
	vector, err := p.ruleVector(r.expr, at)
	if err != nil {
		return err
	}
	if r.alert != nil {
		vector, err = p.alerts(g, r, vector)
	} else {
		vector, err = r.recorded(vector, g.limit)
	}
	if err != nil {
		return err
	}
	return r.write(vector, at)
}

func (p *Prometheus) ruleVector(expr string, at int64) (promql.Vector, error) {
	q, err := p.prepare(expr, at)
	if err != nil {
		return nil, err
	}
	p.look(Reading{By: Rule, Query: expr, From: q.from(at)})
	value, _, err := p.evaluate(context.Background(), q, at)
	if err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case promql.Vector:
		return v, nil
	case promql.Scalar:
		return promql.Vector{{F: v.V, T: at}}, nil
	}
	return nil, fmt.Errorf("the expression gives a %s; a rule needs an instant vector or a scalar", parser.DocumentedType(value.Type()))
}

// recorded gives the samples the rule's name and labels.
func (r *rule) recorded(vector promql.Vector, limit int) (promql.Vector, error) {
	b := labels.NewBuilder(labels.EmptyLabels())
	for i := range vector {
		b.Reset(vector[i].Metric)
		b.Set(labels.MetricName, r.name)
		r.labels.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
		vector[i].Metric = b.Labels()
	}
	if vector.ContainsSameLabelset() {
		return nil, errDuplicateRuleOutput
	}
	if limit > 0 && len(vector) > limit {
		return nil, fmt.Errorf("exceeded limit of %d with %d series", limit, len(vector))
	}
	return vector, nil
}

// write appends the samples. What the store refuses, because another rule or a
// feed has written the same series, is dropped; the first such error is returned.
func (r *rule) write(vector promql.Vector, at int64) error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	r.series.begin()
	for _, s := range vector {
		series, _ := r.series.track(s.Metric)
		switch {
		case s.H != nil:
			keep(series.AppendHistogram(at, s.H))
		case !series.has(at, s.F):
			keep(series.Append(at, s.F))
		}
	}
	r.series.end(func(gone *Series) {
		// It is no error if another rule has taken the series over.
		_ = gone.Append(at, staleMarker)
	})
	return first
}

// NextRules returns the instant of the next rule evaluation, math.MaxInt64 if
// there is none.
func (p *Prometheus) NextRules() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := int64(math.MaxInt64)
	for _, g := range p.rules {
		next = min(next, g.next)
	}
	return next
}
