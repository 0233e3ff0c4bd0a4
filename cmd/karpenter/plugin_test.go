package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kubectl finds plugins, and what completes them, by the names of files.
func TestPlugin(t *testing.T) {
	for program, want := range map[string]struct {
		name string
		args []string
	}{
		"karpenter":                           {"", []string{"explain", "ha/web"}},
		"/usr/bin/kubectl-karpenter":          {"kubectl karpenter", []string{"explain", "ha/web"}},
		"kubectl-karpenter.exe":               {"kubectl karpenter", []string{"explain", "ha/web"}},
		"/usr/bin/kubectl_complete-karpenter": {"kubectl karpenter", []string{"__complete", "explain", "ha/web"}},
	} {
		args, name := plugin(program, []string{"explain", "ha/web"})
		if diff := cmp.Diff(want.args, args); diff != "" || name != want.name {
			t.Errorf("plugin(%s): name %q, arguments -want, +got:\n%s", program, name, diff)
		}
	}

	var stdout strings.Builder
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stdout, program: "kubectl karpenter"}
	if code := a.run(t.Context(), []string{"explain", "--help"}); code != exitOK || !strings.Contains(stdout.String(), "\n  kubectl karpenter explain [") {
		t.Errorf("--help: code %d\n%s", code, stdout.String())
	}
}
