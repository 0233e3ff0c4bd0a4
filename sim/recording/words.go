package recording

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// quoted quotes what somebody else wrote and keeps it short.
func quoted(s string) string {
	if len(s) > 60 {
		s = s[:60] + "..."
	}
	return strconv.Quote(s)
}

// listed quotes names for a message, the first of them.
func listed(names []string) string {
	quotedNames := make([]string, 0, min(len(names), limit.Listed))
	for _, name := range names[:min(len(names), limit.Listed)] {
		quotedNames = append(quotedNames, quoted(name))
	}
	list := strings.Join(quotedNames, ", ")
	if more := len(names) - limit.Listed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// joined lists texts for a message, the first of them.
func joined(texts []string) string {
	list := strings.Join(texts[:min(len(texts), limit.Listed)], ", ")
	if more := len(texts) - limit.Listed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// NearestListed lists those of many names that are most like another, the first of
// them first, and how many more there are.
func NearestListed(name string, names []string) string {
	return joined(nearest(name, names))
}

// nearest sorts names by how many of their letters a name shares at the start and
// the end, so that the first of many are of use.
func nearest(name string, names []string) []string {
	if len(names) <= limit.Listed {
		return names
	}
	out := slices.Clone(names)
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(shared(name, b), shared(name, a)) })
	return out
}

// shared counts the letters at the start and the end that two names share.
func shared(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	m := 0
	for m < min(len(a), len(b))-n && a[len(a)-1-m] == b[len(b)-1-m] {
		m++
	}
	return n + m
}

// cure names what settles a question: a field of the recording in a scenario file,
// or a flag.
func (s Spec) cure(field, flag string) string {
	if s.InScenario {
		return field
	}
	return flag
}

func (s Spec) cureSeries(column string) string {
	if s.InScenario {
		return fmt.Sprintf("series: {%q: 'NAME{label=\"value\"}'}", column)
	}
	return fmt.Sprintf("--series '%s=NAME{label=\"value\"}'", column)
}
