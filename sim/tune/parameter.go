package tune

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// A Parameter is one field to search, over a range or a list of values.
type Parameter struct {
	// Path is the field's path in the notation of manifest.Assign. A range
	// within a query is named by the query's path and the range as it stands
	// there: spec.metrics[0].prometheus.query[5m].
	Path string
	// Low, High and Step bound a range; Step is 0 where every number will do.
	// Of a range within a query they are seconds.
	Low, High, Step float64
	// Log spaces a range by ratios.
	Log bool
	// Values is a list to choose from, in place of a range; null leaves the
	// field out.
	Values []string
	// With are assignments without which the field alone would not be valid.
	With []string
	// whole says that only whole numbers fit.
	whole bool
	// field and mark are the parts of Path where it names a range in a query.
	field, mark string
}

// maxValues bounds a list and the steps of a range.
const maxValues = 10_000

var markedPath = regexp.MustCompile(`^(.+\.query)\[([0-9]+[a-z][0-9a-z]*)\]$`)

// ParseParameter reads PATH=LOW..HIGH, PATH=LOW..HIGH:log, PATH=LOW..HIGH:STEP
// or PATH=[A,B,C].
func ParseParameter(text string) (Parameter, error) {
	path, rest, ok := strings.Cut(text, "=")
	if !ok || path == "" || rest == "" {
		return Parameter{}, fmt.Errorf("want PATH=LOW..HIGH, PATH=LOW..HIGH:log, PATH=LOW..HIGH:STEP or PATH=[A,B,C], e.g. spec.behavior.scaleDown.stabilizationWindowSeconds=0..900:60")
	}
	p := Parameter{Path: path}
	if strings.HasPrefix(rest, "[") {
		list, closed := strings.CutSuffix(rest[1:], "]")
		if !closed {
			return p, fmt.Errorf("%s: list [ without ]", path)
		}
		for _, v := range strings.Split(list, ",") {
			p.Values = append(p.Values, strings.TrimSpace(v))
		}
		return p, p.complete()
	}
	bounds, how, _ := strings.Cut(rest, ":")
	low, high, ok := strings.Cut(bounds, "..")
	if !ok {
		return p, fmt.Errorf("%s: %q is no range and no list; want LOW..HIGH or [A,B,C]", path, rest)
	}
	if err := p.SetRange(low, high, how); err != nil {
		return p, err
	}
	return p, p.complete()
}

// SetRange sets the bounds from their texts; how is empty, "log" or a step.
func (p *Parameter) SetRange(low, high, how string) error {
	p.split()
	var err error
	if p.Low, err = p.parse(low); err == nil {
		p.High, err = p.parse(high)
	}
	if err != nil {
		return err
	}
	switch how {
	case "", "linear":
	case "log":
		p.Log = true
	default:
		if p.Step, err = p.parse(how); err != nil || !(p.Step > 0) {
			return fmt.Errorf("%s: %q after the range; want log, or a step above 0", p.Path, how)
		}
	}
	return nil
}

// NewList returns a parameter with a list of values.
func NewList(path string, values ...string) (Parameter, error) {
	p := Parameter{Path: path, Values: values}
	return p, p.complete()
}

// split takes a path apart that names a range in a query.
func (p *Parameter) split() {
	p.field, p.mark = p.Path, ""
	if m := markedPath.FindStringSubmatch(p.Path); m != nil {
		p.field, p.mark = m[1], m[2]
	}
}

// parse reads a bound: a number, or a duration in a query.
func (p *Parameter) parse(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if p.mark != "" {
		d, err := model.ParseDuration(text)
		if err != nil || d < model.Duration(time.Second) || d%model.Duration(time.Second) != 0 {
			return 0, fmt.Errorf("%s: %q is no duration in whole seconds such as 90s or 5m", p.Path, text)
		}
		return time.Duration(d).Seconds(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s: %q is no number", p.Path, text)
	}
	return v, nil
}

// complete checks what the parameter itself can tell.
func (p *Parameter) complete() error {
	p.split()
	if len(p.Values) > 0 {
		return p.checkList()
	}
	switch {
	case !(p.Low < p.High):
		return fmt.Errorf("%s: the range %s..%s is empty; the first number must be the smaller one", p.Path, number(p.Low), number(p.High))
	case p.Log && !(p.Low > 0):
		return fmt.Errorf("%s: the range %s..%s cannot be searched by ratios; its numbers must be above 0", p.Path, number(p.Low), number(p.High))
	case p.Step > p.High-p.Low+1e-9*max(math.Abs(p.Low), math.Abs(p.High)):
		return fmt.Errorf("%s: the step %s is wider than the range %s..%s", p.Path, number(p.Step), number(p.Low), number(p.High))
	case p.Step > 0 && (p.High-p.Low)/p.Step >= maxValues:
		return fmt.Errorf("%s: more than %d steps; widen the step", p.Path, maxValues)
	}
	p.whole = p.whole || p.mark != ""
	return nil
}

func (p *Parameter) checkList() error {
	if len(p.Values) > maxValues {
		return fmt.Errorf("%s: more than %d values", p.Path, maxValues)
	}
	for i, v := range p.Values {
		switch {
		case v == "":
			return fmt.Errorf("%s: the list has an empty value; want [A,B,C]", p.Path)
		case slices.Contains(p.Values[:i], v):
			return fmt.Errorf("%s: the list has %s twice", p.Path, v)
		}
		if p.mark != "" {
			if _, err := p.parse(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// levels is how many values the parameter has, 0 for any number of them.
func (p *Parameter) levels() int {
	switch {
	case len(p.Values) > 0:
		return len(p.Values)
	case p.Step > 0:
		return int(math.Floor((p.High-p.Low)/p.Step*(1+1e-12))) + 1
	case p.whole && p.High-p.Low < maxValues:
		return int(p.High) - int(p.Low) + 1
	}
	return 0
}

// At is the value at x, from 0 to 1 along the range or list.
func (p *Parameter) At(x float64) string {
	x = min(max(x, 0), 1)
	if n := len(p.Values); n > 0 {
		return p.Values[min(int(x*float64(n)), n-1)]
	}
	if p.Step > 0 {
		n := p.levels()
		return p.text(p.Low + float64(p.Step*float64(min(int(x*float64(n)), n-1))))
	}
	return p.text(p.between(x))
}

// level is the i-th of n values, evenly spaced from the first to the last.
func (p *Parameter) level(i, n int) string {
	if len(p.Values) > 0 {
		return p.Values[i]
	}
	x := 0.0
	if n > 1 {
		x = float64(i) / float64(n-1)
	}
	if p.Step > 0 {
		last := float64(p.levels() - 1)
		return p.text(p.Low + float64(p.Step*math.Round(x*last)))
	}
	return p.text(p.between(x))
}

func (p *Parameter) between(x float64) float64 {
	if p.Log {
		return p.Low * math.Pow(p.High/p.Low, x)
	}
	return p.Low + float64(x*(p.High-p.Low))
}

// digits is the precision of values in ranges without steps: nobody wants to
// read more of them in a manifest, and no more of them matter.
const digits = 3

// text writes a value as manifests do.
func (p *Parameter) text(v float64) string {
	switch {
	case p.mark != "":
		return model.Duration(time.Duration(math.Round(v)) * time.Second).String()
	case p.whole:
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	case p.Step > 0:
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	default:
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
		v = min(max(v, p.Low), p.High)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Position is where a value lies along the range or list, from 0 to 1; NaN
// where it is in neither.
func (p *Parameter) Position(text string) float64 {
	if n := len(p.Values); n > 0 {
		i := slices.Index(p.Values, text)
		if i < 0 {
			return math.NaN()
		}
		return (float64(i) + 0.5) / float64(n)
	}
	v, err := p.parse(text)
	if err != nil {
		return math.NaN()
	}
	if p.Log {
		return math.Log(v/p.Low) / math.Log(p.High/p.Low)
	}
	return (v - p.Low) / (p.High - p.Low)
}

// neighbours are the next values below and above, as far as there are any.
func (p *Parameter) neighbours(text string) []string {
	var out []string
	add := func(v string) {
		if v != text && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	if n := len(p.Values); n > 0 {
		i := slices.Index(p.Values, text)
		if i > 0 {
			add(p.Values[i-1])
		}
		if i >= 0 && i+1 < n {
			add(p.Values[i+1])
		}
		return out
	}
	v, err := p.parse(text)
	if err != nil {
		return nil
	}
	for _, sign := range []float64{-1, 1} {
		next := v + float64(sign*p.Step)
		if p.Step == 0 {
			next = p.between(p.Position(text) + float64(sign*nearby))
			if p.whole && math.Abs(next-v) < 1 {
				next = v + sign
			}
		}
		if next >= p.Low-1e-9 && next <= p.High*(1+1e-12) {
			add(p.text(next))
		}
	}
	return out
}

// nearby is how far a neighbour lies away in a range without steps, as a share
// of the range.
const nearby = 0.05

// Bounds are the ends of a range and its step, empty where it has none, as they
// are written.
func (p *Parameter) Bounds() (low, high, step string) {
	show := number
	if p.split(); p.mark != "" {
		show = func(v float64) string { return model.Duration(time.Duration(v) * time.Second).String() }
	}
	if p.Step > 0 {
		step = show(p.Step)
	}
	return show(p.Low), show(p.High), step
}

// Describe is the range or list as it is written.
func (p *Parameter) Describe() string {
	if len(p.Values) > 0 {
		return "[" + strings.Join(p.Values, ",") + "]"
	}
	low, high, step := p.Bounds()
	text := low + ".." + high
	switch {
	case p.Log:
		text += ":log"
	case step != "":
		text += ":" + step
	}
	return text
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
