package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// TestReplayBegins holds when a replay begins, and how long it decides dry before.
func TestReplayBegins(t *testing.T) {
	policy := func(query string) string { return strings.Replace(validHA, "sum(queue_length)", query, 1) }
	if policy("x") == validHA {
		t.Fatal("the manifest has another query")
	}
	for name, c := range map[string]struct{ reason, query, start, leadIn string }{
		"Plain":   {"without a range at the first sample", "sum(lag)", "2026-01-05T08:00:00Z", "0s"},
		"Offset":  {"an offset is covered", "sum(lag offset 1h)", "2026-01-05T09:00:00Z", "0s"},
		"Range":   {"so is a range", "max_over_time(lag[20m])", "2026-01-05T08:20:00Z", "0s"},
		"Both":    {"they add up", "max_over_time(lag[20m] offset 10m)", "2026-01-05T08:30:00Z", "0s"},
		"TooLong": {"what no part of the recording covers begins where it does", "avg_over_time(lag[5h])", "2026-01-05T08:00:00Z", "0s"},
	} {
		t.Run(name, func(t *testing.T) {
			initDir(t, map[string]string{"a.yaml": policy(c.query), "lag.om": samples("lag", 1767600000, 60, 180, "200") + "# EOF\n"})
			call(t, "", "replay", "-f", "a.yaml", "--recording", "lag.om", "--name", "run", "--out", "out").want(t, exitOK, "")
			start, leadIn := begun(t)
			if start != c.start || leadIn != c.leadIn {
				t.Errorf("%s: begins at %s, dry for %s before; want %s, %s", c.reason, start, leadIn, c.start, c.leadIn)
			}
			text, err := os.ReadFile("out/run/summary.md")
			if err != nil {
				t.Fatal(err)
			}
			if said := strings.Contains(string(text), "the run begins at "+c.start); said != (c.start != "2026-01-05T08:00:00Z") || strings.Contains(string(text), "could not be judged") && c.query != "avg_over_time(lag[5h])" {
				t.Errorf("%s: summary.md says why it begins then: %t\n%s", c.reason, said, text)
			}
		})
	}
}

// begun is when the scenario of out/run begins.
func begun(t *testing.T) (start, leadIn string) {
	t.Helper()
	f, err := scenario.Load("out/run/scenario.yaml", scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f.Spec.Start.Format(time.RFC3339), f.Spec.Replay.LeadIn.String()
}

// TestReplayOfRecord holds that a recording is replayed from the first decision
// that it was made for, with the windows filled by what it has from before; also
// one that does not say, as those of earlier versions.
func TestReplayOfRecord(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", validHA)
	server := liveServer(t, nil)
	call(t, "", "record", "--prometheus", server.URL, "-f", "a.yaml", "--from", "2026-01-05 08:00", "--to", "2026-01-05 09:00", "--out", "r").want(t, exitOK, "")
	for _, says := range []bool{true, false} {
		if !says {
			text, err := os.ReadFile("r/recording.json")
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			if m["start"] == nil {
				t.Fatal("recording.json has no start")
			}
			delete(m, "start")
			if text, err = json.Marshal(m); err != nil {
				t.Fatal(err)
			}
			write(t, "r/recording.json", string(text))
		}
		call(t, "", "replay", "-f", "a.yaml", "--recording", "r", "--name", "run", "--out", "out").want(t, exitOK, "")
		if start, leadIn := begun(t); start != "2026-01-05T08:00:00Z" || leadIn != "5m" {
			t.Errorf("recording.json has a start: %t: begins at %s, dry for %s before; want 08:00, 5m", says, start, leadIn)
		}
		first, err := os.ReadFile("out/run/decisions.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		if line, _, _ := strings.Cut(string(first), "\n"); !strings.Contains(line, `"slot":"2026-01-05T08:00:0`) || strings.Contains(line, `"dryRun"`) {
			t.Errorf("the journal begins with %.300s", line)
		}
	}
}
