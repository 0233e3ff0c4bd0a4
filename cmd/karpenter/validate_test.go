package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	validHA = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 20
  metrics:
  - prometheus:
      query: sum(queue_length)
      target: {type: AverageValue, averageValue: 8}
`
	validHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 2
  maxReplicas: 10
  metrics:
  - type: External
    external: {metric: {name: queue_length}, target: {type: AverageValue, averageValue: 30}}
`
	validProducer = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: hours}
spec:
  scheduleSpec:
    defaultReplicas: 1
    behaviors:
    - {replicas: 2, start: {weekdays: fri, hours: "17"}, end: {weekdays: mon, hours: "9"}}
`
	validGroup = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: workers}
spec:
  replicas: 1
  type: AWSEC2AutoScalingGroup
  id: workers
`
	service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"
)

func TestValidate(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	played(t)
	cases := map[string]struct {
		reason string
		files  map[string]string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"Valid":      {"a manifest", map[string]string{"a.yaml": validHA}, []string{"-f", "a.yaml"}, exitOK, "a.yaml: 1 object valid\n", ""},
		"Positional": {"without -f", map[string]string{"a.yaml": validHA}, []string{"a.yaml"}, exitOK, "a.yaml: 1 object valid\n", ""},
		"Stdin":      {"standard input", nil, []string{"-"}, exitOK, "<stdin>: 1 object valid\n", ""},
		"Scenario":   {"a scenario with its manifests", nil, []string{"spike.yaml"}, exitOK, "spike.yaml: 3 objects valid\n", ""},
		"Directory":  {"a directory, other kinds are counted", map[string]string{"d/a.yaml": validHA + "---\n" + service, "d/b.yaml": validHPA}, []string{"d"}, exitOK, "d/a.yaml: 1 object valid\nd/b.yaml: 1 object valid\n", "skipped 1 Service (v1)\n"},
		"Conversion": {"what a conversion changes is said", map[string]string{"b.yaml": validHPA}, []string{"b.yaml"}, exitOK, "b.yaml: 1 object valid\n", "default/horizontalpodautoscaler/shop: spec.behavior: absent"},
		"Unknown":    {"an unknown field", map[string]string{"a.yaml": strings.Replace(validHA, "maxReplicas", "maxReplicaz", 1)}, []string{"a.yaml"}, exitInvalid, "", "a.yaml:7:3: spec.maxReplicaz: unknown field; did you mean \"maxReplicas\"?\n"},
		"Bounds":     {"a violation of the policy", map[string]string{"a.yaml": strings.Replace(validHA, "minReplicas: 2", "minReplicas: 30", 1)}, []string{"a.yaml"}, exitInvalid, "", "a.yaml:6:16: spec.minReplicas: Invalid value: 30: must be at most maxReplicas (20)\n"},
		"Query":      {"PromQL", map[string]string{"a.yaml": strings.Replace(validHA, "sum(queue_length)", "sum(queue_length", 1)}, []string{"a.yaml"}, exitInvalid, "", "a.yaml:10:14: spec.metrics[0].prometheus.query: PromQL, character "},
		"Range":      {"a query of the wrong type", map[string]string{"a.yaml": strings.Replace(validHA, "sum(queue_length)", "queue_length[5m]", 1)}, []string{"a.yaml"}, exitInvalid, "", "a range vector is no number"},
		"CoreGroup":  {"without an apiVersion the core group is meant, where no Deployment is", map[string]string{"a.yaml": strings.Replace(validHA, "apiVersion: apps/v1, ", "", 1)}, []string{"a.yaml"}, exitInvalid, "", "a.yaml:5:19: spec.scaleTargetRef.apiVersion: \"\" means the core group, of which only ReplicationController can be scaled; want GROUP/VERSION, such as apps/v1 of a Deployment\n"},
		"InCore":     {"and a ReplicationController is", map[string]string{"a.yaml": strings.Replace(validHA, "apiVersion: apps/v1, kind: Deployment", "kind: ReplicationController", 1)}, []string{"a.yaml"}, exitOK, "a.yaml: 1 object valid\n", ""},
		"Both":       {"every error, and the valid files all the same", map[string]string{"a.yaml": validHA, "z.yaml": strings.NewReplacer("web}", "z}", "minReplicas: 2", "minReplicas: x", "maxReplicas: 20", "maxReplicas: -1").Replace(validHA)}, []string{"a.yaml", "z.yaml"}, exitInvalid, "a.yaml: 1 object valid\n", "z.yaml:6:16: spec.minReplicas: "},
		"Twice":      {"one object in two files", map[string]string{"a.yaml": validHA, "b.yaml": validHA}, []string{"a.yaml", "b.yaml"}, exitInvalid, "a.yaml: 1 object valid\n", "default/HorizontalAutoscaler/web is defined twice; the first is at a.yaml:3:18\n"},
		"HPA":        {"an HPA that cannot be converted", map[string]string{"b.yaml": strings.Replace(validHPA, "averageValue: 30", "averageValue: 0", 1)}, []string{"b.yaml"}, exitInvalid, "", "b.yaml:10:89: spec.metrics[0].external.target.averageValue: default/horizontalpodautoscaler/shop: Invalid value: \"0\": must be greater than 0"},
		"Unused":     {"a query that no metric asks for is a misspelt name", map[string]string{"b.yaml": validHPA}, []string{"b.yaml", "-q", "--metric", "queue_lenght=sum(x)"}, exitInvalid, "", "--metric queue_lenght: no metric or trigger uses this query; the manifests have queue_length\n"},
		"Producer":   {"a violation of a producer's schedule", map[string]string{"p.yaml": strings.Replace(validProducer, "defaultReplicas: 1", "defaultReplicas: -1", 1)}, []string{"p.yaml"}, exitInvalid, "", "p.yaml:6:22: spec.scheduleSpec.defaultReplicas: "},
		"NodeGroup":  {"a violation of a node group", map[string]string{"g.yaml": strings.Replace(validGroup, "id: workers", "id: \"\"", 1)}, []string{"g.yaml"}, exitInvalid, "", "g.yaml:7:7: spec.id: "},
		"Type": {"a type that only another build can have", map[string]string{"g.yaml": strings.Replace(validGroup, "AWSEC2A", "AWSA", 1)}, []string{"g.yaml"}, exitOK, "g.yaml: 1 object valid\n",
			"g.yaml:6:9: spec.type: karpenter's own controller has no provider \"AWSAutoScalingGroup\", and would hold; it has AWSEC2AutoScalingGroup, AWSEKSNodeGroup\n"},
		"OurKinds":  {"every kind of ours", map[string]string{"k.yaml": validHA + "---\n" + validProducer + "---\n" + validGroup}, []string{"k.yaml"}, exitOK, "k.yaml: 3 objects valid\n", ""},
		"Referred":  {"a manifest that a scenario refers to counts once", map[string]string{"e/ha.yaml": goodManifest, "e/s.yaml": goodScenario}, []string{"e"}, exitOK, "e/ha.yaml: 1 object valid\ne/s.yaml: 1 object valid\n", ""},
		"BadYAML":   {"no YAML", map[string]string{"a.yaml": "a: b: c\n"}, []string{"a.yaml"}, exitInvalid, "", "a.yaml:1:1: invalid YAML: "},
		"BadSpec":   {"a scenario's own fields", map[string]string{"s.yaml": strings.Replace(read(t, "spike.yaml"), "duration: 1h", "duration: soon", 1)}, []string{"s.yaml"}, exitInvalid, "", "s.yaml:8:13: spec.duration: "},
		"BadTarget": {"the manifests in a scenario", map[string]string{"s.yaml": strings.Replace(read(t, "spike.yaml"), "maxReplicas: 20", "maxReplicas: 1", 1)}, []string{"s.yaml"}, exitInvalid, "", "s.yaml:27:16: spec.minReplicas: "},
		"BadExpect": {"a report metric that does not exist", map[string]string{"s.yaml": strings.Replace(read(t, "spike.yaml"), "expect:", "expect:\n    - {name: r, report: 'wibble <= 1'}", 1)}, []string{"s.yaml"}, exitInvalid, "", "spec.expect[0].report: "},
		"BadRecording": {"a recording that cannot be read", map[string]string{"s.yaml": strings.Replace(read(t, "spike.yaml"), "expect:", "recordings: [{file: r.csv}]\n  expect:", 1), "r.csv": "time,x\n2026-01-05T08:00:00Z,1\n2026-01-05T08:00:10Z,z\n"},
			[]string{"s.yaml"}, exitInvalid, "", "r.csv:3:22: \"z\" is not a number"},
		"BadFault": {"a fault of what is not there, which only a run would find", map[string]string{"s.yaml": strings.Replace(read(t, "spike.yaml"), "expect:", "faults: [{at: 1m, nodes: lost, object: sng/other}]\n  expect:", 1)},
			[]string{"s.yaml"}, exitInvalid, "", "spec.faults[0].object: the run has no default/ScalableNodeGroup/other\n"},
		"BadVariant": {"a node group that a variant makes invalid", map[string]string{"s.yaml": strings.Replace(read(t, "spike.yaml"), "expect:", "variants: [{name: v, set: 'sng/workers:spec.type=aws/eks'}]\n  expect:", 1) + "---\n" + validGroup},
			[]string{"s.yaml"}, exitInvalid, "", "spec.type: column v: Invalid value: \"aws/eks\": must name a provider"},
		"Skipped": {"only other kinds", map[string]string{"c.yaml": service}, []string{"c.yaml"}, exitInvalid, "", "karpenter: nothing to validate: no object of a known kind in the files\n"},
		"Nothing": {"no file", nil, nil, exitInvalid, "", "karpenter: nothing to validate: give files, directories or - with -f\n"},
		"Absent":  {"no such file", nil, []string{"nope.yaml"}, exitInvalid, "", "nope.yaml: no such file or directory\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for path, text := range c.files {
				write(t, path, text)
			}
			got := call(t, validHA, append([]string{"validate"}, c.args...)...)
			if got.code != c.code || got.stdout != c.stdout || !strings.Contains(got.stderr, c.stderr) {
				t.Errorf("%s: code %d, want %d\nstdout:\n%swant:\n%sstderr:\n%swant in it:\n%s", c.reason, got.code, c.code, got.stdout, c.stdout, got.stderr, c.stderr)
			}
		})
	}
}

func TestValidateForMachines(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", strings.Replace(validHA, "maxReplicas", "maxReplicaz", 1))
	t.Setenv("GITHUB_ACTIONS", "true")
	got := call(t, "", "validate", "a.yaml", "-o", "json")
	got.want(t, exitInvalid, `::error file=a.yaml,line=7,col=3::spec.maxReplicaz: unknown field; did you mean "maxReplicas"?`)
	var result struct {
		Valid  []validFile
		Errors []invalidField
	}
	if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Valid) != 0 || len(result.Errors) == 0 || result.Errors[0].Line != 7 || result.Errors[0].Column != 3 || result.Errors[0].Field != "spec.maxReplicaz" {
		t.Errorf("got %s", got.stdout)
	}
}
