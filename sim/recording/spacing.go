package recording

import (
	"slices"
	"time"
)

// spacings counts the distances between consecutive samples of a series. It
// keeps at most distinctSpacings different ones: beyond that it coarsens, so
// that memory stays bounded on irregular data.
type spacings struct {
	counts     map[int64]int64
	resolution int64
	// The newest distance and its run, since most data is regular.
	run, runLength int64
}

const distinctSpacings = 4096

// add counts one distance in milliseconds.
func (s *spacings) add(ms int64) {
	if ms == s.run {
		s.runLength++
		return
	}
	s.endRun()
	s.run, s.runLength = ms, 1
}

func (s *spacings) endRun() {
	if s.runLength == 0 {
		return
	}
	if s.counts == nil {
		s.counts, s.resolution = map[int64]int64{}, 1
	}
	s.counts[s.run-s.run%s.resolution] += s.runLength
	s.runLength = 0
	for len(s.counts) > distinctSpacings {
		s.coarsen()
	}
}

func (s *spacings) coarsen() {
	s.resolution *= 2
	coarse := make(map[int64]int64, len(s.counts)/2)
	for ms, n := range s.counts {
		coarse[ms-ms%s.resolution] += n
	}
	s.counts = coarse
}

// median is 0 when no series has two samples. Of an even number it is the
// lower of the middle two.
func (s *spacings) median() time.Duration {
	s.endRun()
	var total int64
	distances := make([]int64, 0, len(s.counts))
	for ms, n := range s.counts {
		distances = append(distances, ms)
		total += n
	}
	slices.Sort(distances)
	var seen int64
	for _, ms := range distances {
		seen += s.counts[ms]
		if 2*seen >= total {
			return time.Duration(ms) * time.Millisecond
		}
	}
	return 0
}
