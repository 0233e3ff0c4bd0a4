package runs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
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
