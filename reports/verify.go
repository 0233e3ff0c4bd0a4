package reports

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A DamagedError says that a journal is not the one that a run wrote.
type DamagedError struct{ Err error }

func (e *DamagedError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong with the journal.
func (e *DamagedError) Unwrap() error { return e.Err }

// Verify decides every record again in the journals of a run that ReadRun read, and
// holds them against the digests of the report: a journal that was changed, or that
// is cut short, is a *DamagedError.
func Verify(run *Run) error {
	for i := range run.Columns {
		c := &run.Columns[i]
		if c.Open == nil {
			continue
		}
		if err := verifyColumn(c, run.End); err != nil {
			return err
		}
	}
	return nil
}

func verifyColumn(c *Column, end int64) (err error) {
	file, err := c.Open()
	if err != nil {
		return err
	}
	text, err := result.Unzip(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	golden, last := journal.NewGoldenDigest(), slot.Slot(0)
	found, err := journal.VerifyEach(text, file.Name(), func(l *journal.Line) error {
		if l.Record != nil {
			golden.Add(l.Record)
			last = max(last, l.Record.Slot)
		}
		return nil
	})
	var differs *journal.Difference
	switch {
	case errors.As(err, &differs) && differs.Err == nil:
		return &DamagedError{fmt.Errorf("%s:%d: decided again, the record differs; karpenter verify shows how", file.Name(), differs.Line)}
	case errors.As(err, &differs):
		return &DamagedError{fmt.Errorf("%w; run it again", err)}
	case err != nil:
		return err
	case golden.String() != c.Digest:
		return &DamagedError{fmt.Errorf("%s: not the whole journal of the run: %d records up to %s of a run to %s, and their digest is not the report's; run it again",
			file.Name(), found.Records, last, time.Unix(end, 0).UTC().Format(time.RFC3339))}
	}
	return nil
}

// A journalOf opens the journal of a column; nothing outside the run's directory is
// reached, whatever its name and links say.
func journalOf(dir, name string) func() (*os.File, error) {
	return func() (*os.File, error) { return os.OpenInRoot(dir, name) }
}
