package main

import (
	"slices"
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

func TestFirstChange(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "s.golden.md", "# s\n"+goldenHead+"a\nb"+goldenTail)
	write(t, "windows.golden.md", strings.ReplaceAll("# s\n"+goldenHead+"a\nb"+goldenTail, "\n", "\r\n"))
	write(t, "empty.golden.md", "# s\n"+goldenHead+goldenTail)
	long := slices.Repeat([]string{"a"}, maxGoldenLines)
	write(t, "long.golden.md", "# s\n"+goldenHead+strings.Join(append(long, "and 7 more"), "\n")+goldenTail)
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
		{"line ends that git converted", "windows.yaml", []string{"a", "c"}, "first change: c; it was: b; "},
		{"nothing was decided", "empty.yaml", nil, ""},
		{"nothing was decided before", "empty.yaml", []string{"a"}, "first added: a; "},
		{"what is not listed is no decision", "long.yaml", append(slices.Clone(long), "and 8 more"), "the first 1000 lines are the same; "},
		{"and neither is its end", "long.yaml", long, "the first 1000 lines are the same; "},
		{"a summary without them", "old.yaml", []string{"a"}, ""},
		{"no summary", "none.yaml", []string{"a"}, ""},
	} {
		if diff := cmp.Diff(c.want, firstChange(c.path, c.decisions)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}
