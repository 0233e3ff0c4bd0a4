package sim

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// loadText loads a scenario from a file that holds text.
func loadText(t testing.TB, text string) *scenario.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := scenario.Load(path, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// playText plays the scenario of a text and returns its result and journal.
func playText(t testing.TB, text string) (*Result, string) {
	t.Helper()
	in, autoscalers := openFile(t, loadText(t, text))
	var decisions bytes.Buffer
	result, err := in.Play(context.Background(), autoscalers, Options{Journal: &decisions, Fidelity: true})
	if err != nil {
		t.Fatal(err)
	}
	return result, decisions.String()
}

// desired are the desired counts of a journal, in its order, with the lines
// that have none as "-".
func lines(journal string) []string { return strings.Split(strings.TrimSpace(journal), "\n") }
