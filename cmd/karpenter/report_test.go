package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim/output"
)

// files are the contents of a directory by their paths.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found[path] = read(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestReportAgain holds that rendering again changes no byte, and that it
// brings back what was lost.
func TestReportAgain(t *testing.T) {
	played(t)
	before := files(t, "out")
	for _, dir := range []string{"out", filepath.Join("out", "queue-spike")} {
		write(t, "out/queue-spike/report.html", "lost")
		got := call(t, "", "report", dir)
		got.want(t, exitOK, "")
		if !strings.HasPrefix(got.stdout, "out/queue-spike/report.html\n") {
			t.Errorf("report %s: stdout %q", dir, got.stdout)
		}
		after := files(t, "out")
		for path, text := range before {
			if after[path] != text {
				t.Errorf("report %s: %s has changed", dir, path)
			}
		}
		if len(after) != len(before) {
			t.Errorf("report %s: %d files, were %d", dir, len(after), len(before))
		}
	}
}

func TestReportZoom(t *testing.T) {
	played(t)
	before := files(t, "out")
	got := call(t, "", "report", "out", "--from", "09:10", "--to", "09:20", "--tz", "Europe/Berlin")
	got.want(t, exitOK, "")
	base := "out/queue-spike/zoom-20260105T081000Z-20260105T082000Z"
	if want := base + ".html\n" + base + ".md\n"; got.stdout != want {
		t.Errorf("stdout %q, want %q", got.stdout, want)
	}
	if page := read(t, base+".html"); !strings.Contains(page, "09:10") {
		t.Error("the page does not show the time in the zone that was asked for")
	}
	after := files(t, "out")
	for path, text := range before {
		if after[path] != text && filepath.Base(path) != output.Marker { // it lists the new pages
			t.Errorf("%s has changed", path)
		}
	}
}

func TestReportRefuses(t *testing.T) {
	played(t)
	write(t, "odd/report.json", "{")
	write(t, "half/report.json", `{"runs":[{"name":"gone"}]}`)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"Absent":   {[]string{"nope"}, "nope: no report.json in it; want the directory that simulate or replay wrote"},
		"Other":    {[]string{"."}, "no report.json in it"},
		"File":     {[]string{"out/report.json"}, "out/report.json: a file; want the directory that simulate or replay wrote"},
		"Nothing":  {nil, "nothing given: want the directory that simulate or replay wrote"},
		"Odd":      {[]string{"odd"}, "odd/report.json: unexpected end of JSON input"},
		"Half":     {[]string{"half"}, "half/gone: no report.json in it"},
		"Reversed": {[]string{"out", "--from", "08:30", "--to", "08:20"}, "is not before --to"},
		"Outside":  {[]string{"out", "--from", "2026-02-01", "--to", "2026-02-02"}, "run queue-spike: nothing between 2026-02-01T00:00:00Z and 2026-02-02T00:00:00Z; it covers"},
		"Zone":     {[]string{"out", "--tz", "Mars"}, "--tz Mars: unknown time zone"},
	} {
		t.Run(name, func(t *testing.T) { call(t, "", append([]string{"report"}, c.args...)...).refused(t, c.want) })
	}
}

func TestVersion(t *testing.T) {
	if got := call(t, "", "version"); got.code != exitOK || !strings.HasPrefix(got.stdout, "karpenter dev go1.") {
		t.Errorf("code %d, stdout %q", got.code, got.stdout)
	}
	if got := call(t, "", "version", "-o", "yaml"); !strings.HasPrefix(got.stdout, "version: dev\ngo: go1.") {
		t.Errorf("stdout %q", got.stdout)
	}
}

// A time of day that one of several runs has twice is not passed over.
func TestReportZoomRefusesAmbiguousTimes(t *testing.T) {
	source := read(t, testdata(t, "spike.yaml"))
	t.Chdir(t.TempDir())
	write(t, "in/one.yaml", source)
	write(t, "in/two.yaml", strings.Replace(strings.Replace(source, "name: queue-spike", "name: two", 1), "duration: 1h", "duration: 30h", 1))
	call(t, "", "simulate", "in", "--out", "out", "-q")
	call(t, "", "report", "out", "--from", "08:10", "--to", "08:20").refused(t, `run two: --from: "08:10" is ambiguous within the data; candidates: 2026-01-05 08:10, 2026-01-06 08:10`)
}
