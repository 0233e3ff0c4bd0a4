package cycle

import (
	"maps"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// pause reads what annotations hold back at a slot.
func (m *autoscalerMemory) pause(s slot.Slot) {
	annotations := m.annotations
	m.later = ""
	if until, over := m.until(s); over && m.setLater(until) {
		annotations = maps.Clone(annotations)
		delete(annotations, v1alpha1.PausedUntilAnnotation)
		m.later = setAfter(until)
	}
	pause, err := autoscaler.PauseAt(annotations, s)
	m.unread = ""
	if err != nil {
		m.unread = err.Error()
	}
	m.in.Pause, m.record.Paused = pause, pause
}

// until is the time at which annotations end pauses, and whether that is over.
func (m *autoscalerMemory) until(s slot.Slot) (text string, over bool) {
	text, ends := m.annotations[v1alpha1.PausedUntilAnnotation]
	if !ends {
		return "", false
	}
	only, err := autoscaler.PauseAt(map[string]string{v1alpha1.PausedUntilAnnotation: text}, s)
	return text, err == nil && only == autoscaler.Pause{}
}

// setLater says whether what pauses was set after a time was over that ended the
// pauses before it. The Paused condition remembers which those were.
func (m *autoscalerMemory) setLater(until string) bool {
	set, published := autoscaler.PausesOf(m.annotations), &m.published
	if set == "" {
		return false
	}
	return strings.HasSuffix(published.paused, setAfter(until)) ||
		strings.HasPrefix(published.over, isOver(until)) && published.over != ended(until, set)
}

// pauseOver says that the time is over until which annotations paused, or is empty.
func (m *autoscalerMemory) pauseOver() string {
	until, ends := m.annotations[v1alpha1.PausedUntilAnnotation]
	if !ends || m.later != "" || m.in.Pause != (autoscaler.Pause{}) {
		return ""
	}
	return ended(until, autoscaler.PausesOf(m.annotations))
}

// The sentences about a time that is over, by which a later pause is told.
func isOver(until string) string { return v1alpha1.PausedUntilAnnotation + "=" + until + " is over" }

func setAfter(until string) string { return "; it was set after " + isOver(until) }

func ended(until, set string) string {
	if set == "" {
		return isOver(until) + ": no annotation pauses it"
	}
	return isOver(until) + " and has ended " + set + "; a pause that is changed or set from now on holds"
}
