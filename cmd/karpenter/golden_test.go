package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A changed policy is told by the digest, and where it first shows by the summary.
func TestGoldenNamesTheFirstChange(t *testing.T) {
	source := testdata(t, "spike.yaml")
	t.Chdir(t.TempDir())
	spike := strings.Replace(read(t, source), "  expect:\n", "  expect:\n    - {name: as before, decisions: {digest: \"\"}}\n", 1)
	write(t, "s.yaml", spike)
	call(t, "", "simulate", "s.yaml", "--update", "--out", "out").want(t, exitOK, "")
	call(t, "", "simulate", "s.yaml", "--out", "out").want(t, exitOK, "")
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

func TestFirstChange(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "s.golden.md", "# s\n"+goldenHead+"a\nb"+goldenTail)
	write(t, "old.golden.md", "# of a time without decisions\n")
	for _, c := range []struct {
		reason, path string
		decisions    []string
		want         string
	}{
		{"the same", "s.yaml", []string{"a", "b"}, ""},
		{"another one", "s.yaml", []string{"a", "c"}, "first change: c; it was: b; "},
		{"one fewer", "s.yaml", []string{"a"}, "first missing: b; "},
		{"one more", "s.yaml", []string{"a", "b", "c"}, "first added: c; "},
		{"a summary without them", "old.yaml", []string{"a"}, ""},
		{"no summary", "none.yaml", []string{"a"}, ""},
	} {
		if diff := cmp.Diff(c.want, firstChange(c.path, c.decisions)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}
