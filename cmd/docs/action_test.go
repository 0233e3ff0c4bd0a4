package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const action = repository + "/.github/actions/plan"

// programs puts scripts into a directory under the names of programs.
func programs(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/usr/bin/env bash\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// step runs a script of the action in a directory, with programs in front of those of
// the machine.
func step(t *testing.T, dir, programs, script string, arguments, environment []string) (string, error) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(action, script))
	if err != nil {
		t.Fatal(err)
	}
	call := exec.Command("bash", append([]string{path}, arguments...)...)
	call.Dir = dir
	call.Env = append([]string{"PATH=" + programs + string(os.PathListSeparator) + os.Getenv("PATH"), "RUNNER_TEMP=" + dir,
		"GITHUB_PATH=" + filepath.Join(dir, "path"), "GITHUB_OUTPUT=" + filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary")}, environment...)
	out, err := call.CombinedOutput()
	return string(out), err
}

func TestActionInstallsWhatWasChecked(t *testing.T) {
	fetch := programs(t, map[string]string{"curl": `while [[ $1 != --output ]]; do shift; done; echo "a binary from ${@: -1}" > "$2"` + "\n"})
	cases := []struct {
		reason, sum string
		installs    bool
	}{
		{"the sum that the release has", "", true},
		{"another file", strings.Repeat("0", 64), false},
	}
	for _, tc := range cases {
		dir := t.TempDir()
		if tc.sum == "" {
			out, err := exec.Command("bash", "-c", "echo 'a binary from https://example/v0.2.0/karpenter-v0.2.0-linux-amd64' | sha256sum").Output()
			if err != nil {
				t.Fatal(err)
			}
			tc.sum = strings.Fields(string(out))[0]
		}
		out, err := step(t, dir, fetch, "install.sh", nil, []string{"VERSION=v0.2.0", "RELEASES=https://example", "SHA256=" + tc.sum})
		path, _ := os.ReadFile(filepath.Join(dir, "path"))
		if (err == nil) != tc.installs || (len(path) > 0) != tc.installs {
			t.Errorf("%s: error %v, path %q\n%s", tc.reason, err, path, out)
		}
	}
}

func TestActionPlansWhateverTheCode(t *testing.T) {
	plan := programs(t, map[string]string{"karpenter": `printf '%s\n' "$@" > arguments; echo "| cart | dearer |"; exit 1` + "\n"})
	dir := t.TempDir()
	if out, err := step(t, dir, plan, "plan.sh", nil, []string{"BASE=b a.yaml", "HEAD=$(touch owned)", "RECORDING=week.csv", "ARGUMENTS=--max-more-cost=25%\n\n--metric=a=sum(b)"}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{
		"arguments":         "plan\nb a.yaml\n$(touch owned)\n--recording\nweek.csv\n--out\nkarpenter-plan\n--output\nmarkdown\n--max-more-cost=25%\n--metric=a=sum(b)\n",
		"karpenter-plan.md": "| cart | dearer |\n",
		"summary":           "| cart | dearer |\n",
		"output":            "code=1\n",
	} {
		if got := read(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "owned")); err == nil {
		t.Error("an input ran as a command")
	}
}

func TestActionKeepsOneComment(t *testing.T) {
	cases := []struct{ reason, earlier, want string }{
		{"the first run posts", "", "--method POST repos/o/r/issues/7/comments"},
		{"a later one replaces it", "42", "--method PATCH repos/o/r/issues/comments/42"},
	}
	for _, tc := range cases {
		dir := t.TempDir()
		gh := programs(t, map[string]string{"gh": `if [[ $2 == --paginate ]]; then echo "` + tc.earlier + `"; exit; fi
echo "$@" > call; for a in "$@"; do case $a in body=@*) cat "${a#body=@}" > body;; esac; done` + "\n"})
		if err := os.WriteFile(filepath.Join(dir, "plan.md"), []byte("worse\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := step(t, dir, gh, "comment.sh", []string{"plan.md"}, []string{"GH_TOKEN=x", "REPOSITORY=o/r", "NUMBER=7"}); err != nil {
			t.Fatalf("%s: %v\n%s", tc.reason, err, out)
		}
		if call := read(t, filepath.Join(dir, "call")); !strings.Contains(call, tc.want) {
			t.Errorf("%s: gh is called with %q", tc.reason, call)
		}
		if body := read(t, filepath.Join(dir, "body")); body != "<!-- karpenter plan -->\nworse\n" {
			t.Errorf("%s: the comment is %q", tc.reason, body)
		}
	}
}

// A token that may not write, such as that of a pull request from a fork, is no failure of
// the plan; in the repository itself it is a mistake of the workflow.
func TestActionWithoutTheRightToComment(t *testing.T) {
	for _, tc := range []struct {
		reason, from string
		passes       bool
	}{
		{"a fork", "somebody/r", true},
		{"the repository itself", "o/r", false},
		{"a fork that is deleted", "", false},
	} {
		dir := t.TempDir()
		gh := programs(t, map[string]string{"gh": "if [[ $2 == --paginate ]]; then exit; fi\necho 'gh: Resource not accessible by integration (HTTP 403)' >&2; exit 1\n"})
		if err := os.WriteFile(filepath.Join(dir, "plan.md"), []byte("worse\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := step(t, dir, gh, "comment.sh", []string{"plan.md"}, []string{"GH_TOKEN=x", "REPOSITORY=o/r", "NUMBER=7", "FROM=" + tc.from})
		if (err == nil) != tc.passes || strings.Contains(out, "::notice") != tc.passes {
			t.Errorf("%s: error %v\n%s", tc.reason, err, out)
		}
	}
}

// TestActionPutsNoInputIntoAScript reads the action: an expression in a script's text
// would run what a pull request says.
func TestActionPutsNoInputIntoAScript(t *testing.T) {
	var read struct {
		Inputs map[string]struct{ Description string }
		Runs   struct {
			Steps []struct {
				Run, Shell string
				Env        map[string]string
			}
		}
	}
	content, err := os.ReadFile(filepath.Join(action, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &read); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`inputs\.(\w+)`).FindAllStringSubmatch(string(content), -1) {
		used[match[1]] = true
	}
	for name, input := range read.Inputs {
		if !used[name] || input.Description == "" {
			t.Errorf("input %s: used %t, described %q", name, used[name], input.Description)
		}
	}
	for _, s := range read.Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("a script has an expression: %s", s.Run)
		}
	}
}
