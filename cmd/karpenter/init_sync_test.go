package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A directory of scenarios follows the manifests: what is new is added, what changed
// is measured anew by the yardstick that it has, what is gone is removed, and what
// somebody wrote into it stays.
func TestInitSync(t *testing.T) {
	ha := func(name string, target int) string {
		return strings.Replace(strings.ReplaceAll(validHA, "web", name), "averageValue: 8", fmt.Sprintf("averageValue: %d", target), 1)
	}
	initDir(t, map[string]string{"r.csv": initRecording, "deploy/web.yaml": ha("web", 8), "deploy/api.yaml": ha("api", 8), "ci/own.yaml": "kind: Mine\n"})
	sync := func(want string, flags ...string) called {
		t.Helper()
		c := call(t, "", append([]string{"init", "--sync", "-f", "deploy", "--recording", "r.csv", "--out", "ci"}, flags...)...)
		c.want(t, exitOK, "")
		if diff := cmp.Diff(want, c.stdout); diff != "" {
			t.Fatalf("stdout (-want +got):\n%s\n%s", diff, c.stderr)
		}
		return c
	}
	sync("added ci/api.yaml\nadded ci/web.yaml\n")
	for _, name := range listed(t, "ci") {
		if strings.HasSuffix(name, ".golden.md") {
			t.Errorf("%s: digests are for those who ask for them", name)
		}
	}
	sync("unchanged ci/api.yaml\nunchanged ci/web.yaml\n")
	call(t, "", "simulate", "ci/api.yaml", "ci/web.yaml", "--out", "out").want(t, exitOK, "")

	// A change without effect on breach and cost passes, whatever its digest.
	write(t, "deploy/web.yaml", strings.Replace(ha("web", 8), "maxReplicas: 20", "maxReplicas: 19", 1))
	call(t, "", "simulate", "ci/web.yaml", "--out", "out").want(t, exitOK, "")
	// A dearer one fails for its cost, a cheaper one for its breach.
	write(t, "deploy/web.yaml", ha("web", 4))
	call(t, "", "simulate", "ci/web.yaml", "--out", "out").want(t, exitFailed, "costs at most 10 % more than today")
	write(t, "deploy/web.yaml", ha("web", 16))
	call(t, "", "simulate", "ci/web.yaml", "--out", "out").want(t, exitFailed, "runs above its target no longer than today")

	// Where it is meant, sync says so; the yardstick stays, and so does what was added.
	mine := "    - name: mine\n      report: reversals <= 9\n"
	write(t, "ci/web.yaml", read(t, "ci/web.yaml")+mine)
	sync("unchanged ci/api.yaml\nupdated ci/web.yaml\n")
	call(t, "", "simulate", "ci/web.yaml", "--out", "out").want(t, exitOK, "")
	text := read(t, "ci/web.yaml")
	if !strings.Contains(text, "perReplica: 8\n") || !strings.Contains(text, mine) {
		t.Errorf("the yardstick has moved, or what was added is gone:\n%s", text)
	}
	sync("unchanged ci/api.yaml\nunchanged ci/web.yaml\n")

	// One comes, one moves into its file and one is gone.
	write(t, "deploy/web.yaml", ha("new", 8))
	write(t, "deploy/api.yaml", "---\n")
	c := sync("added ci/new.yaml\nremoved ci/api.yaml\n")
	if !strings.Contains(c.stderr, "ci/web.yaml: default/ha/web is gone, but somebody has added to the scenario") {
		t.Errorf("what was added to goes only by hand:\n%s", c.stderr)
	}
	if diff := cmp.Diff([]string{"new.yaml", "own.yaml", "web.yaml"}, listed(t, "ci")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	// A part of the manifests says nothing of the others.
	write(t, "other/far.yaml", ha("far", 8))
	c = call(t, "", "init", "--sync", "-f", "other", "--recording", "r.csv", "--out", "ci")
	c.want(t, exitOK, "ci/new.yaml: its manifest is none of -f; left as it is")
	// A file that init did not write is nobody's to replace.
	write(t, "ci/taken.yaml", "kind: Mine\n")
	write(t, "deploy/web.yaml", ha("taken", 8))
	call(t, "", "init", "--sync", "-f", "deploy", "--recording", "r.csv", "--out", "ci").want(t, exitInvalid, "taken.yaml is there already and init did not write it")
}
