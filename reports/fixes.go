package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// Lacks returns how long an object had fewer ready replicas than needed between
// two instants, the replica-seconds that were missing, and those asked for, as
// Compute adds them up.
func Lacks(o *Object, start, end int64) (seconds int64, missing, asked float64) {
	s := newScore()
	walk(start, end, []Steps{roundedUp(o.Needed), o.Ready, o.Spec}, func(from, to int64, v []float64) {
		s.supply(to-from, v[2], v[1])
		if !math.IsNaN(v[0]) && !math.IsNaN(v[1]) {
			s.compare(to-from, v[0], v[1])
		}
	})
	return s.lacking, s.under, s.asked
}

// Limits returns the limits that an object of the primary column ran into: those
// with at least one in a hundred of the time that it lacked capacity.
func (o *ObjectReport) Limits() []result.Limit {
	var seconds int64
	shares := map[result.Limit]int64{}
	for i := range o.Causes {
		seconds += o.Causes[i].Seconds
		if l := o.Causes[i].limit(); l != "" {
			shares[l] += o.Causes[i].Seconds
		}
	}
	var limits []result.Limit
	for _, l := range result.Limits() {
		if shares[l] > 0 && shares[l]*100 >= seconds {
			limits = append(limits, l)
		}
	}
	return limits
}

// limit returns what is lifted to find out what a cause cost; empty for none.
func (b *CauseTime) limit() result.Limit {
	switch b.Cause {
	case NotDecided:
		return result.MissedSlots
	case Bound:
		return result.MaxReplicas
	case Rate:
		return result.RatePolicies
	case Stabilization:
		return result.ScaleUpWindow
	case DryRun:
		return result.DryRun
	case Contested:
		return result.Rivals
	case NotCarriedOut:
		return result.Refusals
	case Disruption:
		return result.Disruption
	case NoNode:
		return result.Nodes
	case ScaledDown:
		return result.ScaleDownWindow
	case StartUp:
		return result.StartUp
	case ColdStart:
		return result.FirstReplicas
	case MissingData:
		return result.Metrics
	case Tolerance:
		return result.UpTolerance
	case Target:
		return result.MetricTarget
	case MetricLag:
		if b.Part == PollingInterval {
			return result.Polling
		}
		return result.Metrics
	}
	return ""
}

// Fixes returns the fixes that SetFixes added, or that the run came with.
func (o *ObjectReport) Fixes() []result.Fix { return o.object.Fixes }

// SetFixes adds what fixes would gain to an object of the primary column.
func (r *Report) SetFixes(o *ObjectReport, fixes []result.Fix) {
	objects := r.Run.Columns[r.primary].Objects
	for i := range objects {
		if objects[i].Journal == o.Object {
			objects[i].Fixes = fixes
		}
	}
	o.object.Fixes = fixes
	r.Headline = r.headline()
}

// FixPhrase names a fix as it is made alone.
func FixPhrase(f *result.Fix) string { return fixPhrase(f, f.Value) }

// fixPhrase names a fix, given what its limit becomes.
func fixPhrase(f *result.Fix, value float64) string {
	switch f.Limit {
	case result.MaxReplicas:
		return "maxReplicas " + number(value)
	case result.RatePolicies:
		return "no rate policy on scale-up"
	case result.ScaleUpWindow:
		return "a scale-up window of 0 s"
	case result.ScaleDownWindow:
		return "a scale-down window of " + span(int64(value))
	case result.MetricTarget:
		if value == 0 {
			return "lower targets"
		}
		return "a target of " + exact(value)
	case result.UpTolerance:
		return "no tolerance on scale-up"
	case result.Polling:
		return "a polling interval of " + span(int64(value))
	case result.Metrics:
		return "metrics without lag or gaps"
	case result.StartUp:
		return "replicas that are ready at once"
	case result.Nodes:
		return "a node for every pod"
	case result.FirstReplicas:
		return number(value) + " " + plural(int64(value), "replica") + " at the start"
	case result.DryRun:
		return "dryRun: false"
	case result.Rivals:
		return "one autoscaler on the target"
	case result.MissedSlots:
		return "a decision at every slot"
	case result.Refusals:
		return "changes that are carried out"
	case result.Disruption:
		return "no disruption"
	}
	return string(f.Limit)
}

// inTurn returns the fixes that have a turn, in order.
func inTurn(fixes []result.Fix) []*result.Fix {
	var list []*result.Fix
	for i := range fixes {
		if fixes[i].Turn > 0 {
			list = append(list, &fixes[i])
		}
	}
	slices.SortFunc(list, func(a, b *result.Fix) int { return a.Turn - b.Turn })
	return list
}

// turnPhrase names a fix as it is made in turn.
func turnPhrase(f *result.Fix) string {
	if f.Then != nil && f.Then.Value != 0 {
		return fixPhrase(f, f.Then.Value)
	}
	return fixPhrase(f, f.Value)
}

// gain ends a headline with what the best fix would have left; empty where none would
// have left less.
func (r *Report) gain(o *ObjectReport) string {
	if r.narrowed() || len(o.object.Fixes) == 0 {
		return ""
	}
	unit := unitOf(o.score.lacking)
	all := unit.count(apportion([]phraseShare{{seconds: o.score.lacking}}, unit)[0])
	left := func(l *result.Left) string {
		return fmt.Sprintf("%s of %s %s", unit.count((l.Seconds+int64(unit)/2)/int64(unit)), all, unit.name())
	}
	turns := inTurn(o.object.Fixes)
	var names []string
	for i, f := range turns {
		names = append(names, turnPhrase(f))
		switch {
		case (o.score.lacking-f.Then.Seconds)*100 < o.score.lacking: // not worth a word
		case i == 0:
			return fmt.Sprintf("; %s alone would have left %s", names[0], left(f.Then))
		default:
			return fmt.Sprintf("; nothing alone, but %s together would have left %s", list(names), left(f.Then))
		}
	}
	return ""
}

// list joins names as a sentence does.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// narrowed says whether the report shows a part of its run only.
func (r *Report) narrowed() bool {
	return r.Run.Covers() != (result.Interval{Start: r.Run.Start, End: r.Run.End})
}

// fixTable returns what the fixes of an object of the primary column would gain, best
// first; nil where there are none.
func (r *Report) fixTable(o *ObjectReport) *tableView {
	if r.narrowed() || len(o.object.Fixes) == 0 {
		return nil
	}
	unit := max(6, unitOf(o.score.lacking))
	count := func(seconds int64) string { return unit.count((seconds + int64(unit)/2) / int64(unit)) }
	t := &tableView{Titles: []string{"alone: minutes left", "replica-hours more", "in turn: minutes left", "replica-hours more"}}
	t.Note = fmt.Sprintf("Each fix was played over the whole run, first alone, then after those above it. The run lacked %s min.", count(o.score.lacking))
	for i := range o.object.Fixes {
		f := &o.object.Fixes[i]
		row := rowView{Name: fixPhrase(f, f.Value), Title: strings.Join(f.Set, ","), Cells: []string{count(f.Alone.Seconds), more(f.Alone.MoreHours)}}
		if f.Then == nil {
			row.Cells = append(row.Cells, "–", "–")
		} else {
			then := count(f.Then.Seconds)
			if f.Then.Value != 0 {
				then = turnPhrase(f) + ": " + then
			}
			row.Cells = append(row.Cells, then, more(f.Then.MoreHours))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// more shows a change of replica-hours.
func more(hours float64) string {
	text := signed(hours)
	if number(hours) == "0" || hours < 0.05 && hours > -0.05 {
		return "0"
	}
	return text
}
