package fleet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Plan holds what a change of policies does to a fleet.
type Plan struct {
	Schema  int    `json:"schema"`
	Version string `json:"version,omitempty"`
	Command string `json:"command,omitempty"`
	// Passed says that no row failed, and that none is unjudged unless that is allowed.
	Passed bool `json:"passed"`
	// AllowUnjudged lets rows pass that cannot be judged.
	AllowUnjudged bool `json:"allowUnjudged,omitempty"`
	// Unchanged counts the objects that were not played.
	Unchanged int `json:"unchanged"`
	// From and To bound the time that was played, RFC 3339.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Rows are sorted, the worst first.
	Rows []Row `json:"rows"`
}

// Finish sorts the rows and settles whether the plan passes.
func (p *Plan) Finish() {
	p.Schema = 1
	if p.Rows == nil {
		p.Rows = []Row{}
	}
	slices.SortStableFunc(p.Rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(slices.Index(worstFirst, a.Result), slices.Index(worstFirst, b.Result)),
			cmp.Compare(b.change("breach_minutes"), a.change("breach_minutes")),
			cmp.Compare(b.change("replica_hours"), a.change("replica_hours")),
			cmp.Compare(a.Object, b.Object),
		)
	})
	p.Passed = len(p.Failures()) == 0
}

// change is how much more a figure is after than before; 0 where that is not known.
func (row *Row) change(metric string) float64 {
	v := row.After.Get(metric) - row.Before.Get(metric)
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// Failures say why the plan does not pass, a line for each row and guard.
func (p *Plan) Failures() []string {
	var list []string
	for i := range p.Rows {
		for _, text := range p.Rows[i].Failures(p.AllowUnjudged) {
			list = append(list, p.Rows[i].Object+": "+text)
		}
	}
	return list
}

// Failures say why a row does not pass, a line for each guard.
func (row *Row) Failures(allowUnjudged bool) []string {
	var list []string
	for i := range row.Guards {
		if g := &row.Guards[i]; !g.Passed {
			list = append(list, g.String())
		}
	}
	if row.Result == Unjudged && !allowUnjudged {
		list = append(list, "cannot be judged: "+row.Reason)
	}
	return list
}

// Expectations are the guards of a row as the report on its run has them.
func (row *Row) Expectations() []reports.Expectation {
	var list []reports.Expectation
	for i := range row.Guards {
		g := &row.Guards[i]
		e := reports.Expectation{
			Name: "no more " + strings.ReplaceAll(g.Metric, "_", " "), Kind: "report", Passed: g.Passed,
			Expr: fmt.Sprintf("%s{column=%q} <= %g", g.Metric, Head, g.Limit), File: row.File, Line: row.Line,
		}
		if !g.Passed {
			e.Message = g.String()
		}
		list = append(list, e)
	}
	return list
}

// JSON is the plan for machines.
func (p *Plan) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	return append(escape.JSON(text), '\n'), err
}

// Headline says what the plan does in one sentence.
func (p *Plan) Headline() string {
	if len(p.Rows) == 0 {
		return fmt.Sprintf("No policy changes; %s unchanged.", counted(p.Unchanged, "object"))
	}
	counts := map[Result]int{}
	for i := range p.Rows {
		counts[p.Rows[i].Result]++
	}
	var parts []string
	for _, r := range worstFirst {
		if counts[r] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[r], r))
		}
	}
	return fmt.Sprintf("%s: %s; %s unchanged.", counted(len(p.Rows), "change"), strings.Join(parts, ", "), counted(p.Unchanged, "object"))
}

// total is the sum of a figure over the rows that were compared; NaN if none was.
func (p *Plan) total(metric string) (before, after float64) {
	before, after = math.NaN(), math.NaN()
	for i := range p.Rows {
		row := &p.Rows[i]
		if b, a := row.Before.Get(metric), row.After.Get(metric); len(row.Guards) > 0 && !math.IsNaN(a-b) {
			before, after = zeroed(before)+b, zeroed(after)+a
		}
	}
	return before, after
}

func zeroed(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// priced says whether any row has a cost.
func (p *Plan) priced() bool {
	return slices.ContainsFunc(p.Rows, func(r Row) bool { return !math.IsNaN(r.Before.Get("cost")) || !math.IsNaN(r.After.Get("cost")) })
}

// targets says whether any row is measured by a target, so that its breach is time
// above the target and no lack of capacity.
func (p *Plan) targets() bool {
	return slices.ContainsFunc(p.Rows, func(r Row) bool { return r.Yardstick == result.Target })
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// pair writes a figure before and after; one value where there is no other.
func pair(row *Row, metric string) string {
	before, after := row.Before.Get(metric), row.After.Get(metric)
	switch {
	case math.IsNaN(before) && math.IsNaN(after):
		return reports.Number(math.NaN())
	case before == after:
		return reports.Number(before)
	}
	return reports.Number(before) + " → " + reports.Number(after)
}
