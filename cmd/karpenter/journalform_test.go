package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJournalForms writes one run in every form: the report is the same, and what
// reads journals takes those that are gzipped.
func TestJournalForms(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "s.yaml", surge("surge", surgeAutoscaler("live", false, 40), surgeAutoscaler("slow", true, 1)))
	verified := map[string]string{}
	for _, form := range []string{"full", "gzip", "none"} {
		call(t, "", "simulate", "s.yaml", "--journal", form, "--out", form).want(t, exitOK, "")
		file := filepath.Join(form, "surge", map[string]string{"full": "decisions.jsonl", "gzip": "decisions.jsonl.gz", "none": ""}[form])
		entries, err := os.ReadDir(filepath.Join(form, "surge"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "decisions") && filepath.Join(form, "surge", e.Name()) != file {
				t.Errorf("--journal %s: %s is there", form, e.Name())
			}
		}
		report := strings.ReplaceAll(read(t, filepath.Join(form, "surge", "report.json")), "decisions.jsonl.gz", "decisions.jsonl")
		if form == "none" {
			call(t, "", "verify", form).want(t, exitInvalid, "no journal")
			if r, full := told(t, "none/surge"), told(t, "full/surge"); r.Headline != full.Headline || r.figure(t, "current", "breach_minutes") != full.figure(t, "current", "breach_minutes") {
				t.Errorf("without a journal the report says %q, with one %q", r.Headline, full.Headline)
			}
			call(t, "", "report", form).want(t, exitInvalid, "none/surge: it was written without a journal")
			call(t, "", "simulate", "s.yaml", "--baseline", form, "--out", "based").want(t, exitInvalid, "it was written without a journal")
			continue
		}
		verified[form] = report
		call(t, "", "report", form).want(t, exitOK, "")
		call(t, "", "verify", file).want(t, exitOK, "")
		call(t, "", "explain", file, "ha/live", "--at", "08:30").want(t, exitOK, "")
		call(t, "", "compare", file, "ha/slow").want(t, exitOK, "")
		call(t, "", "simulate", "s.yaml", "--baseline", form, "--out", "based-on-"+form).want(t, exitOK, "")
	}
	if verified["gzip"] != verified["full"] {
		t.Error("the report of a gzipped journal differs")
	}
	call(t, "", "simulate", "s.yaml", "--journal", "zip", "--out", "other").want(t, exitInvalid, "want auto, full, gzip or none")
}
