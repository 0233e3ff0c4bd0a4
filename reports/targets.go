package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// A targetView is one target of a run that has several.
type targetView struct {
	ID, Name, Sentence string
	Columns            *tableView
	Figure             *figureView // nil of the one that is drawn on the first screen
	Key                []keyView
	Episodes           []episodeView
	Causes, Fixes      *tableView
}

// maxDrawn is how many targets have a section of their own.
const maxDrawn = 24

// ranked are the objects of the primary column, worst first, each node group behind
// the worst of the workloads that it carries.
func (r *Report) ranked() []*ObjectReport {
	objects := r.Columns[r.primary].Objects
	all := make([]*ObjectReport, len(objects))
	for i := range objects {
		all[i] = &objects[i]
	}
	worse := func(a, b *ObjectReport) int {
		return cmp.Or(
			cmp.Compare(b.score.lacking, a.score.lacking),
			cmp.Compare(b.score.under, a.score.under),
			strings.Compare(a.Label, b.Label))
	}
	slices.SortStableFunc(all, worse)
	// A workload and its groups stand where the worst of them does.
	var families [][]*ObjectReport
	of := map[*ObjectReport]int{}
	for _, o := range all {
		if !o.isNodeGroup() {
			of[o] = len(families)
			families = append(families, []*ObjectReport{o})
		}
	}
	for _, o := range all {
		if !o.isNodeGroup() {
			continue
		}
		if i := slices.IndexFunc(all, func(w *ObjectReport) bool { return w.isOn(o) }); i >= 0 {
			family := of[all[i]]
			families[family] = append(families[family], o)
		} else {
			families = append(families, []*ObjectReport{o})
		}
	}
	slices.SortStableFunc(families, func(a, b []*ObjectReport) int {
		return worse(slices.MinFunc(a, worse), slices.MinFunc(b, worse))
	})
	return slices.Concat(families...)
}

// isNodeGroup says whether the target is one.
func (o *ObjectReport) isNodeGroup() bool {
	return o.object.Target.Kind == journal.ScalableNodeGroup || o.Policy != nil && o.Policy.Target.Kind == journal.ScalableNodeGroup
}

// isOn says whether pods of the object can run on the nodes of a group.
func (o *ObjectReport) isOn(group *ObjectReport) bool {
	return slices.Contains(o.object.Groups, group.Object.Namespace+"/"+group.Target)
}

// listed names a target in the list of all: what carries it, or what it carries.
func (r *Report) listed(o *ObjectReport) string {
	if !o.isNodeGroup() {
		return o.Label
	}
	var carried []string
	for _, other := range r.ranked() {
		if other.isOn(o) {
			carried = append(carried, other.Label)
		}
	}
	switch n := len(carried); {
	case n == 0:
		return o.Label + " (nodes)"
	case n > 2:
		return fmt.Sprintf("%s (nodes of %s and %s more)", o.Label, carried[0], group(int64(n-1)))
	}
	return o.Label + " (nodes of " + list(carried) + ")"
}

// objectTable lists the targets of the primary column, worst first; nil where there
// is only one. Those with a section of their own are links.
func (r *Report) objectTable() *tableView {
	c := &r.Columns[r.primary]
	if len(c.Objects) < 2 {
		return nil
	}
	t := &tableView{Titles: r.figureTitles()}
	for i, o := range r.ranked() {
		if i == maxObjects {
			t.Note = fmt.Sprintf("%s more stand in %s.", group(int64(len(c.Objects)-i)), JSONFile)
			break
		}
		row := rowView{Name: r.listed(o), Primary: o == r.focus()}
		if i < maxDrawn {
			row.Link = targetID(i)
		}
		for _, f := range tableFigures(r) {
			row.Cells = append(row.Cells, r.objectCell(r.primary, o, f.metric))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func targetID(i int) string { return fmt.Sprintf("target-%d", i+1) }

// objectCell is a figure of an object of a column as tables show it.
func (r *Report) objectCell(column int, o *ObjectReport, metric string) string {
	v := o.Figures.Get(metric)
	if !math.IsNaN(v) && metric != "reversals" && o.score.saturated > 0 && r.Columns[column].Name != Recorded {
		return "≥ " + number(v)
	}
	return number(v)
}

// columnTable is an object in every column that has it.
func (r *Report) columnTable(o *ObjectReport) *tableView {
	t := &tableView{Titles: r.figureTitles()}
	for i := range r.Columns {
		other := r.Columns[i].object(o.Object)
		if other == nil {
			continue
		}
		row := rowView{Name: r.Columns[i].Name, Primary: i == r.primary && len(r.Columns) > 1, Reference: r.Run.Columns[i].Reference}
		for _, f := range tableFigures(r) {
			row.Cells = append(row.Cells, r.objectCell(i, other, f.metric))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// targetViews are the sections of the targets, worst first, whose charts the
// exploration takes; none where there is only one target.
func (r *Report) targetViews(e *exploration) ([]targetView, error) {
	ranked := r.ranked()
	if len(ranked) < 2 {
		return nil, nil
	}
	var views []targetView
	for i, o := range ranked[:min(len(ranked), maxDrawn)] {
		v := targetView{
			ID: targetID(i), Name: r.listed(o), Sentence: r.verdict(o, true), Columns: r.columnTable(o), Key: o.key(),
			Episodes: r.episodeViews(o), Causes: r.causeTable(o), Fixes: r.fixTable(o),
		}
		if o != r.focus() {
			f := r.figure(o)
			var err error
			if v.Figure, err = r.figureView(f, o); err != nil {
				return nil, err
			}
			v.Figure.Chart = e.add(f, o.Label, "Replicas of "+o.Label, maxTargetChanges)
			e.decide(r.Runs, o.Label)
		}
		views = append(views, v)
	}
	return views, nil
}
