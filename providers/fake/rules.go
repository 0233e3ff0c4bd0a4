package fake

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
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
	// labels are the group's and the rule's.
	labels labels.Labels
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
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := p.AddRules(file, content); err != nil {
			return err
		}
	}
	return nil
}

// AddRules adds the groups of one rule file, whose name appears in errors.
func (p *Prometheus) AddRules(file string, content []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, p.planner.parser, promslog.NewNopLogger())
	if len(errs) > 0 {
		return ruleFileError(file, content, errs)
	}
	for _, parsed := range groups.Groups {
		group, err := p.newGroup(file, parsed)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		p.rules = append(p.rules, group)
	}
	return nil
}

func (p *Prometheus) newGroup(file string, parsed rulefmt.RuleGroup) (*ruleGroup, error) {
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
	for _, r := range parsed.Rules {
		added, err := p.newRule(parsed, r)
		if err != nil {
			return nil, fmt.Errorf("group %q: %w", parsed.Name, err)
		}
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
	}
	q, err := p.prepare(parsed.Expr, p.options.Start)
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", r.name, err)
	}
	if q.plan.kind != parser.ValueTypeVector && q.plan.kind != parser.ValueTypeScalar {
		return nil, fmt.Errorf("rule %q: the expression gives a %s; a rule needs an instant vector or a scalar", r.name, q.plan.kind)
	}
	wider := q.reach
	if group.QueryOffset != nil {
		wider.window += time.Duration(*group.QueryOffset)
	}
	p.retain(wider)
	return r, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// ruleFileError turns the first of a rule file's errors into one line that
// begins with the place.
func ruleFileError(file string, content []byte, errs []error) error {
	err := errs[0]
	more := ""
	if len(errs) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(errs)-1)
	}
	var inRule *rulefmt.Error
	if errors.As(err, &inRule) && !startsWithPosition(err.Error()) {
		return fmt.Errorf("%s:%s: %w%s", file, rulePosition(content, inRule), err, more)
	}
	if found := yamlLine.FindStringSubmatch(err.Error()); found != nil && strings.HasPrefix(err.Error(), "yaml:") {
		return fmt.Errorf("%s:%s: %s%s", file, found[1], found[2], more)
	}
	separator := ": "
	if startsWithPosition(err.Error()) {
		separator = ":"
	}
	return fmt.Errorf("%s%s%w%s", file, separator, err, more)
}

var position = regexp.MustCompile(`^\d+:\d+: `)

func startsWithPosition(text string) bool { return position.MatchString(text) }

// rulePosition finds line and column of a rule.
func rulePosition(content []byte, at *rulefmt.Error) string {
	var file struct {
		Groups []struct {
			Name  string      `yaml:"name"`
			Rules []yaml.Node `yaml:"rules"`
		} `yaml:"groups"`
	}
	if yaml.Unmarshal(content, &file) == nil {
		for _, group := range file.Groups {
			if group.Name == at.Group && at.Rule <= len(group.Rules) {
				node := group.Rules[at.Rule-1]
				return fmt.Sprintf("%d:%d", node.Line, node.Column)
			}
		}
	}
	return "1:1"
}
