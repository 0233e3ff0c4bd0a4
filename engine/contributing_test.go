package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestContributing holds that the files and directories that the contributors' guide
// names are there.
func TestContributing(t *testing.T) {
	text, err := os.ReadFile("../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:engine|sim|providers|scenarios|reports|cmd|\\.ci)/[\\w./-]*)`").FindAllSubmatch(text, -1)
	if len(named) < 15 {
		t.Fatalf("only %d paths were found", len(named))
	}
	for _, n := range named {
		path := string(n[1])
		if filepath.Ext(filepath.Dir(path)) == "" && regexp.MustCompile(`\.[A-Z]\w*$`).MatchString(path) {
			path = path[:len(path)-len(filepath.Ext(path))] // a package and a name of it
		}
		if _, err := os.Stat(filepath.Join("..", path)); err != nil && path != "scenarios/NAME.yaml" {
			t.Errorf("CONTRIBUTING.md names %s: %v", n[1], err)
		}
	}
}
