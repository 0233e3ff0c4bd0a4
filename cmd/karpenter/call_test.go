package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/sim"
)

var rewrite = flag.Bool("rewrite", false, "write the golden outputs anew; read the diff")

// A called is what one call of the program left behind.
type called struct {
	code           int
	stdout, stderr string
}

// call runs one command line in-process.
func call(t *testing.T, stdin string, args ...string) called {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr}
	code := a.run(context.Background(), args)
	return called{code, stdout.String(), stderr.String()}
}

// want fails unless the call ended with a code, and stderr says what it should.
func (c called) want(t *testing.T, code int, stderr string) {
	t.Helper()
	if c.code != code || !strings.Contains(c.stderr, stderr) {
		t.Fatalf("exit code %d, stderr:\n%s\nwant code %d, and in stderr: %s", c.code, c.stderr, code, stderr)
	}
}

// oneLine fails unless the call was refused with one line on stderr, nothing on
// stdout, and that text in the line.
func (c called) refused(t *testing.T, text string) {
	t.Helper()
	c.want(t, exitInvalid, text)
	if strings.Count(c.stderr, "\n") != 1 || c.stdout != "" {
		t.Errorf("want one line on stderr and nothing on stdout; stderr:\n%sstdout:\n%s", c.stderr, c.stdout)
	}
}

// golden compares text with a file in testdata.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; if the change is meant, run with -rewrite):\n%s", filepath.Base(path), diff)
	}
}

// testdata is a path below testdata that holds after a change of directory.
func testdata(t *testing.T, parts ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// played moves to a new directory in which spike.yaml has been simulated into
// out, and returns the text of its journal.
func played(t *testing.T) string {
	t.Helper()
	source := testdata(t, "spike.yaml")
	t.Chdir(t.TempDir())
	write(t, "spike.yaml", read(t, source))
	call(t, "", "simulate", "spike.yaml", "--out", "out", "-q").want(t, exitOK, "")
	return read(t, spikeJournal)
}

var spikeJournal = filepath.Join("out", "queue-spike", sim.DecisionsFile)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
