package main

import (
	"time"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// oldRecording is the age from which on a recording is said to be old: load changes
// with seasons and releases.
const oldRecording = 30 * 24 * time.Hour

// noteAge says once of each recording that it is old.
func (a *app) noteAge(now time.Time, recordings ...recording.Info) {
	seen := map[string]bool{}
	for _, r := range recordings {
		age := now.Sub(time.UnixMilli(r.Last))
		if age < oldRecording || seen[r.Path] {
			continue
		}
		seen[r.Path] = true
		a.note("%s ends %d days ago: load may be another by now; record again", r.Path, int(age/(24*time.Hour)))
	}
}

// guarding are the recordings of the scenarios that init wrote, which guard what
// runs today.
func guarding(jobs []*runs.Job) []recording.Info {
	var list []recording.Info
	for _, j := range jobs {
		if j.File.Metadata.Annotations[scenario.InitAnnotation] != "" {
			list = append(list, j.Input.Recordings()...)
		}
	}
	return list
}
