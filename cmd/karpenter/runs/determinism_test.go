package runs

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestCompareTrees(t *testing.T) {
	cases := map[string]struct {
		reason        string
		first, second map[string]string
		want          string
	}{
		"Same":   {"nothing to say", map[string]string{"a/b": "1\n"}, map[string]string{"a/b": "1\n"}, ""},
		"Line":   {"the first line that differs", map[string]string{"a/b": "1\n2\n"}, map[string]string{"a/b": "1\n3\n"}, "a/b:2 differs from run to run\n  first:  \"2\"\n  second: \"3\""},
		"Length": {"one that goes on", map[string]string{"a": "1"}, map[string]string{"a": "1\n2"}, "a differs from run to run in its length: 1 and 3 bytes"},
		"First":  {"a file that is missing", map[string]string{"a": "", "b": ""}, map[string]string{"a": ""}, "b: only the first run wrote it"},
		"Second": {"a file too many", map[string]string{"a": ""}, map[string]string{"a": "", "b/c": ""}, "b/c: only the second run wrote it"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for tree, files := range map[string]map[string]string{"first": c.first, "second": c.second} {
				for path, text := range files {
					write(t, filepath.Join(tree, path), text)
				}
			}
			err := CompareTrees("first", "second")
			difference := (*Difference)(nil)
			switch {
			case c.want == "":
				if err != nil {
					t.Errorf("%s: %v", c.reason, err)
				}
			case !errors.As(err, &difference) || err.Error() != c.want:
				t.Errorf("%s: %v, want a Difference: %q", c.reason, err, c.want)
			}
		})
	}
}
