package main

import (
	"strings"
	"testing"
)

// Of several candidates each is a line, the worst first and told in full, and only
// those that breach for longer than what ran fail.
func TestCompareMany(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "many.yaml", surge("many", surgeAutoscaler("live", false, 40), surgeAutoscaler("slow", true, 1), surgeAutoscaler("same", true, 40)))
	call(t, "", "simulate", "many.yaml", "--out", "out").want(t, exitOK, "")
	c := call(t, "", "compare", "out/many", "-o", "table", "--fail-on", "breach")
	c.want(t, exitFailed, "default/HorizontalAutoscaler/slow: alone, it lacked capacity for ")
	if strings.Contains(c.stderr, "HorizontalAutoscaler/same: alone") {
		t.Errorf("same is no worse than what ran:\n%s", c.stderr)
	}
	lines := strings.Split(c.stdout, "\n")
	for i, want := range []string{"OBJECT", "default/HorizontalAutoscaler/slow  breaches", "default/HorizontalAutoscaler/same  holds", "default/HorizontalAutoscaler/live  acts"} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], want)
		}
	}
	if n := strings.Count(c.stdout, "Worst divergences"); n != 1 {
		t.Errorf("%d told in full, want the one that breaches", n)
	}
	call(t, "", "compare", "out/many", "ha/same", "--fail-on", "breach").want(t, exitOK, "")
	call(t, "", "compare", "out/many", "--fail-on", "cost").refused(t, "--fail-on cost: want breach")

	// One that cannot be compared is a line, and fails what is to hold.
	journal := read(t, "out/many/decisions.jsonl")
	var kept []string
	for _, line := range strings.SplitAfter(journal, "\n") {
		if !strings.Contains(line, `"name":"slow"`) || strings.Contains(line, `"slot":"2026-01-05T08:00:00Z"`) {
			kept = append(kept, line)
		}
	}
	write(t, "journals/decisions.jsonl", strings.Join(kept, ""))
	c = call(t, "", "compare", "journals", "--fail-on", "breach")
	c.want(t, exitFailed, "slow: it cannot be compared: no decision is followed by a slot")
	if !strings.Contains(c.stdout, "default/HorizontalAutoscaler/slow  unjudged") {
		t.Errorf("the row is missing in\n%s", c.stdout)
	}
}
