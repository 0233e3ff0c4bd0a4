package reports

import (
	"fmt"
	"math"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/policy"
)

// causeTable is minutes by cause, a column each; nil where nothing lacked.
func (r *Report) causeTable() *tableView {
	t := &tableView{}
	total := rowView{Name: "breach minutes", Primary: true}
	counts := make([][]int64, len(r.Columns))
	for i := range r.Columns {
		if r.Run.Columns[i].Reference {
			continue // nothing was decided, so there are no causes
		}
		t.Titles = append(t.Titles, r.Columns[i].Name)
		var sum int64
		counts[i], sum = r.Columns[i].causeCounts()
		total.Cells = append(total.Cells, r.Columns[i].counted(sum))
	}
	for n, cause := range Causes() {
		row := rowView{Name: cause.words(), Swatch: swatch(cause)}
		any := false
		for i := range r.Columns {
			if r.Run.Columns[i].Reference {
				continue
			}
			any = any || causeMinutes(r.Columns[i].Causes, cause) > 0
			row.Cells = append(row.Cells, r.Columns[i].counted(counts[i][n]))
		}
		if any {
			t.Rows = append(t.Rows, row)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Rows = append(t.Rows, total)
	return t
}

// unit is that in which the minutes of a column are counted.
func (c *ColumnReport) unit() unit {
	return max(6, unitOf(int64(math.Round(60*orZero(c.Figures.Get("breach_minutes"))))))
}

// causeCounts are the causes' shares, counted so that they add up to the sum shown.
func (c *ColumnReport) causeCounts() (counts []int64, sum int64) {
	var shares []phraseShare
	for _, cause := range Causes() {
		share := phraseShare{phrase: string(cause)}
		for i := range c.Causes {
			if c.Causes[i].Cause == cause {
				share.seconds += c.Causes[i].Seconds
			}
		}
		shares = append(shares, share)
	}
	counts = apportion(shares, c.unit())
	for _, n := range counts {
		sum += n
	}
	return counts, sum
}

// counted shows minutes that were counted, a dash where nothing could be scored.
func (c *ColumnReport) counted(n int64) string {
	if math.IsNaN(c.lack()) {
		return number(c.lack())
	}
	return c.unit().count(n)
}

// maxObjects bounds the table of targets.
const maxObjects = 200

// objectTable is the primary column by object; nil where it has only one.
func (r *Report) objectTable() *tableView {
	c := &r.Columns[r.primary]
	if len(c.Objects) < 2 {
		return nil
	}
	t := &tableView{Titles: r.figureTitles()}
	for i := range c.Objects {
		if i == maxObjects {
			t.Note = fmt.Sprintf("%s more stand in %s.", group(int64(len(c.Objects)-i)), jsonName)
			break
		}
		row := rowView{Name: c.Objects[i].Label}
		for _, f := range tableFigures(r) {
			row.Cells = append(row.Cells, number(c.Objects[i].Figures.Get(f.metric)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// figureTable has every figure of every column.
func (r *Report) figureTable() *tableView {
	t := &tableView{Titles: r.columnNames()}
	for i := range metrics {
		m := &metrics[i]
		row := rowView{Name: title(m), Title: m.Definition}
		any := false
		for j := range r.Columns {
			v := r.Columns[j].Figures.Get(m.Name)
			any = any || !math.IsNaN(v)
			row.Cells = append(row.Cells, number(v))
		}
		if any {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// title is a metric's name in words, with its unit where that is not in it.
func title(m *Metric) string {
	words := strings.ReplaceAll(m.Name, "_", " ")
	if strings.HasSuffix(m.Name, "_percent") {
		return strings.TrimSuffix(words, " percent") + ", %"
	}
	return words
}

func (r *Report) definitions() []textView {
	var list []textView
	for i := range metrics {
		list = append(list, textView{metrics[i].Name, metrics[i].Definition + " Source: " + metrics[i].Source + "."})
	}
	for i := range r.Run.Columns {
		if c := &r.Run.Columns[i]; c.Reference {
			list = append(list, textView{c.Name, referenceText(c)})
		}
	}
	return list
}

// decisionsView are the runs of equal decisions.
type decisionsView struct {
	Note, Summary string
	Open, Many    bool
	Rows          []decisionView
}

type decisionView struct {
	From, Object, Slots, Wanted, Desired, Reason, Lacking string
}

// fewRuns is how many runs are shown without being asked for.
const fewRuns = 40

func (r *Report) decisionsView() *decisionsView {
	if len(r.Runs) == 0 {
		return nil
	}
	v := &decisionsView{
		Many: len(r.Columns[r.primary].Objects) > 1, Open: len(r.Runs) <= fewRuns,
		Note:    "Each line is a run of equal decisions of column " + r.Columns[r.primary].Name + "; wanted is what the metrics recommended.",
		Summary: group(r.AllRuns) + " " + plural(r.AllRuns, "run") + " of equal decisions",
	}
	if r.AllRuns > int64(len(r.Runs)) {
		v.Summary = fmt.Sprintf("%s of %s runs of equal decisions", group(int64(len(r.Runs))), group(r.AllRuns))
		v.Note += " Shown are those under which most was missing, then the earliest; karpenter explain shows any other."
	}
	clock := clockOf(r.Run)
	for i := range r.Runs {
		run := &r.Runs[i]
		row := decisionView{From: clock.instant(run.First), Slots: group(run.Slots), Wanted: wanted(run), Desired: "–", Reason: string(run.Reason)}
		if v.Many {
			row.Object = run.Object
		}
		if run.Known {
			row.Desired = number(run.Desired)
		}
		if run.Limit != "" {
			row.Reason += " (" + run.Limit + ")"
		}
		if run.Lacking > 0 {
			row.Lacking = minutesOrSeconds(run.Lacking) + " lacking"
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

func wanted(run *DecisionRun) string {
	if run.Low < 0 || run.Low == run.High {
		return orDash(run.Low)
	}
	return number(run.Low) + "–" + number(run.High)
}

// policyViews are the policies of the worst object in every column.
func (r *Report) policyViews() []policyView {
	o := r.focus()
	if o == nil {
		return nil
	}
	var list []policyView
	for i := range r.Columns {
		if other := r.Columns[i].object(o.Object); other != nil && other.Policy != nil {
			list = append(list, policyView{Title: r.Columns[i].Name + ": " + o.Label, Lines: policyLines(other.Policy)})
		}
	}
	return list
}

// policyLines is a compiled policy in words.
func policyLines(p *policy.Autoscaler) []textView {
	lines := []textView{
		{"target", p.Target.Kind + " " + p.Target.Name},
		{"replicas", fmt.Sprintf("%d to %d", p.Min, p.Max)},
		{"decides", "every " + span(int64(p.Interval))},
	}
	for i := range p.Metrics {
		m := &p.Metrics[i]
		lines = append(lines, textView{"metric", m.Query + " → " + targetPhrase(m)})
	}
	lines = append(lines, textView{"scale up", rulesPhrase(&p.Up)}, textView{"scale down", rulesPhrase(&p.Down)})
	if p.DryRun {
		lines = append(lines, textView{"dry run", "nothing is actuated"})
	}
	return lines
}

func targetPhrase(m *policy.Metric) string {
	switch m.Type {
	case policy.AverageValue:
		return exact(m.Target) + " per replica"
	case policy.Utilization:
		return exact(m.Target) + " % utilization"
	}
	return exact(m.Target)
}

func rulesPhrase(r *policy.Rules) string {
	if r.Select == policy.Disabled {
		return "disabled"
	}
	parts := []string{"window " + span(int64(r.Window))}
	if r.Tolerance > 0 {
		parts = append(parts, "tolerance "+number(100*r.Tolerance)+" %")
	}
	var rates []string
	for i := range r.Policies {
		rates = append(rates, ratePhrase(&r.Policies[i]))
	}
	switch len(rates) {
	case 0:
		parts = append(parts, "no rate limit")
	case 1:
		parts = append(parts, "at most "+rates[0])
	default:
		which := "most"
		if r.Select == policy.SelectMin {
			which = "least"
		}
		parts = append(parts, "the policy that allows "+which+" of: "+strings.Join(rates, "; "))
	}
	return strings.Join(parts, ", ")
}
