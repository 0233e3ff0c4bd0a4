package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCorpusIsDeterministic plays every scenario twice, the second time under
// GOMAXPROCS=1, in another time zone and with shuffled documents: not a byte of
// any file may differ.
func TestCorpusIsDeterministic(t *testing.T) {
	binary := build(t)
	command := exec.Command(binary, "simulate", filepath.Join("..", "..", "scenarios"), "--check-determinism", "--quiet", "--out", filepath.Join(t.TempDir(), "out"))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestCorpusGoldens compares the summaries beside scenarios, which people read,
// with those of today.
func TestCorpusGoldens(t *testing.T) {
	goldens, err := filepath.Glob(filepath.Join("..", "..", "scenarios", "*.golden.md"))
	if err != nil || len(goldens) == 0 {
		t.Fatalf("%v: %d goldens", err, len(goldens))
	}
	texts := map[string][2]string{}
	for _, golden := range goldens {
		scenario := strings.TrimSuffix(golden, ".golden.md") + ".yaml"
		texts[filepath.Base(scenario)] = [2]string{read(t, scenario), read(t, golden)}
	}
	t.Chdir(t.TempDir())
	for name, text := range texts {
		path := filepath.Join("scenarios", name)
		write(t, path, text[0])
		call(t, "", "simulate", path, "--update", "--out", "out").want(t, exitOK, "")
		if diff := cmp.Diff(text[1], read(t, goldenOf(path))); diff != "" {
			t.Errorf("simulate scenarios/%s --update was not called, -committed +today:\n%s", name, diff)
		}
	}
}
