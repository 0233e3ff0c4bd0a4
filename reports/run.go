package reports

import (
	"fmt"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// What a report is made of is data that a run leaves behind.
type (
	Run         = result.Run
	Column      = result.Column
	Object      = result.Object
	Steps       = result.Steps
	Billing     = result.Billing
	Fault       = result.Fault
	Expectation = result.Expectation
	Excerpt     = result.Excerpt
	Fidelity    = result.Fidelity
)

// Names of columns with a meaning of their own. Every other column is a variant.
const (
	Recorded = result.Recorded
	Current  = result.Current
	Baseline = result.Baseline
)

// SetBaseline adds the primary column of another run of the same demand to a run
// as the column baseline, in place of a former one. file is where its journal stands
// below this run's directory, so that ReadRun finds it again.
func SetBaseline(run, base *Run, file string) error {
	if err := base.Check(); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	column := base.Columns[primaryColumn(base)]
	column.Name, column.File = Baseline, file
	for i := range run.Columns {
		if run.Columns[i].Name == Baseline {
			run.Columns[i] = column
			return nil
		}
	}
	at := len(run.Columns)
	for at > 0 && run.Columns[at-1].Reference {
		at--
	}
	run.Columns = slices.Insert(run.Columns, at, column)
	return nil
}

// Zoom is the run narrowed to [from, to), as far as it covers it. What was
// judged over the whole run keeps its result, and what Zoom's report stores is
// still the whole run.
func Zoom(run *Run, from, to int64) (*Run, error) {
	narrow := *run
	narrow.Start, narrow.End = max(run.Start, from), min(run.End, to)
	if narrow.Start >= narrow.End {
		return nil, fmt.Errorf("run %s: nothing between %s and %s; it covers %s to %s", run.Name,
			rfc3339(from), rfc3339(to), rfc3339(run.Start), rfc3339(run.End))
	}
	whole := run.Covers()
	narrow.Whole = &whole
	return &narrow, nil
}

func locationOf(run *Run) *time.Location {
	if run.Location == nil {
		return time.UTC
	}
	return run.Location
}

func rfc3339(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }
