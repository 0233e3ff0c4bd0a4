package main

import (
	"os/exec"
	"path/filepath"
	"testing"
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
