package main

import (
	"strings"
	"testing"
)

// A changed policy is told by the digest, and where it first shows by the summary.
func TestGoldenNamesTheFirstChange(t *testing.T) {
	source := testdata(t, "spike.yaml")
	t.Chdir(t.TempDir())
	spike := strings.Replace(read(t, source), "  expect:\n", "  expect:\n    - {name: as before, decisions: {digest: \"\"}}\n", 1)
	write(t, "s.yaml", spike)
	call(t, "", "simulate", "s.yaml", "--update", "--out", "out").want(t, exitOK, "")
	call(t, "", "simulate", "s.yaml", "--out", "out").want(t, exitOK, "")
	write(t, "spaced.yaml", strings.Replace(spike, "{name: as before, decisions: {digest: \"\"}}", "name: as before\n      decisions:\n        digest: \"\" # by --update", 1))
	call(t, "", "simulate", "spaced.yaml", "--update", "--out", "out").want(t, exitOK, "")
	if text := read(t, "spaced.yaml"); !strings.Contains(text, "\" # by --update\n") {
		t.Errorf("the comment is one no more:\n%s", text)
	}
	golden := read(t, "s.golden.md")
	if !strings.Contains(golden, "\n2026-01-05T08:00:00Z  default/HorizontalAutoscaler/web  5  Unchanged  x") {
		t.Errorf("the summary has no decisions:\n%s", golden)
	}
	write(t, "s.yaml", strings.Replace(read(t, "s.yaml"), "maxReplicas: 20", "maxReplicas: 18", 1))
	changed := call(t, "", "simulate", "s.yaml", "--out", "out")
	changed.want(t, exitFailed, "first change: 2026-01-05T08:")
	if !strings.Contains(changed.stderr, "web 18 Bounded x131; it was: 2026-01-05T08:13:00Z default/HorizontalAutoscaler/web 20 Bounded x131; ") {
		t.Errorf("want both decisions in\n%s", changed.stderr)
	}
}
