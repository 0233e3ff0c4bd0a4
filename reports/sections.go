package reports

import (
	"fmt"
	"math"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/policy"
)

// causeTable is minutes by cause of an object, a column each; nil where nothing
// lacked.
func (r *Report) causeTable(o *ObjectReport) *tableView {
	t := &tableView{}
	total := rowView{Name: "breach minutes", Primary: true}
	var columns []ColumnReport
	var counts [][]int64
	for i := range r.Columns {
		other := r.Columns[i].object(o.Object)
		if other == nil || r.Run.Columns[i].Reference {
			continue // nothing was decided, so there are no causes
		}
		c := ColumnReport{Name: r.Columns[i].Name, Figures: other.Figures, Causes: other.Causes}
		count, sum := c.causeCounts()
		columns, counts = append(columns, c), append(counts, count)
		t.Titles = append(t.Titles, c.Name)
		total.Cells = append(total.Cells, c.counted(sum))
	}
	for n, cause := range Causes() {
		row := rowView{Name: cause.words(), Swatch: swatch(cause), Link: "cause-" + cause.slug()}
		any := false
		for i := range columns {
			any = any || causeMinutes(columns[i].Causes, cause) > 0
			row.Cells = append(row.Cells, columns[i].counted(counts[i][n]))
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

// figureTable has every figure of every column; of several targets every figure of
// each in the primary column, since those of pods and nodes do not add up.
func (r *Report) figureTable() *tableView {
	t := &tableView{Titles: r.columnNames()}
	columns := r.Columns
	if ranked := r.ranked(); len(ranked) > 1 {
		t.Titles, columns = nil, nil
		for _, o := range ranked[:min(len(ranked), maxDrawn)] {
			t.Titles = append(t.Titles, o.Label)
			columns = append(columns, ColumnReport{Figures: o.Figures})
		}
	}
	for i := range metrics {
		m := &metrics[i]
		row := rowView{Name: title(m), Title: m.Definition, Less: m.LessIsBetter()}
		any := false
		for j := range columns {
			v := columns[j].Figures.Get(m.Name)
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
			row.Lacking = minutesOrSeconds(run.Lacking) + " " + r.shortIn(run.Object)
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// shortIn is how to speak of the time with too few replicas of an object.
func (r *Report) shortIn(label string) string {
	c := &r.Columns[r.primary]
	for i := range c.Objects {
		if c.Objects[i].Label == label {
			return c.Objects[i].short().time
		}
	}
	return lacked.time
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
