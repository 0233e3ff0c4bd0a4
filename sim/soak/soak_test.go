package soak

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var (
	seed = flag.Uint64("soak.seed", 1, "seed of the first case")
	runs = flag.Int("soak.runs", 50, "how many cases, each with the next seed")
	one  = flag.String("soak.file", "", "check this scenario file instead, as a finding was written")
	out  = flag.String("soak.out", "", "directory that a finding is written to, as a scenario file")
)

// TestSoak checks some cases in passing; make soak checks as many as it is told.
func TestSoak(t *testing.T) {
	if *one != "" {
		soakFile(t, *one)
		return
	}
	options := Options{Seed: *seed, Runs: *runs}
	if testing.Short() {
		options.Runs = min(options.Runs, 10)
	}
	if *runs > 1000 {
		options.Progress = func(n int) {
			if n%1000 == 0 {
				fmt.Printf("%d of %d cases hold\n", n, *runs)
			}
		}
	}
	found, err := Soak(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	if found != nil {
		report(t, found)
	}
}

// report fails the test with the scenario, and writes it where told.
func report(t *testing.T, f *Finding) {
	t.Helper()
	path := filepath.ToSlash(filepath.Join(*out, fmt.Sprintf("soak-%d.yaml", f.Seed)))
	text, err := f.Text(path)
	if err != nil {
		t.Fatal(err)
	}
	if *out != "" {
		at := fromRoot(path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("%v\nrepeat with: make soak SEED=%d RUNS=1\n\n%s", f, f.Seed, text)
}

// fromRoot is a path of who calls make: tests run in their package's directory.
func fromRoot(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join("..", "..", path)
}

func soakFile(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(fromRoot(path))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(path, text)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Check(context.Background(), c, Play)
	if err != nil {
		t.Fatal(err)
	}
	if found != nil {
		t.Error(found)
	}
}
