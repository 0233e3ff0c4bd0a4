package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTutorial carries out the calls of the tutorial, in order and in one
// directory, and compares what they print; UPDATE=1 writes it.
func TestTutorial(t *testing.T) {
	dir := t.TempDir()
	binaries := t.TempDir()
	build := exec.Command("go", "build", "-o", binaries, "./cmd/karpenter")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"hpa.yaml", "metrics.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(read(t, filepath.Join("tutorial", name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page := read(t, "tutorial.md")
	var want strings.Builder
	calls := 0
	for rest := page; ; {
		before, block, found := strings.Cut(rest, "\n```sh\n")
		want.WriteString(before)
		if !found {
			break
		}
		script, after, _ := strings.Cut(block, "\n```\n")
		want.WriteString("\n```sh\n" + script + "\n```\n")
		calls++
		output := shell(t, dir, binaries, script)
		_, after, shown := strings.Cut(after, "\n```text\n")
		if !shown {
			t.Fatalf("the output of %q is not shown", script)
		}
		if _, after, shown = strings.Cut("\n"+after, "\n```\n"); !shown {
			t.Fatalf("the output of %q does not end", script)
		}
		want.WriteString("\n```text\n" + output + "```\n")
		rest = after
	}
	if calls < 5 {
		t.Errorf("the tutorial has %d calls", calls)
	}
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile("tutorial.md", []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, want.String()); diff != "" {
		t.Errorf("tutorial.md is out of date; write it with UPDATE=1 go test ./cmd/docs -run TestTutorial\n%s", diff)
	}
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
