package engine_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// evasive matches a comment that says what a name stands for without naming it.
var evasive = regexp.MustCompile(`^\s*// (?:An? )?(\w+) (?:is|are) (?:those|what)\b`)

// TestComments keeps comments in the form of the standard library, which says what a
// thing is or does: not "names are those of the pods", but "names has the names of the
// pods", or what a function returns.
func TestComments(t *testing.T) {
	for _, room := range []string{"engine", "sim", "providers", "reports", "scenarios", "cmd"} {
		err := fs.WalkDir(os.DirFS(".."), room, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(os.DirFS(".."), name)
			if err != nil {
				return err
			}
			lines := strings.Split(string(text), "\n")
			for i, line := range lines {
				m := evasive.FindStringSubmatch(line)
				// Only where a comment begins, and what it is about follows.
				if m == nil || i > 0 && strings.HasPrefix(strings.TrimSpace(lines[i-1]), "//") || !declares(lines[i+1:], m[1]) {
					continue
				}
				t.Errorf("%s:%d: say what %s is, has or returns: %s", name, i+1, m[1], strings.TrimSpace(line))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// declares reports whether the first line after a comment has a name.
func declares(lines []string, name string) bool {
	for _, line := range lines {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "//") {
			return regexp.MustCompile(`\b` + name + `\b`).MatchString(line)
		}
	}
	return false
}
