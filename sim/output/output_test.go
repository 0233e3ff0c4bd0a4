package output

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write writes files below a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := writeAll(dir, files); err != nil {
		t.Fatal(err)
	}
}

func writeAll(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// tree is every file below a directory but the marker, and every empty directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		name, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || name == Marker || name == ".":
			return err
		case entry.IsDir():
			list, err := os.ReadDir(path)
			if len(list) == 0 {
				files[name+"/"] = ""
			}
			return err
		case entry.Type()&fs.ModeSymlink != 0:
			files[name], err = os.Readlink(path)
			return err
		}
		text, err := os.ReadFile(path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// put writes a set.
func put(dir string, options Options, files map[string]string) error {
	d, err := Open(dir, options)
	if err != nil {
		return err
	}
	if err := writeAll(d.Set(), files); err != nil {
		return errors.Join(err, d.Close())
	}
	return errors.Join(d.Commit(), d.Close())
}

func mustPut(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := put(dir, Options{Kind: Reports}, files); err != nil {
		t.Fatal(err)
	}
}

var (
	before = map[string]string{"index": "old", "a/page": "old", "a/gone": "old", "b/deep/gone": "old", "kind": "old"}
	after  = map[string]string{"index": "new", "a/page": "new", "a/added": "new", "c/deep/added": "new", "kind/now a directory": "new"}
)

func TestOutputReplacesTheSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "above", "out")
	for _, set := range []map[string]string{before, after, before} {
		mustPut(t, dir, set)
		if diff := cmp.Diff(set, tree(t, dir)); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	}
}

// What is not listed is refused and stays as it is.
func TestOutputRefusesWhatIsNotOurs(t *testing.T) {
	cases := map[string]struct {
		reason string
		ours   bool // whether a set is there first
		files  map[string]string
		link   string // name=target
		want   string
	}{
		"Repository":  {"a foreign report.json is no mark", false, map[string]string{".git/HEAD": "ref", "report.json": "{}", "thesis.txt": "x"}, "", "holds what karpenter did not write: .git/, report.json, thesis.txt; name a new or an empty directory; what karpenter wrote before"},
		"Unmarked":    {"anything is somebody's", false, map[string]string{"notes": "x"}, "", "holds what karpenter did not write: notes; name a new or an empty directory"},
		"Many":        {"a long list is cut", false, map[string]string{"1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "7": ""}, "", "1, 2, 3, 4, 5 and 2 more"},
		"Beside":      {"files beside ours are the user's", true, map[string]string{"notes": "x"}, "", "holds what karpenter did not write beside its own: notes"},
		"InOurs":      {"also in directories that hold ours", true, map[string]string{"a/notes": "x"}, "", "a/notes"},
		"Directory":   {"also directories", true, map[string]string{"mine/deep/notes": "x"}, "", "mine/"},
		"Edited":      {"a file of ours that was edited is the user's", true, map[string]string{"a/page": "edited"}, "", "changed since karpenter wrote it: a/page"},
		"Link":        {"nothing is written through links", true, nil, "b=/", "holds what karpenter did not write beside its own: b"},
		"Marker":      {"a file with the marker's name is no marker", false, map[string]string{Marker: "{}"}, "", Marker},
		"Escape":      {"a marker that names files elsewhere is none", false, map[string]string{Marker: `{"version":1,"kind":"Reports","state":"Complete","files":[{"path":"../x"}]}`}, "", Marker},
		"Staging":     {"a directory with the staging's name may be somebody's", false, map[string]string{staging + "/thesis": "x"}, "", staging},
		"Control":     {"names are quoted", false, map[string]string{"a\n::error::b": ""}, "", `"a\n::error::b"`},
		"Search":      {"work of another command is worth hours", true, map[string]string{".karpenter-search/units.jsonl": "x"}, "", "holds unfinished work of another command in .karpenter-search"},
		"StateBroken": {"a broken marker is none", false, map[string]string{Marker: `{"version":1,"kind":"Reports","state":"Other"}`}, "", Marker},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			if c.ours {
				mustPut(t, dir, before)
			}
			write(t, dir, c.files)
			if name, target, ok := strings.Cut(c.link, "="); ok {
				if err := errors.Join(os.RemoveAll(filepath.Join(dir, name)), os.Symlink(target, filepath.Join(dir, name))); err != nil {
					t.Fatal(err)
				}
			}
			had := tree(t, dir)
			err := put(dir, Options{Kind: Reports}, after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
			}
			if diff := cmp.Diff(had, tree(t, dir)); diff != "" {
				t.Errorf("%s: touched (-before +after):\n%s", c.reason, diff)
			}
		})
	}
}

func TestOutputKeepsKindsApart(t *testing.T) {
	for _, there := range []Kind{Recording, Journals} {
		dir := t.TempDir()
		if err := put(dir, Options{Kind: there}, before); err != nil {
			t.Fatal(err)
		}
		if err := put(dir, Options{Kind: Reports}, after); err == nil || !strings.Contains(err.Error(), "that karpenter wrote; name another directory") {
			t.Errorf("reports over %s: %v", there, err)
		}
		if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
			t.Errorf("touched:\n%s", diff)
		}
	}
	dir := t.TempDir()
	if err := put(dir, Options{Kind: Recording}, before); err != nil {
		t.Fatal(err)
	}
	if err := put(dir, Options{Kind: Recording}, after); err == nil || !strings.Contains(err.Error(), "recordings are not replaced") {
		t.Errorf("a recording over another: %v", err)
	}
}

// The directory is neither renamed nor removed: a link, and an open handle as a
// mount has one, still lead to it.
func TestOutputKeepsTheDirectory(t *testing.T) {
	base := t.TempDir()
	real, link := filepath.Join(base, "real"), filepath.Join(base, "link")
	if err := errors.Join(os.Mkdir(real, 0o755), os.Symlink("real", link)); err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(real)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []map[string]string{before, after} {
		mustPut(t, link, set)
		now, err := os.Lstat(real)
		if err != nil || !os.SameFile(first, now) {
			t.Errorf("another directory stands there: %v", err)
		}
		if target, err := os.Readlink(link); target != "real" {
			t.Errorf("the link is gone: %q, %v", target, err)
		}
		if diff := cmp.Diff(set, tree(t, real)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(base, "dangling")); err != nil {
		t.Fatal(err)
	}
	if err := Check(filepath.Join(base, "dangling"), Options{}); err == nil || !strings.Contains(err.Error(), "a symbolic link to nothing") {
		t.Errorf("dangling: %v", err)
	}
}

// A call that fails leaves nothing of its own.
func TestOutputLeavesNothingWhenNotCommitted(t *testing.T) {
	base := t.TempDir()
	d, err := Open(filepath.Join(base, "x", "y"), Options{Kind: Reports})
	if err != nil {
		t.Fatal(err)
	}
	write(t, d.Set(), after)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if got := tree(t, base); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

func TestOutputIsExclusive(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, Options{Kind: Reports})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := Open(dir, Options{Kind: Reports}); err == nil || !strings.Contains(err.Error(), "another process is writing there now") {
		t.Errorf("two at once: %v", err)
	}
}

// A file that somebody puts there during the run is not replaced.
func TestOutputSparesWhatCameMeanwhile(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, Options{Kind: Reports})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	write(t, d.Set(), after)
	write(t, dir, map[string]string{"index": "mine"})
	if err := d.Commit(); err == nil || !strings.Contains(err.Error(), "index came there meanwhile") {
		t.Errorf("commit: %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "index")); string(got) != "mine" {
		t.Errorf("got %q", got)
	}
}

func TestOutputAmends(t *testing.T) {
	dir := t.TempDir()
	mustPut(t, dir, before)
	if err := put(dir, Options{Kind: Reports, Amend: true}, amendment); err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(before)
	want["a/page"], want["a/zoom"] = "again", "new"
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	mustPut(t, dir, after) // what was added is ours as well
	if diff := cmp.Diff(after, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Scenarios stand beside what is there, replace nothing and are the user's at once.
func TestOutputHandsScenariosOver(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"README.md": "mine", "policies/ha.yaml": "mine"})
	if err := put(dir, Options{Kind: Scenarios}, map[string]string{"web.yaml": "new"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"README.md": "mine", "policies/ha.yaml": "mine", "web.yaml": "new"}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" || Marked(dir) {
		t.Errorf("marked %t, -want +got:\n%s", Marked(dir), diff)
	}
	if err := put(dir, Options{Kind: Scenarios}, map[string]string{"web.yaml": "newer"}); err == nil {
		t.Error("a scenario was replaced")
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Journals are listed before they are written, one at a time.
func TestOutputClaims(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, Options{Kind: Journals})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Claim("a.jsonl"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"a.jsonl": "1", "b.jsonl": "mine"})
	if err := d.Claim("b.jsonl"); err == nil {
		t.Error("a file of somebody else's was claimed")
	}
	if err := d.Claim("../c.jsonl"); err == nil {
		t.Error("a file elsewhere was claimed")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, "b.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := Check(dir, Options{Kind: Journals}); err != nil {
		t.Errorf("what was claimed is ours: %v", err)
	}
}

// A set without files makes the directory ours, and changes none that is.
func TestOutputClaimsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	for _, files := range [][]string{nil, {"a.jsonl"}, nil} {
		d, err := Open(dir, Options{Kind: Journals})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Claim(files...), d.Close()); err != nil {
			t.Fatal(err)
		}
		if !Marked(dir) {
			t.Fatalf("not ours after Claim(%q)", files)
		}
	}
	d, err := Open(dir, Options{Kind: Journals})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if !d.Lists("a.jsonl") {
		t.Error("the marker lost what it listed")
	}
}

func TestOutputRefusesWhatCannotBeWritten(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	mustPut(t, dir, before)
	for _, d := range []string{dir, filepath.Join(dir, "a")} {
		if err := os.Chmod(d, 0o555); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, Options{Kind: Reports})
		if err == nil || !strings.Contains(err.Error(), "cannot write") {
			t.Errorf("%s: %v", d, err)
		}
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOutputInputsInside(t *testing.T) {
	base := t.TempDir()
	write(t, base, map[string]string{"out/r.csv": "", "beside.csv": "", "out/sub/x": "", "outside/r.csv": ""})
	for link, target := range map[string]string{"to-file": "out/r.csv", "to-dir": "out/sub", "out/from": "../beside.csv", "same": "out"} {
		if err := os.Symlink(target, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		reason string
		inside bool
	}{
		"out/r.csv":     {"a file in it", true},
		"out":           {"itself", true},
		"out/sub":       {"a directory in it", true},
		"out/../out/x":  {"a file in it that is not there yet", true},
		"to-file":       {"a link to a file in it", true},
		"to-dir/x":      {"through a link to a directory in it", true},
		"out/from":      {"a link in it to a file elsewhere", true},
		"same/r.csv":    {"through another name of it", true},
		"beside.csv":    {"beside it", false},
		"outside/r.csv": {"a name with the same beginning", false},
		".":             {"what it lies in", false},
		"gone.csv":      {"others say that it is missing", false},
	}
	for path, c := range cases {
		for _, out := range []string{"out", "same"} {
			in, err := Inside(filepath.Join(base, out), Input{"--recording", filepath.Join(base, path)})
			if err != nil || (in != nil) != c.inside {
				t.Errorf("%s, %s in %s: %v, %v", c.reason, path, out, in, err)
			}
		}
	}
}

// killAt is the step at which the process of TestOutputKilled ends.
const killAt, killDir, killAmend = "KARPENTER_TEST_KILL_AT", "KARPENTER_TEST_KILL_DIR", "KARPENTER_TEST_KILL_AMEND"

// TestOutputKilledProcess is not a test: it is the process that TestOutputKilled starts.
func TestOutputKilledProcess(t *testing.T) {
	if os.Getenv(killAt) == "" {
		t.Skip("run by TestOutputKilled")
	}
	var at int
	if _, err := fmt.Sscan(os.Getenv(killAt), &at); err != nil {
		t.Fatal(err)
	}
	options := Options{Kind: Reports, step: func(string) {
		if at--; at == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}}
	set := after
	if os.Getenv(killAmend) != "" {
		options.Amend, set = true, amendment
	}
	if err := put(os.Getenv(killDir), options, set); err != nil {
		t.Fatal(err)
	}
}

// amendment is a page made again and one added.
var amendment = map[string]string{"a/page": "again", "a/zoom": "new"}

// A process is killed with kill -9 before each change that it makes: every file is
// the old one or the new one, readers refuse what is of both, and the next call
// leaves the new set and nothing else.
func TestOutputKilled(t *testing.T) {
	for name, first := range map[string]map[string]string{"Anew": nil, "Over": before} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				dir := filepath.Join(t.TempDir(), "out")
				if first != nil {
					mustPut(t, dir, first)
				}
				c := exec.Command(os.Args[0], "-test.run", "^TestOutputKilledProcess$")
				c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", killAt, at), killDir+"="+dir)
				out, err := c.CombinedOutput()
				if err == nil {
					if at < 10 {
						t.Errorf("only %d steps", at)
					}
					return
				}
				if !strings.Contains(err.Error(), "killed") {
					t.Fatalf("step %d: %v\n%s", at, err, out)
				}
				mixed := oldOrNew(t, dir, first)
				if err := Readable(filepath.Join(dir, "index")); mixed && err == nil {
					t.Errorf("step %d: readers take files of two sets", at)
				}
				mustPut(t, dir, after)
				if diff := cmp.Diff(after, tree(t, dir)); diff != "" {
					t.Errorf("step %d, after the next call (-want +got):\n%s", at, diff)
				}
				if err := Readable(dir); err != nil {
					t.Errorf("step %d, after the next call: %v", at, err)
				}
			}
		})
	}
}

// oldOrNew fails where a file is neither, and says whether there are both.
func oldOrNew(t *testing.T, dir string, old map[string]string) (mixed bool) {
	t.Helper()
	var olds, news int
	got := tree(t, dir)
	for name, text := range got {
		switch {
		case strings.HasPrefix(name, staging) || strings.HasSuffix(name, "/"):
		case old[name] == text:
			olds++
		case after[name] == text:
			news++
		default:
			t.Errorf("%s is neither the old file nor the new one: %q", name, text)
		}
	}
	return (news > 0 || olds > 0) && olds != len(old) && news != len(after) || news > 0 && olds > 0
}

// A process that makes some files of a set again is killed before each change that it
// makes: readers refuse the set while the marker says so, a file that the user changes
// then is told from the rest, and a call like it goes on.
func TestOutputKilledWhileAmending(t *testing.T) {
	want := maps.Clone(before)
	maps.Copy(want, amendment)
	refused := 0
	for at := 1; ; at++ {
		dir := filepath.Join(t.TempDir(), "out")
		mustPut(t, dir, before)
		c := exec.Command(os.Args[0], "-test.run", "^TestOutputKilledProcess$")
		c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", killAt, at), killDir+"="+dir, killAmend+"=1")
		if out, err := c.CombinedOutput(); err == nil {
			break
		} else if !strings.Contains(err.Error(), "killed") {
			t.Fatalf("step %d: %v\n%s", at, err, out)
		}
		if Readable(dir) != nil {
			refused++
		}
		write(t, dir, map[string]string{"a/gone": "mine"})
		if err := put(dir, Options{Kind: Reports}, after); err == nil || !strings.Contains(err.Error(), "changed since karpenter wrote it: a/gone") {
			t.Errorf("step %d: what the user changed is no longer told from ours: %v", at, err)
		}
		write(t, dir, map[string]string{"a/gone": "old"})
		if err := Amendable(dir); err != nil {
			t.Errorf("step %d: a call like it does not go on: %v", at, err)
		}
		if err := put(dir, Options{Kind: Reports, Amend: true}, amendment); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" || Readable(dir) != nil {
			t.Errorf("step %d, after the next call: %v (-want +got):\n%s", at, Readable(dir), diff)
		}
	}
	if refused == 0 {
		t.Error("readers never refuse what is being written")
	}
	dir := filepath.Join(t.TempDir(), "out")
	mustPut(t, dir, before)
	m := &marker{Version: markerVersion, Kind: Reports, State: writing, Files: []file{{Path: "a/page"}}}
	text, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{Marker: string(text)})
	if Amendable(dir) == nil {
		t.Error("files of two runs are amended")
	}
}

// What is left of a call that was killed after its recording was complete goes, and the
// recording stays.
func TestOutputSweep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	options := Options{Kind: Recording, Work: ".karpenter-recording"}
	if err := put(dir, options, after); err != nil {
		t.Fatal(err)
	}
	whole := tree(t, dir)
	text, err := (&marker{Version: markerVersion, Kind: Recording, State: writing, Files: []file{}}).encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{".karpenter-recording/state.json": "{}", stagedLock: "", stagedMark: string(text)})
	Sweep(dir, options)
	if diff := cmp.Diff(whole, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	write(t, dir, map[string]string{".karpenter-recording/state.json": "{}"})
	Sweep(dir, Options{Kind: Reports, Work: ".karpenter-recording"})
	if diff := cmp.Diff(whole, tree(t, dir)); diff == "" {
		t.Error("a set of another kind was swept")
	}
}

func TestOutputReplaceKeepsLinkAndMode(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(real, []byte("old"), 0o600), os.Symlink("real", link), Replace(link, []byte("new"))); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(real)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info, err)
	}
	if diff := cmp.Diff(map[string]string{"real": "new", "link": "real"}, tree(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
