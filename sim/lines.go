package sim

import (
	"slices"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// Lines keep the decisions of a run, and what came of them, in memory: what a
// journal would give whoever reads it once, without the cost of writing and reading
// it. They have no digests and no states, so that nothing can be verified by them.
type Lines struct {
	lines []journal.Line
	// policies are the digests of the last policies, whose body stands in the first
	// record of each, as in a journal.
	policies map[journal.Object]string
}

// Record implements cycle.Journal.
func (l *Lines) Record(record *journal.Record) {
	kept := *record
	kept.Metrics = slices.Clone(record.Metrics)
	kept.Observed, kept.Value = slices.Clone(record.Observed), slices.Clone(record.Value)
	kept.StateBody = ""
	if l.policies == nil {
		l.policies = map[journal.Object]string{}
	}
	if l.policies[kept.Object] == kept.Policy {
		kept.PolicyBody = ""
	}
	l.policies[kept.Object] = kept.Policy
	l.lines = append(l.lines, journal.Line{Record: &kept})
}

// Outcome implements cycle.Journal; of those, a simulation keeps what went wrong.
func (l *Lines) Outcome(outcome *journal.Outcome) {
	if outcome.Result != applied {
		kept := *outcome
		l.lines = append(l.lines, journal.Line{Outcome: &kept})
	}
}

// Each yields the lines in order, and stops at the first error.
func (l *Lines) Each(yield func(*journal.Line) error) error {
	for i := range l.lines {
		if err := yield(&l.lines[i]); err != nil {
			return err
		}
	}
	return nil
}
