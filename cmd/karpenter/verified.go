package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/reports"
)

// readVerified decides every record of a journal again before anything is made of
// it, and calls visit with each line. A damaged journal ends with exit code 1.
func readVerified(file *journalFile, visit func(*journal.Line) error) error {
	err := file.read(func(r io.Reader) error {
		_, err := journal.VerifyEach(r, file.name, visit)
		return err
	})
	var differs *journal.Difference
	if !errors.As(err, &differs) {
		return err
	}
	if differs.Err != nil && differs.Line == 1 && !hasRecord(file) {
		return fmt.Errorf("%s:1: %w", file.name, differs.Err) // another kind of file
	}
	if differs.Err != nil {
		return failed("%s:%d: %w", file.name, differs.Line, differs.Err)
	}
	return failed("%s:%d: %s; karpenter verify shows the difference", file.name, differs.Line, newDifference(differs).message())
}

// readRun reads the run of a directory back and verifies its journals.
func readRun(dir string) (*reports.Run, error) {
	run, err := reports.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	for _, c := range run.Columns {
		if c.Name == reports.Current && c.File == "" {
			return nil, fmt.Errorf("%s: it was written without a journal, so that nothing can be verified or rendered again; run it again with --journal full or gzip", dir)
		}
	}
	var damaged *reports.DamagedError
	if err := reports.Verify(run); errors.As(err, &damaged) {
		return nil, &statusError{exitFailed, err}
	} else if err != nil {
		return nil, err
	}
	return run, nil
}
