package scenario

import (
	"maps"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/convert"
)

// What a scenario that is written has to keep, so that simulating it gives the
// same report.
const (
	// CommandAnnotation is the command line that it was written by.
	CommandAnnotation = "simulation.karpenter.sh/command"
	// InitAnnotation is on the scenarios that init wrote and keeps up to date.
	InitAnnotation = "simulation.karpenter.sh/init"
	// ZoneAnnotation is the time zone that its report is shown in.
	ZoneAnnotation = "simulation.karpenter.sh/tz"
	// NotesAnnotation tells what conversions of its manifests changed or lost, a
	// line each: the manifests are written as they were converted.
	NotesAnnotation = "simulation.karpenter.sh/notes"
)

// Annotate sets an annotation in a copy of the annotations, which others may share.
func (m *Metadata) Annotate(key, value string) {
	annotations := maps.Clone(m.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	m.Annotations = annotations
}

// Notes returns the notes of conversions that the scenario keeps.
func (m *Metadata) Notes() []string {
	if m.Annotations[NotesAnnotation] == "" {
		return nil
	}
	return strings.Split(m.Annotations[NotesAnnotation], "\n")
}

// AddNotes keeps the notes of conversions that are not kept yet.
func (m *Metadata) AddNotes(notes []convert.Note) {
	lines := m.Notes()
	before := len(lines)
	for _, n := range notes {
		if line := n.String(); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) > before {
		m.Annotate(NotesAnnotation, strings.Join(lines, "\n"))
	}
}
