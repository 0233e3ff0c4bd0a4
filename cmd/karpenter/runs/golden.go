package runs

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/reports"
)

// Golden returns the path of the summary beside a scenario file.
func Golden(path string) string { return strings.TrimSuffix(path, ".yaml") + ".golden.md" }

// maxGoldenLines bounds what a summary lists of decisions.
const maxGoldenLines = 1000

// goldenDecisions lists what the golden digest covers, equal decisions in a row of
// one object together, so that a change of the digest can be read in a diff.
func goldenDecisions(read func(func(*journal.Line) error) error) ([]string, error) {
	type decisions struct {
		first  slot.Slot
		object journal.Object
		what   string
		slots  int
	}
	var all []*decisions
	latest := map[journal.Object]*decisions{}
	err := read(func(l *journal.Line) error {
		r := l.Record
		if r == nil {
			return nil
		}
		what := "-  " + string(r.Reason)
		if r.Known {
			what = fmt.Sprintf("%d  %s", r.Desired, r.Reason)
		}
		d := latest[r.Object]
		if d == nil || d.what != what {
			d = &decisions{first: r.Slot, object: r.Object, what: what}
			latest[r.Object], all = d, append(all, d)
		}
		d.slots++
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *decisions) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.object.String(), b.object.String()))
	})
	var lines []string
	for i, d := range all {
		if i == maxGoldenLines {
			lines = append(lines, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("%s  %s  %s  x%d", d.first, d.object, d.what, d.slots))
	}
	return lines, nil
}

const (
	goldenHead = "\n<details><summary>Decisions</summary>\n\n```\n"
	goldenTail = "\n```\n\n</details>\n"
)

// GoldenText returns the summary beside a scenario file.
func GoldenText(report *reports.Report, decisions []string) string {
	return report.Markdown() + goldenHead + strings.Join(decisions, "\n") + goldenTail
}

// firstChange says, in front of another clause, where decisions first differ from
// those of the summary beside a scenario; empty where that has none.
func firstChange(path string, decisions []string) string {
	text, err := os.ReadFile(Golden(path))
	if err != nil {
		return ""
	}
	// Git on Windows may have converted it.
	_, list, found := strings.Cut(strings.ReplaceAll(string(text), "\r\n", "\n"), goldenHead)
	list, _, ended := strings.Cut(list, goldenTail)
	if !found || !ended {
		return ""
	}
	var before []string
	if list != "" {
		before = strings.Split(list, "\n")
	}
	for i := range max(len(before), len(decisions)) {
		switch {
		case i < len(before) && i < len(decisions) && before[i] == decisions[i]:
			continue
		case i == maxGoldenLines:
			return fmt.Sprintf("the first %d lines are the same; ", i)
		case i >= len(decisions):
			return fmt.Sprintf("first missing: %s; ", before[i])
		case i >= len(before):
			return fmt.Sprintf("first added: %s; ", decisions[i])
		}
		return fmt.Sprintf("first change: %s; it was: %s; ", decisions[i], before[i])
	}
	return ""
}
