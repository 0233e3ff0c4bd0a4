package recording

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// maxGap is the longest time without a row or a recording that is taken for a
// gap. What is longer is a wrong time.
const maxGap = 366 * 24 * time.Hour

const wrongTime = "a gap of more than 366 days is taken for a wrong time: correct it, or replay the parts apart"

func days(ms int64) int64 { return ms / (24 * time.Hour).Milliseconds() }

// CheckGaps refuses a CSV that leaps over more than a year, and recordings with
// as much between them: who replays from the first sample to the last would
// decide for every slot of it.
func CheckGaps(recordings []*Recording) error {
	sorted := slices.SortedFunc(slices.Values(recordings), func(a, b *Recording) int { return cmp.Compare(a.info.First, b.info.First) })
	for i, next := range sorted {
		if next.jump != nil {
			return next.jump
		}
		if i == 0 {
			continue
		}
		last := slices.MaxFunc(sorted[:i], func(a, b *Recording) int { return cmp.Compare(a.info.Last, b.info.Last) })
		if gap := next.info.First - last.info.Last; gap > maxGap.Milliseconds() {
			return fmt.Errorf("%s begins at %s, %d days after %s ends; %s",
				next.info.Path, instant(next.info.First), days(gap), last.info.Path, wrongTime)
		}
	}
	return nil
}

// lastYear is the last year in which a sample can have been taken.
const lastYear = 2200

// notSeconds is the unit that a time, which was read as seconds and is given in
// Unix milliseconds, was more likely written in; empty for seconds.
func notSeconds(ms int64) string {
	const beyond = 7_258_118_400_000 // the end of lastYear
	switch {
	case -beyond < ms && ms < beyond:
		return ""
	case ms > 0 && ms < beyond*1_000:
		return "milliseconds"
	case ms > 0 && ms < beyond*1_000_000:
		return "microseconds"
	}
	return "nanoseconds"
}
