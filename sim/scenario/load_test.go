package scenario

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes a directory of files and enters it, so that messages hold no
// temporary path.
func write(t *testing.T, files map[string]string) {
	t.Helper()
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

const policy = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 10}
`

func named(name, spec string) string {
	return strings.Replace(base, "name: s", "name: "+name, 1) + spec + "}\n"
}

// TestLoadObjects holds that a scenario takes what it names, in whatever form, and
// that what it names must be there.
func TestLoadObjects(t *testing.T) {
	hpa := `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}, maxReplicas: 5}
`
	hours := `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: NAME}
spec: {scheduleSpec: {defaultReplicas: 1, behaviors: []}}
`
	write(t, map[string]string{
		"all.yaml":   policy + "---\n" + strings.ReplaceAll(policy, "web", "db") + "---\n" + hpa + "---\n" + strings.Replace(hours, "NAME", "day", 1) + "---\n" + strings.Replace(hours, "NAME", "night", 1),
		"some.yaml":  named("some", "manifests: [all.yaml], objects: [ha/web, shop/ha/api, mp/night]"),
		"none.yaml":  named("none", "manifests: [all.yaml], objects: [ha/web, ha/api]"),
		"lost.yaml":  named("lost", "manifests: [all.yaml, lost], objects: [ha/web, ha/api]"),
		"next.yaml":  named("next", "manifests: [all.yaml], objects: [ha/web], variants: [{name: next, manifests: [all.yaml]}]"),
		"else.yaml":  named("else", "manifests: [all.yaml], objects: [ha/db], variants: [{name: next, manifests: [hours.yaml]}]"),
		"hours.yaml": strings.Replace(hours, "NAME", "day", 1),
	})
	f, err := Load("some.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Manifests
	if len(m.Autoscalers) != 1 || m.Autoscalers[0].Object.Name != "web" || len(m.Foreign) != 1 || m.Foreign[0].Name != "api" || len(m.Producers) != 1 || m.Producers[0].Object.Name != "night" {
		t.Errorf("got %v, %v and %v", m.Autoscalers, m.Foreign, m.Producers)
	}
	if _, err := Load("none.yaml", Options{}); err == nil || !strings.Contains(err.Error(), "spec.objects[1]: ha/api is in none of the manifests") {
		t.Errorf("an object that is not there: %v", err)
	}
	if _, err := Load("lost.yaml", Options{}); err == nil || strings.Contains(err.Error(), "spec.objects") {
		t.Errorf("an object may be in a file that is not there: %v", err)
	}
	if f, err = Load("next.yaml", Options{}); err != nil {
		t.Fatal(err)
	}
	if v := f.Variants[0]; len(v.Autoscalers) != 1 || v.Autoscalers[0].Object.Name != "web" || len(v.Foreign) != 0 || len(v.Producers) != 0 {
		t.Errorf("a variant has %v, %v and %v", v.Autoscalers, v.Foreign, v.Producers)
	}
	if _, err := Load("else.yaml", Options{}); err == nil || !strings.Contains(err.Error(), "spec.variants[0].manifests: they have none of spec.objects") {
		t.Errorf("a variant that changes nothing: %v", err)
	}
}

func TestLoad(t *testing.T) {
	write(t, map[string]string{
		"s/web.yaml":       named("web", "manifests: [policies], recordings: [{file: ../data/a.csv}], prometheus: {ruleFiles: [rules.yaml]}, variants: [{name: big, set: {spec.maxReplicas: 20}}, {name: other, manifests: [other.yaml]}]") + "---\n" + strings.ReplaceAll(policy, "web", "inline"),
		"s/policies/a.yml": policy,
		"s/policies/b.yml": named("another", ""),
		"s/other.yaml":     strings.Replace(policy, "10", "30", 1),
		"s/rules.yaml":     "groups: [{name: g, rules: [{record: a:b, expr: sum(up)}]}]\n",
		"data/a.csv":       "time,v\n",
		"given.yaml":       strings.ReplaceAll(policy, "web", "given"),
	})
	f, err := Load("./s/web.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{f.Path, f.Metadata.Name, f.Resolve(f.Spec.Recordings[0].File), f.Resolve("/x")}
	for _, a := range f.Manifests.Autoscalers {
		got = append(got, a.Object.Name+" "+a.Doc.Position().String())
	}
	for _, v := range f.Variants {
		if v == nil {
			got = append(got, "set")
			continue
		}
		got = append(got, v.Autoscalers[0].Doc.Position().String())
	}
	want := []string{"s/web.yaml", "web", "data/a.csv", "/x", "inline s/web.yaml:8:1", "web s/policies/a.yml:1:1", "set", "s/other.yaml:1:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths are relative to the scenario, and other scenarios among the manifests are left alone\n-want +got:\n%s", diff)
	}
	f, err = Load("s/web.yaml", Options{Manifests: []string{"given.yaml"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Manifests.Autoscalers) != 1 || f.Manifests.Autoscalers[0].Object.Name != "given" {
		t.Errorf("given manifests replace the scenario's own, got %v", f.Manifests.Autoscalers)
	}
	f, err = Load("-", Options{Stdin: strings.NewReader(named("piped", "manifests: [s/other.yaml]"))})
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata.Name != "piped" || f.Manifests.Autoscalers[0].Doc.File != "s/other.yaml" {
		t.Errorf("paths of a scenario on standard input are relative to the working directory, got %s", f.Manifests.Autoscalers[0].Doc.File)
	}
}

func TestLoadErrors(t *testing.T) {
	cases := map[string]struct {
		reason string
		files  map[string]string
		want   string
	}{
		"NoFile": {
			reason: "the scenario itself is missing",
			want:   "s.yaml: no such file or directory",
		},
		"Missing": {
			reason: "missing files are reported where they are named",
			files:  map[string]string{"s.yaml": base + "manifests: [a.yaml], recordings: [{file: b.csv}], prometheus: {ruleFiles: [c.yaml]}, variants: [{name: v, manifests: [d.yaml]}]}"},
			want: `s.yaml:6:13: spec.manifests[0]: a.yaml: no such file or directory; paths are relative to the scenario file
s.yaml:6:42: spec.recordings[0].file: b.csv: no such file or directory; paths are relative to the scenario file
s.yaml:6:76: spec.prometheus.ruleFiles[0]: c.yaml: no such file or directory; paths are relative to the scenario file
s.yaml:6:119: spec.variants[0].manifests[0]: d.yaml: no such file or directory; paths are relative to the scenario file`,
		},
		"Rules": {
			reason: "rules are parsed before the run",
			files: map[string]string{
				"s.yaml": base + "prometheus: {ruleFiles: [r.yaml]}}",
				"r.yaml": "groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]\n",
			},
			want: `s.yaml:6:26: spec.prometheus.ruleFiles[0]: r.yaml: 1:46: group "g", rule 1, "a": could not parse expression: 1:5: parse error: unclosed left parenthesis`,
		},
		"Manifests": {
			reason: "mistakes of the scenario's manifests are told with it",
			files: map[string]string{
				"s.yaml": base + "manifests: [a.yaml]}\n---\n" + policy,
				"a.yaml": policy + "---\n" + strings.Replace(strings.ReplaceAll(policy, "web", "api"), "spec", "spek", 1),
			},
			want: `a.yaml:3:18: metadata.name: default/HorizontalAutoscaler/web is defined twice; the first is at s.yaml:10:18
a.yaml:9:1: spek: unknown field; did you mean "spec"?`,
		},
		"Both": {
			reason: "a bad scenario does not hide its bad manifests",
			files:  map[string]string{"s.yaml": base + "interval: 0s}\n---\n" + strings.Replace(policy, "spec", "spek", 1)},
			want: `s.yaml:6:11: spec.interval: must be more than 0s
s.yaml:11:1: spek: unknown field; did you mean "spec"?`,
		},
		"VariantSet": {
			reason: "a variant's assignments are tried on the autoscalers",
			files:  map[string]string{"s.yaml": base + "variants: [{name: v, set: [spec.maxReplica=3, 'spec.metrics[1]=x']}]}\n---\n" + policy},
			want: `s.yaml:6:27: spec.variants[0].set: set "spec.maxReplica=3": spec.maxReplica: unknown field; did you mean "maxReplicas"?
s.yaml:6:27: spec.variants[0].set: set "spec.metrics[1]=x": spec.metrics[1]: index 1 is out of range: the list has no elements`,
		},
		"GroupWithoutManifest": {
			reason: "a group of the provider belongs to a ScalableNodeGroup",
			files:  map[string]string{"s.yaml": base + "nodeGroups: [{name: nodes}]}\n"},
			want:   `s.yaml:6:21: spec.nodeGroups[0].name: there is no manifest of default/ScalableNodeGroup/nodes, which says type and id of the group`,
		},
		"TwoOwners": {
			reason: "a node group of the manifests owns its replicas",
			files: map[string]string{"s.yaml": base + "targets: [{kind: ScalableNodeGroup, name: nodes}]}\n---\n" +
				"apiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: ScalableNodeGroup\nmetadata: {name: nodes}\nspec: {type: AWSEKSNodeGroup, id: a}\n"},
			want: `s.yaml:6:11: spec.targets[0]: default/ScalableNodeGroup/nodes has two owners; the manifest at s.yaml:10:18 is the other`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			write(t, tc.files)
			_, err := Load("s.yaml", Options{})
			if diff := cmp.Diff(tc.want, message(err)); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLoadAll(t *testing.T) {
	cases := map[string]struct {
		reason string
		files  map[string]string
		paths  []string
		run    string
		want   []string
		err    string
	}{
		"Directory": {
			reason: "a directory gives its scenarios, sorted by name, whatever else it holds",
			files: map[string]string{
				"d/x.yaml": named("b", ""), "d/y/z.yaml": named("a", ""), "d/policy.yaml": policy,
				"d/broken.yaml": "{{ .Values }}: [\n", "d/readme.md": "",
			},
			paths: []string{"d", "d/x.yaml"},
			want:  []string{"a d/y/z.yaml", "b d/x.yaml"},
		},
		"Run": {
			reason: "what is not selected need not be valid",
			files:  map[string]string{"d/x.yaml": named("spike-1", ""), "d/y.yaml": named("flat", "interval: 0s")},
			paths:  []string{"d"}, run: "^spike",
			want: []string{"spike-1 d/x.yaml"},
		},
		"RunNothing": {
			reason: "a selection of nothing is a mistake, not a success",
			files:  map[string]string{"d/x.yaml": named("b", ""), "d/y.yaml": named("a", "")},
			paths:  []string{"d"}, run: "spike",
			err: `no scenario matches "spike"; there are a, b`,
		},
		"Nothing": {
			reason: "a directory without scenarios is the wrong one",
			files:  map[string]string{"d/x.yaml": policy},
			paths:  []string{"d"},
			err:    `no Scenario found in d; want documents with apiVersion: simulation.karpenter.sh/v1alpha1 and kind: Scenario`,
		},
		"FileWithoutScenario": {
			reason: "a file named by the user must be a scenario",
			files:  map[string]string{"x.yaml": policy},
			paths:  []string{"x.yaml"},
			err:    `x.yaml: no Scenario; want a document with apiVersion: simulation.karpenter.sh/v1alpha1 and kind: Scenario`,
		},
		"SameName": {
			reason: "names are directories, on systems that ignore case too",
			files:  map[string]string{"x.yaml": named("Web", ""), "y.yaml": named("web", "")},
			paths:  []string{"x.yaml", "y.yaml"},
			err:    `y.yaml:3:18: metadata.name: the name "web" is taken by the scenario at x.yaml:3:18`,
		},
		"AnyInvalid": {
			reason: "one invalid scenario stops the call",
			files:  map[string]string{"d/x.yaml": named("a", ""), "d/y.yaml": named("b", "interval: 0s"), "d/z.yaml": base + "seed:"},
			paths:  []string{"d", "none.yaml"},
			err: `d/y.yaml:6:11: spec.interval: must be more than 0s
d/z.yaml:6:1: invalid YAML: did not find expected node content
none.yaml: no such file or directory`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			write(t, tc.files)
			o := Options{}
			if tc.run != "" {
				o.Run = regexp.MustCompile(tc.run)
			}
			files, err := LoadAll(tc.paths, o)
			var got []string
			for _, f := range files {
				got = append(got, f.Metadata.Name+" "+f.Path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.err, message(err)); diff != "" {
				t.Errorf("%s: error\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLoadAllSharesStdin(t *testing.T) {
	write(t, map[string]string{"d/x.yaml": named("a", ""), "d/y.yaml": named("b", "")})
	files, err := LoadAll([]string{"d"}, Options{Manifests: []string{"-"}, Stdin: strings.NewReader(policy)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if len(f.Manifests.Autoscalers) != 1 {
			t.Errorf("%s: every scenario gets the manifests of standard input", f.Metadata.Name)
		}
	}
}
