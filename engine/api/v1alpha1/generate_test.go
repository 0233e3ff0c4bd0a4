package v1alpha1

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGeneratedFilesAreCurrent runs the generator that doc.go names and
// compares its output with the committed files. It takes the generator from
// the module cache only, so that testing needs no network.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	generator := regexp.MustCompile(`go:generate go run (\S+)`).FindSubmatch(doc)
	if generator == nil {
		t.Fatal("doc.go names no generator")
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Skipf("go is needed to run the generator: %v", err)
	}
	proxy := "file://" + filepath.ToSlash(strings.TrimSpace(string(cache))) + "/cache/download"
	run := func(args ...string) ([]byte, error) {
		command := exec.Command("go", append([]string{"run", string(generator[1])}, args...)...)
		command.Env = append(os.Environ(), "GOPROXY="+proxy, "GOSUMDB=off")
		return command.CombinedOutput()
	}
	if output, err := run("--version"); err != nil {
		t.Skipf("%s is not in the module cache; go generate fetches it: %v\n%s", generator[1], err, output)
	}
	fresh := t.TempDir()
	if output, err := run("object", "crd", "paths=.", "output:object:dir="+fresh, "output:crd:dir="+fresh); err != nil {
		t.Fatalf("%s: %v\n%s", generator[1], err, output)
	}
	committed := append(glob(t, "crds/*.yaml"), "zz_generated.deepcopy.go")
	if got, want := len(glob(t, filepath.Join(fresh, "*"))), len(committed); got != want {
		t.Errorf("the generator wrote %d files, %d are committed", got, want)
	}
	for _, path := range committed {
		got, err := os.ReadFile(filepath.Join(fresh, filepath.Base(path)))
		if err != nil {
			t.Errorf("%s is committed, but no longer generated: %v", path, err)
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not current; run go generate: -committed, +generated:\n%s", path, diff)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
