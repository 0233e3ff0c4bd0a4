package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/simtoreal"
)

// inProcess runs command lines of a test.
func inProcess(t *testing.T) simtoreal.Karpenter {
	return func(arguments ...string) (string, error) {
		got := call(t, "", arguments...)
		if got.code != exitOK {
			return "", fmt.Errorf("karpenter %q: exit code %d\n%s", arguments, got.code, got.stderr)
		}
		return got.stdout, nil
	}
}

// recorded is a directory of what make sim-to-real recorded.
func recorded(t *testing.T, parts ...string) string {
	return testdata(t, append([]string{"..", "..", "..", "scenarios", "recordings", "simtoreal", "testdata"}, parts...)...)
}

// TestDecisionsAgainstARealControlPlane holds what the live controller and the real
// HPA controller decided against replays and closed loops: every slot, every change
// within one slot and one replica, and, at the HPA's own instants, the HPA's decisions.
func TestDecisionsAgainstARealControlPlane(t *testing.T) {
	for _, want := range []simtoreal.Decisions{
		{Name: "limited", Slots: 40, Equal: 40, Changes: 34, Close: 34, Apart: 4, ApartSeconds: 53, Ticks: 40, Alike: 40},
		{Name: "older", Slots: 40, Equal: 40, Changes: 12, Close: 12, Apart: 14, ApartSeconds: 120, Ticks: 40, Alike: 40},
		{Name: "total", Slots: 40, Equal: 40, Changes: 32, Close: 32, Apart: 10, ApartSeconds: 294, Ticks: 41, Alike: 41},
		// The ready pods that the HPA counts and those that the last scrape saw differ
		// while pods start.
		{Name: "value", Slots: 40, Equal: 40, Changes: 34, Close: 34, Apart: 18, ApartSeconds: 76, Ticks: 40, Alike: 37, Residual: 2},
	} {
		got, err := simtoreal.CompareDecisions(recorded(t, "decisions", want.Name), t.TempDir(), inProcess(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, diff)
		}
		call(t, "", "verify", filepath.Join(recorded(t, "decisions", want.Name), simtoreal.JournalFile)).want(t, exitOK, "")
	}
}

// TestPredictionsAgainstARealService asks the recordings of a service, at which
// requests really arrived, under each of six policies what the other five would have
// done, and compares with what they did: the order of every two policies that differ by
// more than two runs of the same one, and the figures.
func TestPredictionsAgainstARealService(t *testing.T) {
	summaries, err := simtoreal.Predictions(recorded(t), t.TempDir(), inProcess(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(summaries) != 1 {
		t.Fatalf("%d kinds of services, want one", len(summaries))
	}
	s := summaries[0]
	if s.Pairs != 60 || s.Abstained != 0 {
		t.Errorf("%d of %d pairs are not ranked, want none of 60", s.Abstained, s.Pairs)
	}
	if s.Elsewhere == 0 || s.Elsewhere > 30 {
		t.Errorf("%d pairs began at other counts, want some, and at most half", s.Elsewhere)
	}
	for name, r := range map[string]simtoreal.Ranking{"missing replica-hours": s.Lack, "breach minutes": s.Breach, "replica-hours": s.Hours} {
		if r.Differ < 25 || float64(r.Right) < 0.95*float64(r.Differ) {
			t.Errorf("%s: %d of %d pairs that differ are in their true order", name, r.Right, r.Differ)
		}
	}
	if s.Breach.Error > 0.1 || s.Hours.Error > 0.01 {
		t.Errorf("predictions are off by %.2f breach minutes and %.3f replica-hours in the median", s.Breach.Error, s.Hours.Error)
	}
}
