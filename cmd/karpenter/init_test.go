package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const initRecording = `timestamp,queue_length
2026-01-05 08:00:00,40
2026-01-05 08:05:00,80
2026-01-05 08:10:00,200
2026-01-05 08:15:00,90
2026-01-05 08:20:00,40
`

// initDir is the working directory of a call: the files, and nothing else.
func initDir(t *testing.T, files map[string]string) {
	t.Helper()
	t.Setenv("GITHUB_ACTIONS", "")
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func listed(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What init writes passes at once, is what --update would write, and fails when
// the policy changes.
func TestInit(t *testing.T) {
	other := strings.NewReplacer("{name: web}\nspec", "{name: web, namespace: shop}\nspec", "maxReplicas: 20", "maxReplicas: 12").Replace(validHA)
	initDir(t, map[string]string{
		"recordings/october.csv": initRecording,
		"deploy/web.yaml":        validHA,
		"deploy/others.yaml":     other + "---\n" + strings.ReplaceAll(validHA, "web", "api") + "---\n" + service,
	})
	c := call(t, "", "init", "-f", "deploy", "--recording", "recordings/october.csv", "--target", "deployment/web=5", "--golden", "--out", "ci/autoscaling")
	c.want(t, exitOK, "next: karpenter simulate ci/autoscaling --out out")
	want := "ci/autoscaling/shop-web.yaml\nci/autoscaling/api.yaml\nci/autoscaling/default-web.yaml\n"
	if c.stdout != want {
		t.Errorf("stdout:\n%swant:\n%s", c.stdout, want)
	}
	if diff := cmp.Diff([]string{"README.md", "api.golden.md", "api.yaml", "default-web.golden.md", "default-web.yaml", "shop-web.golden.md", "shop-web.yaml"}, listed(t, "ci/autoscaling")); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	written, err := os.ReadFile("ci/autoscaling/default-web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"    - ../../deploy/web.yaml\n", "  objects:\n    - default/ha/web\n", "    - file: ../../recordings/october.csv\n", "replicas: 5\n", "duration: 20m1s\n",
		`{namespace="default",name="web"} <= 20`, `breach_minutes{object="default/HorizontalAutoscaler/web"} <= `, "digest: sha256:",
	} {
		if !strings.Contains(string(written), part) {
			t.Errorf("the scenario lacks %q:\n%s", part, written)
		}
	}
	before := tree(t, "ci/autoscaling")
	call(t, "", "simulate", "ci/autoscaling", "--out", "out").want(t, exitOK, "")
	call(t, "", "simulate", "ci/autoscaling", "--update", "--out", "out").want(t, exitOK, "")
	if diff := cmp.Diff(before, tree(t, "ci/autoscaling")); diff != "" {
		t.Errorf("--update changes what was just written (-init +updated):\n%s", diff)
	}

	// One policy of two in a file: only the scenario of that one fails.
	edited := strings.Replace(strings.ReplaceAll(validHA, "web", "api"), "averageValue: 8", "averageValue: 16", 1)
	write(t, "deploy/others.yaml", other+"---\n"+edited)
	failed := call(t, "", "simulate", "ci/autoscaling", "--out", "out")
	failed.want(t, exitFailed, "ci/autoscaling/api.yaml:")
	if strings.Contains(failed.stderr, "web.yaml:") {
		t.Errorf("the other scenarios hold, not\n%s", failed.stderr)
	}
	// Rendered elsewhere, to one file: each scenario takes its own.
	write(t, "rendered.yaml", validHA+"---\n"+other+"---\n"+edited)
	failed = call(t, "", "simulate", "ci/autoscaling", "--manifests", "rendered.yaml", "--out", "out")
	failed.want(t, exitFailed, "ci/autoscaling/api.yaml:")
	if strings.Contains(failed.stderr, "web.yaml:") {
		t.Errorf("the other scenarios hold, not\n%s", failed.stderr)
	}
	write(t, "rendered.yaml", validHA)
	call(t, "", "simulate", "ci/autoscaling", "--manifests", "rendered.yaml", "--run", "^api$", "--out", "out").
		refused(t, "spec.objects[0]: default/ha/api is in none of the manifests")
}

// A producer that the autoscaler reads goes with it.
func TestInitProducer(t *testing.T) {
	scheduled := strings.Replace(strings.ReplaceAll(validHA, "web", "night"), "sum(queue_length)", `karpenter_scheduled_replicas_value{name="hours"}`, 1)
	hours := `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: hours}
spec: {scheduleSpec: {defaultReplicas: 3, behaviors: []}}
`
	if !strings.Contains(scheduled, `name="hours"`) {
		t.Fatal("the query is another one")
	}
	initDir(t, map[string]string{"r.csv": initRecording, "all.yaml": validHA + "---\n" + scheduled + "---\n" + hours})
	call(t, "", "init", "-f", "all.yaml", "--recording", "r.csv", "--out", "ci").want(t, exitOK, "next:")
	if text := read(t, "ci/night.yaml"); !strings.Contains(text, "  objects:\n    - default/ha/night\n    - default/mp/hours\n") {
		t.Errorf("the producer is missing in\n%s", text)
	}
	if text := read(t, "ci/web.yaml"); strings.Contains(text, "mp/hours") {
		t.Errorf("nobody reads the producer in\n%s", text)
	}
	call(t, "", "simulate", "ci", "--out", "out").want(t, exitOK, "")
}

// The query of an HPA's metric stays in the scenario, where simulate finds it;
// the namespace that the HPA leaves out is the usual one.
func TestInitMetric(t *testing.T) {
	initDir(t, map[string]string{"r.csv": initRecording, "hpa.yaml": initHPA})
	call(t, "", "init", "-f", "hpa.yaml", "--recording", "r.csv", "--metric", "load=sum(queue_length)", "--target", "default/deployment/web=4", "--out", "ci").want(t, exitOK, "next: karpenter simulate ci --out out")
	call(t, "", "simulate", "ci", "--out", "out").want(t, exitOK, "")
	written := read(t, "ci/web.yaml")
	for _, part := range []string{"metrics:\n    load: sum(queue_length)\n", `{namespace="default",name="web"} <= 20`} {
		if !strings.Contains(written, part) {
			t.Errorf("the scenario lacks %q:\n%s", part, written)
		}
	}
	write(t, "ci/web.yaml", strings.Replace(written, "load: sum(queue_length)", "load: sum(", 1))
	call(t, "", "simulate", "ci", "--out", "out").want(t, exitInvalid, "spec.metrics[load]: PromQL, character 5: ")
}

const initHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 20
  metrics:
  - type: External
    external: {metric: {name: load}, target: {type: AverageValue, averageValue: 8}}
`

// A second autoscaler may come later; what is there stays as it is.
func TestInitKeepsFiles(t *testing.T) {
	initDir(t, map[string]string{
		"r.csv": initRecording, "web.yaml": validHA, "api.yaml": strings.ReplaceAll(validHA, "web", "api"),
		"autoscaling/README.md": "mine", "autoscaling/web.yaml": "mine",
	})
	call(t, "", "init", "-f", "web.yaml", "-f", "api.yaml", "--recording", "r.csv", "--out", "autoscaling").
		refused(t, "--out autoscaling: web.yaml is there already")
	if diff := cmp.Diff([]string{"README.md", "web.yaml"}, listed(t, "autoscaling")); diff != "" {
		t.Errorf("a refused call left (-want +got):\n%s", diff)
	}
	call(t, "", "init", "-f", "api.yaml", "--recording", "r.csv", "--out", "autoscaling").want(t, exitOK, "")
	for _, name := range []string{"README.md", "web.yaml"} {
		if text, err := os.ReadFile("autoscaling/" + name); err != nil || string(text) != "mine" {
			t.Errorf("%s is now %q (%v)", name, text, err)
		}
	}
	if diff := cmp.Diff([]string{"api.yaml", "autoscaling", "r.csv", "web.yaml"}, listed(t, ".")); diff != "" {
		t.Errorf("beside the directory (-want +got):\n%s", diff)
	}
}

func TestInitRefuses(t *testing.T) {
	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"NoOut":       {"the directory has no default", []string{"-f", "web.yaml", "--recording", "r.csv"}, "--out is required"},
		"NoManifests": {"there is nothing to write", []string{"--recording", "r.csv", "--out", "a"}, "-f and --recording are required"},
		"Stdin":       {"standard input has no path", []string{"-f", "-", "--recording", "r.csv", "--out", "a"}, "write them to a file first"},
		"File":        {"a file is no directory", []string{"-f", "web.yaml", "--recording", "r.csv", "--out", "r.csv"}, "--out r.csv: a file"},
		"NothingToDo": {"a Service has no policy", []string{"-f", "service.yaml", "--recording", "r.csv", "--out", "a"}, "no HorizontalAutoscaler"},
		"NoSamples":   {"a replay of nothing is refused as by replay", []string{"-f", "typo.yaml", "--recording", "r.csv", "--out", "a"}, "typo.yaml:10:14: "},
		"Flag":        {"flags that a scenario could not keep are not taken", []string{"-f", "web.yaml", "--recording", "r.csv", "--out", "a", "--variant", "x=y=z"}, "unknown flag: --variant"},
		"Demand":      {"a mistake in a flag names the flag", []string{"-f", "web.yaml", "--recording", "r.csv", "--out", "a", "--demand", "sum(", "--capacity", "3"}, "karpenter: --demand 'sum(': "},
		"Recording":   {"a recording must be there", []string{"-f", "web.yaml", "--recording", "none.csv", "--out", "a"}, "none.csv: no such file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			initDir(t, map[string]string{
				"r.csv": initRecording, "web.yaml": validHA, "service.yaml": service,
				"typo.yaml": strings.Replace(validHA, "queue_length", "queue_lenght", 1),
			})
			got := call(t, "", append([]string{"init"}, c.args...)...)
			if got.code != exitInvalid || !strings.Contains(got.stderr, c.want) {
				t.Errorf("%s: exit code %d, stderr %s", c.reason, got.code, got.stderr)
			}
			if _, err := os.Stat("a"); err == nil {
				t.Errorf("%s: the directory was written", c.reason)
			}
		})
	}
}
