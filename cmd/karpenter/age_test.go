package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/sim/recording"
)

func TestNoteAge(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	info := func(path string, days int) recording.Info {
		return recording.Info{Path: path, Last: now.AddDate(0, 0, -days).UnixMilli()}
	}
	var stderr bytes.Buffer
	(&app{stderr: &stderr}).noteAge(now, info("old", 45), info("new", 29), info("old", 45))
	if want := "old ends 45 days ago: load may be another by now; record again\n"; stderr.String() != want {
		t.Errorf("%q, want %q", stderr.String(), want)
	}
}
