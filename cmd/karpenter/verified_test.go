package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A damaged journal is neither explained nor compared, nor shown anew: exit code 1
// with the line, and nothing is overwritten.
func TestDamagedJournals(t *testing.T) {
	text := played(t)
	lines := strings.SplitAfter(text, "\n")
	forged := append([]string{}, lines...)
	forged[121] = resealed(forged[121], `"desired":9`, `"desired":8`)
	cases := map[string]struct {
		reason, text string
		want         string
		report       string // what only a report can know, empty where it is want
		shown        bool   // whether explain and compare take it, as of a killed process
	}{
		"Changed":  {"a changed byte", strings.Replace(text, `"desired":9`, `"desired":8`, 1), "decisions.jsonl:122: the line was changed", "", false},
		"Forged":   {"a line with a digest of its own", strings.Join(forged, ""), "decisions.jsonl:122: default/HorizontalAutoscaler/web at 2026-01-05T08:10:00Z: decided again, the record differs", "decisions.jsonl:122: decided again, the record differs", false},
		"Invented": {"a line lost and the next one invented", afterGap(lines, 121, `"desired":10`, `"desired":1`), "decided again, the record differs", "", false},
		"Swapped":  {"lines out of order", swapped(text), "decisions.jsonl:2: slot 2026-01-05T08:00:00Z follows slot", "", false},
		"Short":    {"cut off between two lines", strings.Join(lines[:300], ""), "", "decisions.jsonl: not the whole journal of the run: 300 records up to 2026-01-05T08:24:50Z of a run to 2026-01-05T09:00:00Z", true},
		"Torn":     {"cut off in a line", text[:len(text)-20], "", "not the whole journal of the run: 719 records", true},
		"Lost":     {"a line lost", strings.Join(append(lines[:99:99], lines[100:]...), ""), "", "not the whole journal of the run: 719 records", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			write(t, spikeJournal, c.text)
			defer write(t, spikeJournal, text)
			before := tree(t, "out")
			report := c.report
			if report == "" {
				report = c.want
			}
			for _, args := range [][]string{
				{"report", "out"}, {"report", "out/queue-spike"}, {"report", "out", "--from", "08:10", "--to", "08:20"},
				{"simulate", "spike.yaml", "--baseline", "out", "--out", "other"},
			} {
				call(t, "", args...).want(t, exitFailed, report)
			}
			code := exitFailed
			if c.shown {
				code = exitOK
			}
			call(t, "", "explain", "out", "ha/web").want(t, code, c.want)
			call(t, "", "explain", "out", "ha/api", "--at", "08:05").want(t, code, c.want)
			call(t, "", "compare", "out", "ha/web").want(t, code, c.want)
			if diff := cmp.Diff(before, tree(t, "out")); diff != "" {
				t.Errorf("%s: overwritten (-before +after):\n%s", c.reason, diff)
			}
			if _, err := os.Stat("other"); err == nil {
				t.Errorf("%s: a call that compares with it has run", c.reason)
			}
		})
	}
}

// Names in what is read lead nowhere outside of it.
func TestReportStaysInside(t *testing.T) {
	played(t)
	write(t, "theirs/report.json", read(t, "out/queue-spike/report.json"))
	write(t, "theirs/report.html", "mine")
	write(t, "theirs/decisions.jsonl", read(t, spikeJournal))
	whole, run := read(t, "out/report.json"), read(t, "out/queue-spike/report.json")
	for name, c := range map[string]struct{ file, old, changed, want string }{
		"Run":      {"out/report.json", `"name": "queue-spike"`, `"name": "../theirs"`, `out/report.json: "../theirs" is no name of a scenario`},
		"Absolute": {"out/report.json", `"name": "queue-spike"`, `"name": "/theirs"`, `"/theirs" is no name of a scenario`},
		"Journal":  {"out/queue-spike/report.json", `"file": "decisions.jsonl"`, `"file": "../../theirs/decisions.jsonl"`, `"../../theirs/decisions.jsonl" is no file of the run's directory`},
	} {
		t.Run(name, func(t *testing.T) {
			text := read(t, c.file)
			if !strings.Contains(text, c.old) {
				t.Fatalf("%s lacks %s", c.file, c.old)
			}
			write(t, c.file, strings.Replace(text, c.old, c.changed, 1))
			defer write(t, c.file, text)
			call(t, "", "report", "out").refused(t, c.want)
		})
	}
	t.Run("Links", func(t *testing.T) {
		if err := os.Remove(spikeJournal); err != nil {
			t.Fatal(err)
		}
		target, err := filepath.Abs("theirs/decisions.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, spikeJournal); err != nil {
			t.Fatal(err)
		}
		call(t, "", "report", "out").refused(t, "path escapes from parent")
		if err := os.Rename("out/queue-spike", "moved"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../theirs", "out/queue-spike"); err != nil {
			t.Fatal(err)
		}
		call(t, "", "report", "out").refused(t, "out/queue-spike: no directory")
	})
	if got := read(t, "theirs/report.html"); got != "mine" || read(t, "out/report.json") != whole || read(t, "moved/report.json") != run {
		t.Error("something was written")
	}
}
