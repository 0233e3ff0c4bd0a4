package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTutorial carries out the calls of the tutorial, in order and in one
// directory, and compares what they print; UPDATE=1 writes it.
func TestTutorial(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"hpa.yaml", "metrics.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(read(t, filepath.Join("tutorial", name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if calls := carryOut(t, "tutorial.md", dir); calls < 5 {
		t.Errorf("the tutorial has %d calls", calls)
	}
}

// TestPages does the same with pages whose calls read the scenarios.
func TestPages(t *testing.T) {
	for file, want := range map[string]int{filepath.Join(repository, "README.md"): 2, "howto/season.md": 3, "howto/tune.md": 2} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			scenarios, err := filepath.Abs(filepath.Join(repository, "scenarios"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(scenarios, filepath.Join(dir, "scenarios")); err != nil {
				t.Fatal(err)
			}
			if calls := carryOut(t, file, dir); calls != want {
				t.Errorf("%s has %d calls with their output, want %d", file, calls, want)
			}
		})
	}
}

// carryOut runs the shell blocks of a page whose output follows, compares the two,
// and returns how many there are.
func carryOut(t *testing.T, file, dir string) (calls int) {
	t.Helper()
	binaries := built(t)
	page := read(t, file)
	blocks := regexp.MustCompile("```sh\n([^`]*)\n```\n\n```text\n([^`]*)```\n")
	want := blocks.ReplaceAllStringFunc(page, func(block string) string {
		calls++
		script := blocks.FindStringSubmatch(block)[1]
		return "```sh\n" + script + "\n```\n\n```text\n" + shell(t, dir, binaries, script) + "```\n"
	})
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return calls
	}
	if diff := cmp.Diff(page, want); diff != "" {
		t.Errorf("%s is out of date; write it with UPDATE=1 go test ./cmd/docs -run '%s'\n%s", filepath.Base(file), t.Name(), diff)
	}
	return calls
}

// built returns a directory with the program, built once for all tests.
func built(t *testing.T) string {
	t.Helper()
	dir, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "karpenter-docs-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir, "./cmd/karpenter")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := program(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// shell runs a block as a reader would, and returns what it prints on stdout.
func shell(t *testing.T, dir, binaries, script string) string {
	t.Helper()
	call := exec.Command("bash", "-euo", "pipefail", "-c", script)
	call.Dir = dir
	call.Env = append(os.Environ(), "PATH="+binaries+string(os.PathListSeparator)+os.Getenv("PATH"), "NO_COLOR=1")
	var stdout, stderr bytes.Buffer
	call.Stdout, call.Stderr = &stdout, &stderr
	if err := call.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}
