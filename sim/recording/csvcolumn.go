package recording

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A csvColumn is a column that has become a series.
type csvColumn struct {
	field  int
	header string
	labels labels.Labels
	// last is the instant of the column's last value while scanning.
	last   int64
	values int64
	// moment says that the column may hold further times, index that it may number the
	// rows, beginning with from.
	moment, index bool
	from          int64
	numbers
}

// numbers is how the numbers of a column are written. One rule holds for a column:
//
//   - of comma and dot the last in a number is the decimal mark; a mark that comes
//     twice, or before groups of three digits with the other one behind, divides
//     thousands;
//   - a single comma before exactly three digits divides thousands where commas
//     divide cells, and is the decimal mark where something else does, unless
//     another number of the column says otherwise; a single dot is the decimal mark
//     unless a number of the column has the comma for it;
//   - a unit scales to seconds, bytes or ones; percent and currencies stay as they are
//     written; true is 1, false 0;
//   - B is bytes beside other bytes or after a blank, and billions among plain numbers;
//     m is minutes among durations, and thousandths where the header says cpu or cores.
type numbers struct {
	// dressed says that some cells are more than plain numbers.
	dressed bool
	// comma says that the comma is the decimal mark.
	comma bool
	// kind is the quantity that the units measure, once one is known, at where.
	kind    unitKind
	unitAt  string
	bareAt  string
	pointAt string
	commaAt string
	// either is the first number whose comma may be either, eitherPoint one with a dot.
	either bool
	// billions says that B stands for them, doubtful is the first cell of which it is
	// not known, and where that stands.
	billions          bool
	doubtful, doubtAt string
	// cores says that m stands for thousandths, as in Kubernetes' quantities.
	cores bool
	// truths says that the cells are true and false.
	truths bool
	// example is the first cell that is more than a plain number.
	example string
}

// isTruth says whether a cell is a boolean.
func isTruth(cell string) bool {
	return strings.EqualFold(cell, "true") || strings.EqualFold(cell, "false")
}

// look takes notice of a cell of the current row; false if it has no value.
func (c *csvColumn) look(r *csvRows) (bool, error) {
	cell := r.cell(c.field)
	if cell == "" {
		return false, nil
	}
	if v, err := strconv.ParseFloat(cell, 64); err == nil && !strings.ContainsAny(cell, "xX_") {
		if c.truths {
			return false, c.misfit(r, cell, "")
		}
		if c.bareAt == "" && v != 0 {
			c.bareAt = r.at(c.field)
			if c.kind != unitless {
				return false, c.mixed(r, cell)
			}
		}
		if c.pointAt == "" && strings.IndexByte(cell, '.') >= 0 && decimalOf(marksOf(cell)) == pointCertain {
			c.pointAt = r.at(c.field)
		}
		return true, nil
	}
	if isNothing(cell) {
		return false, nil
	}
	if c.truths || c.values == 0 && c.bareAt == "" && !c.dressed && isTruth(cell) {
		if c.truths = true; !isTruth(cell) {
			return false, c.misfit(r, cell, "")
		}
		c.dressed, c.example = true, cmp.Or(c.example, cell)
		return true, nil
	}
	if err := c.dress(r, cell); err != nil {
		return false, err
	}
	return true, nil
}

// dress takes notice of a cell that is more than a plain number.
func (c *csvColumn) dress(r *csvRows, cell string) error {
	if _, ok := durationOf(cell); ok {
		return c.take(r, cell, unit{ofSeconds, 1})
	}
	number, rest := splitNumber(cell)
	if !strings.ContainsAny(number, "0123456789") {
		return c.misfit(r, cell, "")
	}
	c.cores = strings.Contains(strings.ToLower(c.header), "cpu") || strings.Contains(strings.ToLower(c.header), "core")
	if rest == "B" && c.kind == unitless {
		switch {
		case c.bareAt != "":
			c.billions = true
		case !strings.ContainsAny(cell, " \u00a0") && c.doubtAt == "":
			c.doubtful, c.doubtAt = cell, r.at(c.field)
		}
	}
	u, err := c.unit(rest)
	if err != nil {
		return c.misfit(r, cell, err.Error())
	}
	if err := c.mark(r, cell, number); err != nil {
		return err
	}
	if c.doubtAt != "" && rest == "B" && c.kind == unitless {
		c.dressed, c.example = true, cmp.Or(c.example, cell)
		return nil
	}
	return c.take(r, cell, u)
}

// mark takes notice of the marks in a number.
func (c *csvColumn) mark(r *csvRows, cell, number string) error {
	mark := decimalOf(marksOf(number))
	switch {
	case mark == noNumber:
		return c.misfit(r, cell, "")
	case mark == pointCertain && c.pointAt == "":
		c.pointAt = r.at(c.field)
	case mark == commaCertain && c.commaAt == "":
		c.commaAt = r.at(c.field)
	case mark == commaEither:
		c.either = true
	}
	if _, err := parseMarked(number, mark == commaCertain); errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s: number %s is out of range in column %q", r.at(c.field), quoted(cell), c.header)
	} else if err != nil {
		return c.misfit(r, cell, "")
	}
	return nil
}

// take takes notice of a number's unit.
func (c *csvColumn) take(r *csvRows, cell string, u unit) error {
	if u.kind == unitless {
		if c.bareAt == "" {
			c.bareAt = r.at(c.field)
		}
		c.billions = c.billions || c.doubtAt != ""
	} else if c.unitAt == "" {
		c.kind, c.unitAt = u.kind, r.at(c.field)
	}
	if c.unitAt != "" && (u.kind != c.kind || c.bareAt != "") {
		return c.mixed(r, cell)
	}
	c.dressed, c.example = true, cmp.Or(c.example, cell)
	return nil
}

func (c *csvColumn) misfit(r *csvRows, cell, why string) error {
	if why != "" {
		why = " (" + why + ")"
	}
	return fmt.Errorf("%s: %s is not a number%s in column %q; allowed: a number, with thousands or a unit or not, NaN, Inf, or nothing, null or - for a gap; in Grafana, switch off formatted data",
		r.at(c.field), quoted(cell), why, c.header)
}

func (c *csvColumn) mixed(r *csvRows, cell string) error {
	other, what := c.bareAt, "a number without a unit"
	if c.unitAt != "" && c.unitAt != r.at(c.field) {
		other, what = c.unitAt, "one of another kind: "+string(c.kind)
	}
	return fmt.Errorf("%s: %s in column %q, which has %s at %s; export plain numbers (in Grafana, switch off formatted data)", r.at(c.field), quoted(cell), c.header, what, other)
}

// settle decides which mark is the decimal one, when all cells have been seen.
func (c *csvColumn) settle(comma rune) error {
	if c.commaAt != "" && c.pointAt != "" {
		return fmt.Errorf("%s: a number with a decimal comma in column %q, which has one with a decimal point at %s; export plain numbers", c.commaAt, c.header, c.pointAt)
	}
	c.billions = c.billions || c.doubtAt != "" && c.bareAt != ""
	if c.doubtAt != "" && c.kind == unitless && !c.billions {
		return fmt.Errorf("%s: %s in column %q: B may be bytes or billions, and no other cell tells; export plain numbers (in Grafana, switch off formatted data)", c.doubtAt, quoted(c.doubtful), c.header)
	}
	c.comma = c.commaAt != "" || c.either && c.pointAt == "" && comma != ','
	c.dressed = c.dressed || c.comma
	return nil
}

// value reads the cell of the current row; false if it has no value.
func (c *csvColumn) value(r *csvRows) (float64, bool, error) {
	cell := r.cell(c.field)
	if cell == "" {
		return 0, false, nil
	}
	if !c.dressed || !c.comma {
		if v, err := parseNumber(cell); err == nil {
			return v, true, nil
		}
	}
	if isNothing(cell) {
		return 0, false, nil
	}
	v, err := c.read(cell)
	if err != nil {
		return 0, false, c.misfit(r, cell, "")
	}
	return v, true, nil
}

// read reads a number by the column's rule.
func (n *numbers) read(cell string) (float64, error) {
	if n.truths && isTruth(cell) {
		if strings.EqualFold(cell, "true") {
			return 1, nil
		}
		return 0, nil
	}
	if seconds, ok := durationOf(cell); ok {
		return seconds, nil
	}
	number, rest := splitNumber(cell)
	u, err := n.unit(rest)
	if err != nil {
		return 0, err
	}
	v, err := parseMarked(number, n.comma)
	if u.scale < 1 {
		return v / math.Round(1/u.scale), err // 350 ms are 0.35 s, not a little more
	}
	return v * u.scale, err
}

// reads says what the column's first dressed cell was read as; empty without one.
func (c *csvColumn) reads() string {
	if c.example == "" {
		return ""
	}
	v, err := c.read(c.example)
	if err != nil {
		return ""
	}
	text := fmt.Sprintf("%s in column %q as %s", quoted(c.example), c.header, strconv.FormatFloat(v, 'g', -1, 64))
	if c.kind != unitless {
		text += fmt.Sprintf(" (%s)", c.kind)
	}
	return text
}

// headerSeries is the series that a header names by itself: a selector such as
// cpu{pod="a"} or {pod="a"}, or a name with tags such as avg:cpu.user{host:a}.
func headerSeries(header string) (labels.Labels, bool) {
	open := strings.IndexByte(header, '{')
	if open < 0 || !strings.HasSuffix(header, "}") {
		return labels.EmptyLabels(), false
	}
	if series, err := (fake.Features{}).Parser().ParseMetric(header); err == nil && !series.IsEmpty() {
		return series, true
	}
	name, tags := header[:open], header[open+1:len(header)-1]
	if i := strings.IndexByte(name, ':'); i >= 0 && slices.Contains([]string{"avg", "sum", "min", "max", "count"}, name[:i]) {
		name = name[i+1:]
	}
	if name == "" {
		return labels.EmptyLabels(), false
	}
	set := map[string]string{labels.MetricName: metricName(name, 0)}
	for tag := range strings.SplitSeq(tags, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "" || tag == "*" {
			continue
		}
		key, value, ok := strings.Cut(tag, ":")
		if !ok || key == "" || strings.ContainsAny(tag, `"={}`) {
			return labels.EmptyLabels(), false
		}
		set[labelName(key)] = strings.TrimSpace(value)
	}
	return labels.FromMap(set), true
}

// labelName makes a label's name of a header.
func labelName(header string) string { return strings.ReplaceAll(metricName(header, 0), ":", "_") }

// metricName makes a valid metric name of a header; field numbers a column
// without one.
func metricName(header string, field int) string {
	if header == "" {
		return fmt.Sprintf("column_%d", field+1)
	}
	var name strings.Builder
	for i, c := range header {
		letter := c == '_' || c == ':' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9'
		if digit && i == 0 {
			name.WriteByte('_')
		}
		if letter || digit {
			name.WriteRune(c)
		} else {
			name.WriteByte('_')
		}
	}
	return name.String()
}
