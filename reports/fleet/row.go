package fleet

import (
	"fmt"
	"math"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Result says what a row shows of a change.
type Result string

// The results, worst first.
const (
	// Failed: a guard does not hold.
	Failed Result = "failed"
	// Unjudged: whether the guards hold cannot be told.
	Unjudged Result = "unjudged"
	// Uncompared: there is nothing before or nothing after.
	Uncompared Result = "uncompared"
	// Passed: all guards hold.
	Passed Result = "passed"
)

var worstFirst = []Result{Failed, Unjudged, Uncompared, Passed}

// An Action says what a change does with an autoscaler.
type Action string

// The actions.
const (
	Changed Action = "changed"
	Added   Action = "added"
	Removed Action = "removed"
)

// Head is the column of the policy after the change; the one before is
// reports.Current. Of what is added, reports.Current is the policy after.
const Head = result.Head

// A Row holds what a change does to one target.
type Row struct {
	// Object names the autoscaler: shop/hpa/web; several with commas.
	Object string `json:"object"`
	Action Action `json:"action"`
	Result Result `json:"result"`
	// Reason says why the change is unjudged or uncompared.
	Reason string `json:"reason,omitempty"`
	// Yardstick says what a breach means; empty where nothing was measured.
	Yardstick result.Kind `json:"yardstick,omitempty"`
	// Before and After are the figures of Columns that are known.
	Before reports.Figures `json:"before,omitempty"`
	After  reports.Figures `json:"after,omitempty"`
	Guards []Guard         `json:"guards,omitempty"`
	// CausesGone had a share in the breach before and have none after, CausesNew the
	// other way round.
	CausesGone []Cause `json:"causesGone,omitempty"`
	CausesNew  []Cause `json:"causesNew,omitempty"`
	// Differences are the first stretches in which other counts are decided.
	Differences []Difference `json:"differences,omitempty"`
	// Notes say what the figures leave out, a sentence each.
	Notes []string `json:"notes,omitempty"`
	// Run is the directory of the run's report, empty without one.
	Run string `json:"run,omitempty"`
	// File and Line are where the object is written.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// A Cause is a cause of breach and its minutes.
type Cause struct {
	Cause   reports.Cause `json:"cause"`
	Minutes float64       `json:"minutes"`
}

// columns are the figures of a row.
var columns = []string{"breach_minutes", "breach_episodes", "replica_hours", "cost", "reversals", "largest_replicas", "held_minutes"}

func figuresOf(c *reports.ColumnReport) reports.Figures {
	f := reports.Figures{}
	for _, name := range columns {
		if v := c.Figures.Get(name); !math.IsNaN(v) {
			f[name] = v
		}
	}
	return f
}

// Fill takes the figures of a row from the report on its run, and compares them.
func (row *Row) Fill(r *reports.Report) error {
	row.Yardstick = kindOf(r)
	current := r.Column(reports.Current)
	switch row.Action {
	case Added:
		row.After = figuresOf(current)
		row.Result, row.Reason = Uncompared, "new: there is nothing to compare it with"
		return nil
	case Removed:
		row.Before = figuresOf(current)
		row.Result, row.Reason = Uncompared, "gone: nothing scales its target any more"
		return nil
	}
	head := r.Column(Head)
	row.Before, row.After = figuresOf(current), figuresOf(head)
	row.CausesGone, row.CausesNew = causes(current.Causes, head.Causes), causes(head.Causes, current.Causes)
	var err error
	row.Differences, err = differences(r)
	if held := head.Figures.Get("held_minutes"); held > current.Figures.Get("held_minutes") {
		row.Notes = append(row.Notes, fmt.Sprintf("The new policy had no metric, target or valid policy to go by for %s min.", reports.Number(held)))
	}
	switch why := r.Unranked(); {
	case why != "":
		row.Result, row.Reason = Unjudged, why
	case math.IsNaN(row.Before.Get("breach_minutes")) || math.IsNaN(row.After.Get("breach_minutes")):
		row.Result, row.Reason = Unjudged, "what was needed is not known: nothing tells the demand; give it with --demand and --capacity"
	}
	return err
}

// kindOf is that of the yardsticks of a report; a world with a demand of its own is
// one of capacity.
func kindOf(r *reports.Report) result.Kind {
	for _, c := range r.Run.Columns {
		for _, o := range c.Objects {
			for _, y := range o.Yardsticks {
				if y.Kind == result.Target {
					return result.Target
				}
			}
		}
	}
	return result.Capacity
}

// causes returns the causes of the one that the other has not, longest first.
func causes(of, without []reports.CauseTime) []Cause {
	other := map[reports.Cause]bool{}
	for _, b := range without {
		other[b.Cause] = true
	}
	var list []Cause
	at := map[reports.Cause]int{}
	for _, b := range of {
		if other[b.Cause] || b.Seconds == 0 {
			continue
		}
		i, ok := at[b.Cause]
		if !ok {
			i = len(list)
			at[b.Cause], list = i, append(list, Cause{Cause: b.Cause})
		}
		list[i].Minutes += float64(b.Seconds) / 60
	}
	return list
}
