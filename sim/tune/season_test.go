package tune

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// seasonRecording is the recording of scenarios/season.yaml.
const seasonRecording = "../../scenarios/recordings/season.csv"

// requests is twelve days of requests, a value every five minutes, as a CSV. Every
// day they rise from 40 to 160 within 20 minutes and later from 80 to 140, with 5 %
// of noise. In rhythm that is at 9:00 and at 20:00; out of it every day is shifted
// by a number of hours of its own.
func requests(inRhythm bool) string {
	random := uint64(7)
	noise := func() float64 { // in [0, 1), the same on every machine
		random = random*6364136223846793005 + 1442695040888963407
		return float64(random>>11) / (1 << 53)
	}
	// A corner is a level at a minute of the day; between corners it is a line.
	corners := [][2]float64{{0, 40}, {540, 40}, {560, 160}, {1020, 160}, {1050, 80}, {1200, 80}, {1220, 140}, {1320, 140}, {1350, 40}, {1440, 40}}
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).Unix()
	var b strings.Builder
	b.WriteString("timestamp,requests\n")
	shift := 0
	for i := range 12 * 288 {
		if i%288 == 0 && !inRhythm {
			shift = int(24 * noise())
		}
		minute := float64((i%288*5 + 60*shift) % 1440)
		level := 0.0
		for k := 1; k < len(corners); k++ {
			if a, z := corners[k-1], corners[k]; minute >= a[0] && minute < z[0] {
				level = a[1] + (z[1]-a[1])*(minute-a[0])/(z[0]-a[0])
			}
		}
		fmt.Fprintf(&b, "%d,%.0f\n", start+int64(i)*300, level*(0.95+0.1*noise()))
	}
	return b.String()
}

// TestSeasonRecording keeps the recording what its rule says; UPDATE=1 writes it.
func TestSeasonRecording(t *testing.T) {
	want := []byte(requests(true))
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(seasonRecording, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(seasonRecording); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what its rule makes (%v); write it with UPDATE=1", seasonRecording, err)
	}
}

// seasonSearch searches as recordings/season.yaml is in season.yaml's world, over all
// twelve days.
func seasonSearch(t *testing.T, inRhythm bool) *Outcome {
	t.Helper()
	file := seasonFile(t, inRhythm)
	file.Spec.Prometheus.RuleFiles = nil
	set := file.Variants[0]
	s := search(t, Options{Sampler: Grid, Trials: 8, Folds: 2, Season: true, Subjects: []Subject{{Name: "season", Input: opened(t, file), Set: set}},
		Parameters: parameters(t, "spec.metrics[0].prometheus.target.value=6.5..9.5:1", "spec.behavior.scaleDown.stabilizationWindowSeconds=[600,1200]")})
	return finish(t, s, runAll(t, s))
}

// seasonFile is scenarios/season.yaml over all days of its recording, or of one that
// has no rhythm.
func seasonFile(t *testing.T, inRhythm bool) *scenario.File {
	t.Helper()
	file, err := scenario.Load("../../scenarios/season.yaml", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file.Spec.Expect = nil
	file.Spec.Duration = scenario.Duration(12 * 24 * time.Hour)
	if !inRhythm {
		file.Spec.Recordings[0].File = filepath.Join(t.TempDir(), "requests.csv")
		if err := os.WriteFile(file.Spec.Recordings[0].File, []byte(requests(false)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func opened(t *testing.T, file *scenario.File) *sim.Input {
	t.Helper()
	in, err := sim.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	in.Precompute()
	return in
}

// decisions are what was decided, and on which values.
func decisions(t *testing.T, in *sim.Input, autoscalers []sim.Autoscaler) []string {
	t.Helper()
	var out []string
	_, err := in.Play(context.Background(), autoscalers, sim.Options{Decisions: func(r *journal.Record) {
		line := fmt.Sprintf("%s %d %s", r.Slot, r.Desired, r.Reason)
		for _, m := range r.Metrics {
			line += fmt.Sprintf(" %s=%v", m.Query, m.Value)
		}
		out = append(out, line)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSeason: with a daily rhythm and a long start-up the season beats what is
// tuned as freely without it, and the same margin at all times; without a rhythm it
// is not recommended.
func TestSeason(t *testing.T) {
	t.Run("Rhythm", func(t *testing.T) {
		t.Parallel()
		o := seasonSearch(t, true)
		if !o.SeasonWon || o.Verdict != Recommend || o.Metric() != Seasonal {
			t.Fatalf("verdict %s, metric %q: %s", o.Verdict, o.Metric(), strings.Join(o.Why, "\n"))
		}
		playedAsWritten(t, o)
	})
	t.Run("NoRhythm", func(t *testing.T) {
		t.Parallel()
		o := seasonSearch(t, false)
		if o.SeasonWon || o.Metric() == Seasonal || len(o.SeasonWhy) == 0 {
			t.Errorf("the season is recommended: %s", strings.Join(o.Why, "\n"))
		}
	})
}

// playedAsWritten: scenarios/season.yaml has the rules and the policy that are
// written for the choice, and played with them, rule by rule, it decides as the choice
// was predicted to. UPDATE=1 writes the rules.
func playedAsWritten(t *testing.T, o *Outcome) {
	const rulesFile = "../../scenarios/rules/season.yaml"
	rules, err := o.SeasonRules()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(rulesFile, rules, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(rulesFile); err != nil || !bytes.Equal(text, rules) {
		t.Errorf("%s is not what is written (%v); write it with UPDATE=1\n%s", rulesFile, err, cmp.Diff(string(text), string(rules)))
	}
	file := seasonFile(t, true)
	set, predicted, err := o.space.candidate(&o.Subjects[0], o.Choice)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(set.Autoscalers[0].Object.Spec, file.Manifests.Autoscalers[0].Object.Spec); diff != "" {
		t.Errorf("the policy of %s is not the one that is recommended (-recommended +scenario):\n%s", file.Path, diff)
	}
	best, err := o.Best()
	if err != nil || !bytes.Contains(best, []byte(`max(web:demand:season{namespace="default"})`)) {
		t.Errorf("best.yaml (%v) has no season:\n%s", err, best)
	}
	autoscalers, err := sim.Resolve(file.Manifests, "")
	if err != nil {
		t.Fatal(err)
	}
	want, got := decisions(t, o.Subjects[0].Input, predicted), decisions(t, opened(t, file), autoscalers)
	if len(want) != 12*288 {
		t.Errorf("%d decisions in twelve days", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-predicted +played as written):\n%s", diff)
	}
}

// TestSeasonRefuses: what cannot have a season is refused before anything is played.
func TestSeasonRefuses(t *testing.T) {
	cases := map[string]struct{ reason, text, want string }{
		"Short":  {"a week and a day are needed", demandScenario("3h", waves(720, 160, "")), "--season needs 8 days or more recorded, of which 7 are looked back over; waves has 0.1"},
		"Shares": {"utilization depends on the replicas", strings.NewReplacer("duration: 3h", "duration: 9d", "pollingIntervalSeconds: 15", "pollingIntervalSeconds: 300", "type: AverageValue", "type: Value").Replace(demandScenario("3h", waves(720, 160, ""))), "--season needs a metric of type AverageValue"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := New(context.Background(), Options{Sampler: Random, Trials: 4, Folds: 1, Season: true, Subjects: []Subject{subject(t, c.text)}, Parameters: usual(t)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.reason, err, c.want)
			}
		})
	}
}
