package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

func TestJournalNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{
		"run/decisions.jsonl", "run/variants/calm/decisions.jsonl", "run/report.json", "run/series.om.gz",
		"live/decisions-20260105T080000Z-pod-1_a-0001.jsonl.gz", "live/decisions-20260105T090000Z-pod-1_a-0002.jsonl", "live/.compressing-1",
		"call/b/decisions.jsonl", "call/a/decisions.jsonl", "call/report.json",
		"rotated/decisions.jsonl", "rotated/decisions.jsonl.1", "rotated/decisions.jsonl.2.gz", "rotated/decisions.jsonl-20260105",
	} {
		write(t, path, "")
	}
	for _, c := range []struct {
		reason, path string
		want         []string
	}{
		{"a file is itself, whatever its name", "run/report.json", []string{"run/report.json"}},
		{"a run's own journal, not its variants'", "run", []string{"run/decisions.jsonl"}},
		{"the live journal", "live", []string{"live/decisions-20260105T080000Z-pod-1_a-0001.jsonl.gz", "live/decisions-20260105T090000Z-pod-1_a-0002.jsonl"}},
		{"all runs of a call", "call/", []string{"call/a/decisions.jsonl", "call/b/decisions.jsonl"}},
		{"what log rotation leaves", "rotated", []string{"rotated/decisions.jsonl", "rotated/decisions.jsonl-20260105", "rotated/decisions.jsonl.1", "rotated/decisions.jsonl.2.gz"}},
	} {
		got, err := journalNames(c.path)
		if err != nil || strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: got %v, %v; want %v", c.reason, got, err, c.want)
		}
	}
}

// TestJournalCompressedMeanwhile holds that a journal which is rotated away
// between the listing and the reading is still read.
func TestJournalCompressedMeanwhile(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "d/x.jsonl", "a\n")
	listed, err := (&app{}).journals([]string{"d"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("d/x.jsonl"); err != nil {
		t.Fatal(err)
	}
	write(t, "d/x.jsonl.gz", zipped(t, "a\n"))
	var text []byte
	if err := listed[0].read(func(r io.Reader) (err error) {
		text, err = io.ReadAll(r)
		return err
	}); err != nil || string(text) != "a\n" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestJournalsThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "bad.gz", "\x1f\x8bnonsense, and more of it")
	whole := zipped(t, strings.Repeat("x", 100_000))
	write(t, "broken.gz", whole[:40]+"\xff\xff\xff\xff"+whole[44:])
	for _, c := range []struct{ reason, path, want string }{
		{"gzip's magic without gzip", "bad.gz", "bad.gz: gzip: invalid header"},
		{"gzip that breaks off in the middle", "broken.gz", "broken.gz"},
		{"an empty argument", "", "no such file or directory"},
	} {
		for _, command := range []string{"verify", "explain", "compare"} {
			got := call(t, "", command, c.path)
			if got.code != exitInvalid || !strings.Contains(got.stderr, c.want) && !strings.Contains(got.stderr, "neither a file nor an object") {
				t.Errorf("%s %s: code %d, stderr %q", command, c.reason, got.code, got.stderr)
			}
		}
	}
}
