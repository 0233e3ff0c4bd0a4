package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/convert"
)

// What a scenario that is written has to keep, so that simulating it gives the
// same report.
const (
	// commandAnnotation is the command line that it was written by.
	commandAnnotation = "simulation.karpenter.sh/command"
	// zoneAnnotation is the time zone that its report is shown in.
	zoneAnnotation = "simulation.karpenter.sh/tz"
	// notesAnnotation is what conversions of its manifests changed or lost, a
	// line each: the manifests are written as they were converted.
	notesAnnotation = "simulation.karpenter.sh/notes"
)

// annotated is a scenario's annotations with another value.
func annotated(annotations map[string]string, key, value string) map[string]string {
	out := maps.Clone(annotations)
	if out == nil {
		out = map[string]string{}
	}
	out[key] = value
	return out
}

// withNotes is a scenario's annotations with the notes of conversions that they
// do not have yet.
func withNotes(annotations map[string]string, notes []convert.Note) map[string]string {
	lines := notesOf(annotations)
	before := len(lines)
	for _, n := range notes {
		if line := n.String(); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == before {
		return annotations
	}
	return annotated(annotations, notesAnnotation, strings.Join(lines, "\n"))
}

// notesOf are the notes of conversions that a scenario keeps.
func notesOf(annotations map[string]string) []string {
	if annotations[notesAnnotation] == "" {
		return nil
	}
	return strings.Split(annotations[notesAnnotation], "\n")
}
