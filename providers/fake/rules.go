package fake

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// A ruleGroup is a group of rules that are evaluated one after the other.
type ruleGroup struct {
	file, name  string
	interval    int64
	queryOffset int64
	limit       int
	rules       []*rule
	// next is the instant of the next evaluation.
	next int64
}

// A rule records the result of an expression, or the alerts that it raises.
type rule struct {
	name string
	expr string
	// where is the rule's place, as file:line:column.
	where string
	// labels are the group's and the rule's.
	labels labels.Labels
	// annotations are the rule's, of which an alert's are made; nil unless wanted.
	annotations labels.Labels
	// alert is nil for a recording rule.
	alert   *alertState
	series  tracker
	failure *RuleFailure
}

// A RuleFailure says that a rule could not be evaluated. As in Prometheus, its
// series keep their last samples until lookback ends them.
type RuleFailure struct {
	// File, Group and Rule say which rule it is.
	File, Group, Rule string
	// First is the instant of the first failed evaluation in Unix milliseconds.
	First int64
	// Count is the number of failed evaluations.
	Count int
	// Err is the first failure.
	Err error
}

// LoadRules reads rule files. Groups are evaluated in the order of the files,
// then of the groups in a file. Errors say file, line and column.
func (p *Prometheus) LoadRules(files ...string) error {
	for _, file := range files {
		content, err := ReadRules(file)
		if err != nil {
			return err
		}
		if err := p.AddRules(file, content); err != nil {
			return err
		}
	}
	return acyclic(p.rules)
}

// RuleNames are the names of the series that the rules make.
func (p *Prometheus) RuleNames() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, group := range p.rules {
		for _, r := range group.rules {
			if r.alert == nil {
				names = append(names, r.name)
			} else {
				names = append(names, "ALERTS", "ALERTS_FOR_STATE")
			}
		}
	}
	return names
}

// RuleExpressions are the expressions of the rules.
func (p *Prometheus) RuleExpressions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var expressions []string
	for _, group := range p.rules {
		for _, r := range group.rules {
			expressions = append(expressions, r.expr)
		}
	}
	return expressions
}

// AddRules adds the groups of one rule file, whose name appears in errors.
func (p *Prometheus) AddRules(file string, content []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, p.planner.parser, promslog.NewNopLogger())
	if len(errs) > 0 {
		return ruleFileError(file, content, errs)
	}
	places := placesOf(content)
	for i, parsed := range groups.Groups {
		group, err := p.newGroup(file, parsed, places[i])
		if err != nil {
			return err
		}
		p.rules = append(p.rules, group)
	}
	return nil
}

func (p *Prometheus) newGroup(file string, parsed rulefmt.RuleGroup, place groupPlace) (*ruleGroup, error) {
	g := &ruleGroup{
		file:     file,
		name:     parsed.Name,
		interval: p.options.EvaluationInterval.Milliseconds(),
		limit:    parsed.Limit,
		next:     p.options.Start,
	}
	if parsed.Interval > 0 {
		g.interval = time.Duration(parsed.Interval).Milliseconds()
	}
	if parsed.QueryOffset != nil {
		g.queryOffset = time.Duration(*parsed.QueryOffset).Milliseconds()
	}
	if p.now > g.next {
		// Rules that come late are evaluated at the next instant of their grid.
		g.next += (p.now - g.next + g.interval - 1) / g.interval * g.interval
	}
	for i, r := range parsed.Rules {
		added, err := p.newRule(parsed, r)
		if err != nil {
			return nil, fmt.Errorf("%s:%s: group %q, rule %d, %q: %w", file, place.rules[i], parsed.Name, i+1, r.Record+r.Alert, err)
		}
		added.where = file + ":" + place.rules[i]
		g.rules = append(g.rules, added)
	}
	return g, nil
}

func (p *Prometheus) newRule(group rulefmt.RuleGroup, parsed rulefmt.Rule) (*rule, error) {
	r := &rule{name: parsed.Record, expr: parsed.Expr, series: newTracker(p.store)}
	merged := map[string]string{}
	for _, set := range []map[string]string{group.Labels, parsed.Labels} {
		for name, value := range set {
			merged[name] = value
		}
	}
	r.labels = labels.FromMap(merged)
	if parsed.Alert != "" {
		r.name = parsed.Alert
		r.alert = newAlertState(time.Duration(parsed.For), time.Duration(parsed.KeepFiringFor))
		if p.options.Annotations {
			r.annotations = labels.FromMap(parsed.Annotations)
		}
	}
	q, err := p.prepare(parsed.Expr, p.options.Start)
	if err != nil {
		return nil, err
	}
	if q.plan.kind != parser.ValueTypeVector && q.plan.kind != parser.ValueTypeScalar {
		return nil, fmt.Errorf("the expression gives a %s; a rule needs an instant vector or a scalar", parser.DocumentedType(q.plan.kind))
	}
	wider := q.reach
	if group.QueryOffset != nil {
		wider.window += time.Duration(*group.QueryOffset)
	}
	p.retain(wider)
	return r, nil
}
