package reports

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// Evaluate judges a `report:` expectation:
//
//	NAME[{column="...",object="...",cause="..."}] OP NUMBER
//	NAME[{...}] OP NAME[{...}]|baseline [+|- NUMBER[%]]
//
// OP is one of <=, <, >=, >, == and !=. Without a column label the column is
// current, and a reference can be named (column="oracle"); without an object
// label the figure is that of all objects together. baseline is the same figure
// in the column baseline. The detail says what was compared. An unknown name, a
// label that matches nothing and a figure that is not known are errors.
func (r *Report) Evaluate(expr string) (ok bool, detail string, err error) {
	c, err := parseComparison(expr)
	if err != nil {
		return false, "", err
	}
	left, err := r.lookUp(c.left)
	if err != nil {
		return false, "", err
	}
	right, err := r.right(c)
	if err != nil {
		return false, "", err
	}
	is, bound := c.shown(left, right)
	return c.holds(left, right), fmt.Sprintf("%s is %s, to be %s %s", c.left, is, c.op, bound), nil
}

// shown are two figures with the digits that matter, all of them where fewer
// would contradict the verdict.
func (c *comparison) shown(left, right float64) (string, string) {
	l, r := brief(left), brief(right)
	if c.holds(l, r) != c.holds(left, right) {
		l, r = left, right
	}
	return exact(l), exact(r)
}

// brief is a figure to six significant digits.
func brief(v float64) float64 {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	return short
}

// CheckExpression says what is wrong with a `report:` expectation before any
// run: syntax and names, as far as they do not depend on the run. It will have
// the columns that are named, and those that reports add, and these objects; none
// are not checked.
func CheckExpression(expr string, columns []string, objects []Object) error {
	c, err := parseComparison(expr)
	if err != nil {
		return err
	}
	columns = append(slices.Clone(columns), Recorded, StaticPeak, StaticMean, Oracle)
	for _, s := range []selector{c.left, c.right} {
		if s.column != "" && s.column != Baseline && !slices.Contains(columns, s.column) {
			return fmt.Errorf("%q: no column %s; there are %s", expr, s.column, strings.Join(columns, ", "))
		}
		if s.object != "" && len(objects) > 0 && !slices.ContainsFunc(objects, func(o Object) bool { return means(s.object, o.Journal, o.Target.Name) }) {
			return fmt.Errorf("%s: no object %s; there are %s", expr, s.object, namesOf(objects))
		}
	}
	return nil
}

// namesOf are objects in full, sorted.
func namesOf(objects []Object) string {
	names := make([]string, 0, len(objects))
	for _, o := range objects {
		names = append(names, o.Journal.String())
	}
	slices.Sort(names)
	return cmp.Or(strings.Join(slices.Compact(names), ", "), "none")
}

type comparison struct {
	left, right selector
	op          string
	// number is added to the right figure, or stands alone without one; percent
	// says that it is a share of the figure.
	number  float64
	percent bool
}

// A selector names one figure.
type selector struct {
	name, column, object, cause string
}

func (s selector) String() string {
	var labels []string
	for _, l := range []struct{ key, value string }{{"column", s.column}, {"object", s.object}, {"cause", s.cause}} {
		if l.value != "" {
			labels = append(labels, l.key+"="+strconv.Quote(l.value))
		}
	}
	if len(labels) == 0 {
		return s.name
	}
	return s.name + "{" + strings.Join(labels, ",") + "}"
}

const (
	figurePattern = `([a-z][a-z0-9_]*)\s*(?:\{([^}]*)\})?`
	numberPattern = `[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?`
)

var (
	comparisonForm = regexp.MustCompile(`^\s*` + figurePattern + `\s*(<=|>=|==|!=|<|>)\s*(?:(` + numberPattern + `)|` +
		figurePattern + `(?:\s*([-+])\s*(` + numberPattern + `)\s*(%)?)?)\s*$`)
	labelForm = regexp.MustCompile(`^\s*(column|object|cause)\s*=\s*("(?:[^"\\]|\\.)*")\s*$`)
)

func parseComparison(expr string) (*comparison, error) {
	m := comparisonForm.FindStringSubmatch(expr)
	if m == nil {
		return nil, fmt.Errorf("%s is not of the form NAME OP NUMBER or NAME OP NAME|baseline [+|- NUMBER[%%]] (OP: <= < >= > == !=)", expr)
	}
	c := &comparison{op: m[3]}
	var err error
	if c.left, err = parseSelector(m[1], m[2]); err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	if m[4] != "" {
		c.number, err = strconv.ParseFloat(m[4], 64)
		return c, err
	}
	if m[5] == Baseline {
		if m[6] != "" {
			return nil, fmt.Errorf("%s: baseline takes no labels", expr)
		}
		c.right = c.left
		c.right.column = Baseline
	} else if c.right, err = parseSelector(m[5], m[6]); err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	if m[8] != "" {
		if c.number, err = strconv.ParseFloat(m[8], 64); err != nil {
			return nil, fmt.Errorf("%s: %w", expr, err)
		}
		if m[7] == "-" {
			c.number = -c.number
		}
		c.percent = m[9] == "%"
	}
	return c, nil
}

func parseSelector(name, labels string) (selector, error) {
	s := selector{name: name}
	if !knownMetric(name) {
		return s, fmt.Errorf("unknown metric %s; known are %s", name, strings.Join(metricNames(), ", "))
	}
	if strings.TrimSpace(labels) == "" {
		return s, nil
	}
	for _, label := range strings.Split(labels, ",") {
		m := labelForm.FindStringSubmatch(label)
		if m == nil {
			return s, fmt.Errorf(`label %s: allowed are column="...", object="..." and cause="..."`, strings.TrimSpace(label))
		}
		value, err := strconv.Unquote(m[2])
		if err != nil {
			return s, fmt.Errorf("label %s: %w", label, err)
		}
		switch m[1] {
		case "column":
			s.column = value
		case "object":
			s.object = value
		case "cause":
			s.cause = value
		}
	}
	if s.cause == "" {
		return s, nil
	}
	if name != CauseMetric {
		return s, fmt.Errorf("%s takes no cause; only %s does", name, CauseMetric)
	}
	if Cause(s.cause).order() < 0 {
		return s, fmt.Errorf("unknown cause %q; known are %s", s.cause, strings.Join(causeNames(), ", "))
	}
	return s, nil
}

func knownMetric(name string) bool {
	for _, known := range metricNames() {
		if name == known {
			return true
		}
	}
	return false
}

func metricNames() []string {
	names := []string{CauseMetric}
	for i := range metrics {
		names = append(names, metrics[i].Name)
	}
	return names
}

func (r *Report) right(c *comparison) (float64, error) {
	if c.right.name == "" {
		return c.number, nil
	}
	figure, err := r.lookUp(c.right)
	if c.percent {
		return figure + figure*c.number/100, err
	}
	return figure + c.number, err
}

// lookUp is the value of a figure.
func (r *Report) lookUp(s selector) (float64, error) {
	column := &r.Columns[r.primary]
	if s.column != "" {
		if column = r.Column(s.column); column == nil {
			if s.column == Baseline {
				return 0, fmt.Errorf("there is no baseline to compare with; name one with --baseline DIR")
			}
			return 0, fmt.Errorf("no column %s; there are %s", s.column, strings.Join(r.columnNames(), ", "))
		}
	}
	figures, shares := column.Figures, column.Causes
	if s.object != "" {
		o := column.named(s.object)
		if o == nil {
			return 0, fmt.Errorf("no object %s in column %s; there are %s", s.object, column.Name, strings.Join(column.objectNames(), ", "))
		}
		figures, shares = o.Figures, o.Causes
	}
	value := figures.Get(s.name)
	if s.name == CauseMetric {
		value = figures.Get("breach_minutes")
		if s.cause != "" && !math.IsNaN(value) {
			value = causeMinutes(shares, Cause(s.cause))
		}
	}
	if math.IsNaN(value) {
		return 0, fmt.Errorf("%s is not known in column %s; the run lacks what it is made of", s.name, column.Name)
	}
	return value, nil
}

func causeMinutes(list []CauseTime, cause Cause) float64 {
	var seconds int64
	for i := range list {
		if list[i].Cause == cause {
			seconds += list[i].Seconds
		}
	}
	return minutes(seconds)
}

// named finds an object by any of its names: its label, which is its own, goes before
// all others.
func (c *ColumnReport) named(name string) *ObjectReport {
	for i := range c.Objects {
		if c.Objects[i].Label == name {
			return &c.Objects[i]
		}
	}
	for i := range c.Objects {
		if means(name, c.Objects[i].Object, c.Objects[i].Target) {
			return &c.Objects[i]
		}
	}
	return nil
}

// means reports whether a name means an object that scales a target, empty if it
// scales nothing: the name of its target or its own, either perhaps behind the
// namespace, or [NAMESPACE/]KIND/NAME with kubectl's short names.
func means(name string, object journal.Object, target string) bool {
	parts := strings.Split(name, "/")
	own := func(name string) bool { return name == object.Name || name == target && name != "" }
	switch len(parts) {
	case 1:
		return own(name)
	case 2:
		return parts[0] == object.Namespace && own(parts[1]) || journal.KindOf(parts[0]) == object.Kind && parts[1] == object.Name
	case 3:
		return parts[0] == object.Namespace && journal.KindOf(parts[1]) == object.Kind && parts[2] == object.Name
	}
	return false
}

func (c *ColumnReport) objectNames() []string {
	var names []string
	for i := range c.Objects {
		names = append(names, c.Objects[i].Label)
	}
	return names
}

func (r *Report) columnNames() []string {
	var names []string
	for i := range r.Columns {
		names = append(names, r.Columns[i].Name)
	}
	return names
}

func (c *comparison) holds(left, right float64) bool {
	switch c.op {
	case "<=":
		return left <= right
	case "<":
		return left < right
	case ">=":
		return left >= right
	case ">":
		return left > right
	case "==":
		return left == right
	}
	return left != right
}
