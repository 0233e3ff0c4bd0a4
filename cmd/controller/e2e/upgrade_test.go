package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// TestUpgrade has the controller of an earlier revision decide for a while, and then the
// one of this tree over the same status and the same journal. The successor must go on
// where the earlier one left off, as one that was merely started again does, and this
// tree must verify what the earlier one wrote. KARPENTER_UPGRADE is the revision, as git
// names it.
func TestUpgrade(t *testing.T) {
	revision := os.Getenv("KARPENTER_UPGRADE")
	if revision == "" {
		t.Skip("KARPENTER_UPGRADE names no revision")
	}
	servertest.Own(t)
	o := observe(t, "upgrade")
	var names []string
	for _, a := range autoscalers() {
		names = append(names, a.Name)
		o.create(deployment(a.Name, 5), a)
	}
	url := startPrometheus(t, export(t, names, rand.New(rand.NewPCG(3, 4))))
	directory := t.TempDir()
	p := &process{
		t: t, name: revision, binary: buildAt(t, revision), journal: filepath.Join(directory, "journal"),
		flags: []string{"--kubeconfig", kubeconfig(t, directory), "--prometheus-uri", url, "--leader-elect=false"},
	}
	p.start()
	time.Sleep(15 * time.Second)
	p.terminate()
	p.name, p.binary = "the successor", build(t, directory)
	p.start()
	time.Sleep(15 * time.Second)
	p.terminate()
	o.caughtUp()

	j := readJournals(t, p.journal)
	if len(j.files) != 2 {
		t.Fatalf("%d controllers decided anything, want both\n%s", len(j.files), p.output.String())
	}
	j.checkSuccession(names)
	o.checkAgainst(j, names)
	for _, name := range names {
		before, after := j.files[0].records[name], j.files[1].records[name]
		if len(before) == 0 || len(after) == 0 {
			t.Errorf("%s: %d decisions before the upgrade and %d after it", name, len(before), len(after))
			continue
		}
		if got, want := after[0].Prev, before[len(before)-1].State; got != want {
			t.Errorf("%s: the successor begins with the state %s, the earlier one ended with %s", name, got, want)
		}
		for slot, result := range j.files[1].outcomes[name] {
			if result == cycle.StateReset {
				t.Errorf("%s at %s: the state was set aside", name, slot)
			}
		}
	}
}

// buildAt builds the controller as it was at a revision.
func buildAt(t *testing.T, revision string) string {
	t.Helper()
	top, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		t.Fatalf("KARPENTER_UPGRADE wants a clone: %v", err)
	}
	archive := exec.Command("git", "archive", "--format=tar", revision)
	archive.Dir = strings.TrimSpace(string(top))
	tree, err := archive.Output()
	if err != nil {
		t.Fatalf("KARPENTER_UPGRADE=%s: git archive: %v", revision, err)
	}
	source := t.TempDir()
	unpack := exec.Command("tar", "-x", "-C", source)
	unpack.Stdin = bytes.NewReader(tree)
	compile := exec.Command("go", "build", "-o", filepath.Join(source, "earlier"), "./cmd/controller")
	compile.Dir = source
	for _, c := range []*exec.Cmd{unpack, compile} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatal(fmt.Errorf("%s: %w\n%s", c, err, out))
		}
	}
	return filepath.Join(source, "earlier")
}
