package manifest

import (
	"os"
	"path/filepath"
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

// summary is a set in a few lines.
func summary(s *Set) []string {
	var lines []string
	for _, e := range s.Autoscalers {
		lines = append(lines, "autoscaler "+e.Object.Namespace+"/"+e.Object.Name+" "+e.Doc.Position().String())
	}
	for _, e := range s.Producers {
		lines = append(lines, "producer "+e.Object.Namespace+"/"+e.Object.Name+" "+e.Doc.Position().String())
	}
	for _, e := range s.NodeGroups {
		lines = append(lines, "node group "+e.Object.Namespace+"/"+e.Object.Name+" "+e.Doc.Position().String())
	}
	for _, f := range s.Foreign {
		lines = append(lines, "foreign "+f.APIVersion+" "+f.Kind+" "+f.Namespace+"/"+f.Name+" "+string(f.JSON))
	}
	for _, d := range s.Scenarios {
		lines = append(lines, "scenario "+d.Name()+" "+d.Position().String())
	}
	for _, k := range s.Skipped {
		lines = append(lines, "skipped "+k.APIVersion+" "+k.Kind+strings.Repeat("!", k.Count))
	}
	return lines
}

const (
	producer = "apiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: MetricsProducer\nmetadata: {name: jobs, namespace: shop}\nspec: {queue: {type: AWSSQSQueue, id: \"arn:aws:sqs:eu-west-1:1:jobs\"}}\n"
	group    = "apiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: ScalableNodeGroup\nmetadata: {name: nodes}\nspec: {replicas: 3, type: AWSEKSNodeGroup, id: a}\n"
	hpa      = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: api, annotations: {a: b}, managedFields: [{manager: kubectl}], uid: 1-2}\nspec: {maxReplicas: 5}\nstatus: {currentReplicas: 3}\n"
	service  = "apiVersion: v1\nkind: Service\nmetadata: {name: x, name: y}\n"
)

func TestLoad(t *testing.T) {
	cases := map[string]struct {
		reason string
		files  map[string]string
		paths  []string
		stdin  string
		want   []string
		err    string
	}{
		"MultiDocument": {
			reason: "a file may hold several documents, empty ones and other kinds among them",
			files:  map[string]string{"a.yaml": "# comment\n---\n" + web + "---\n---\nnull\n---\n" + producer + "---\n" + service + "---\n" + service},
			paths:  []string{"a.yaml"},
			want:   []string{"autoscaler default/web a.yaml:3:1", "producer shop/jobs a.yaml:22:1", "skipped v1 Service!!"},
		},
		"Directory": {
			reason: "directories are walked in the order of paths; other files, hidden ones and documents that are no objects are passed over",
			files: map[string]string{
				"d/b.yml": producer, "d/a/z.json": `{"apiVersion":"autoscaling.karpenter.sh/v1alpha1","kind":"ScalableNodeGroup","metadata":{"name":"n"}}`,
				"d/c.yaml": web, "d/readme.md": "# no", "d/.git/x.yaml": "a: [", "d/values.yaml": "a: 1\n", "d/.hidden.yaml": web,
			},
			paths: []string{"d"},
			want:  []string{"autoscaler default/web d/c.yaml:1:1", "producer shop/jobs d/b.yml:1:1", "node group default/n d/a/z.json:1:1", "skipped  !"},
		},
		"Stdin": {
			reason: "a dash is standard input",
			paths:  []string{"-"}, stdin: web,
			want: []string{"autoscaler default/web <stdin>:1:1"},
		},
		"SameFileTwice": {
			reason: "a file reached by two paths is read once",
			files:  map[string]string{"d/a.yaml": web},
			paths:  []string{"d", "./d/a.yaml"},
			want:   []string{"autoscaler default/web d/a.yaml:1:1"},
		},
		"List": {
			reason: "a List holds objects with kinds of their own, nested Lists too",
			files:  map[string]string{"l.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + indent(producer) + "- apiVersion: v1\n  kind: List\n  items:\n  - " + strings.ReplaceAll(indent(group), "\n", "\n  ") + "\n"},
			paths:  []string{"l.yaml"},
			want:   []string{"producer shop/jobs l.yaml:4:3", "node group default/nodes l.yaml:11:5"},
		},
		"TypedList": {
			reason: "the items of a typed list have its kind and version, as the API serves them",
			files:  map[string]string{"l.json": "{\n\t\"kind\": \"MetricsProducerList\", \"apiVersion\": \"autoscaling.karpenter.sh/v1alpha1\",\n\t\"items\": [\n\t\t{\"metadata\": {\"name\": \"a\", \"labels\": {\"u\": \"http:\\/\\/x\"}}}, {\"metadata\": {\"name\": \"b\"}}\n\t]\n}\n"},
			paths:  []string{"l.json"},
			want:   []string{"producer default/a l.json:4:3", "producer default/b l.json:4:63"},
		},
		"Foreign": {
			reason: "an HPA comes as JSON, without status and what the API server wrote",
			files:  map[string]string{"h.yaml": hpa},
			paths:  []string{"h.yaml"},
			want:   []string{`foreign autoscaling/v2 HorizontalPodAutoscaler default/api {"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"api","annotations":{"a":"b"}},"spec":{"maxReplicas":5}}`},
		},
		"KubectlGet": {
			reason: "status and managedFields of kubectl get are ignored, whatever they hold",
			files: map[string]string{"g.yaml": strings.Replace(web, "  name: web\n", "  name: web\n  uid: 123\n  generation: 4\n  creationTimestamp: null\n  managedFields:\n  - {manager: x, fieldsV1: {f: {}}}\n", 1) +
				"status: {desiredReplicas: 3, somethingNew: {}}\n"},
			paths: []string{"g.yaml"},
			want:  []string{"autoscaler default/web g.yaml:1:1"},
		},
		"Scenario": {
			reason: "scenarios are handed on undecoded",
			files:  map[string]string{"s.yaml": "apiVersion: simulation.karpenter.sh/v1alpha1\nkind: Scenario\nmetadata: {name: s}\nwhatever: 1\n"},
			paths:  []string{"s.yaml"},
			want:   []string{"scenario s s.yaml:1:1"},
		},
		"Missing": {
			reason: "a file that is not there is told apart from one that is empty",
			paths:  []string{"none.yaml"},
			err:    "none.yaml: no such file or directory",
		},
		"EmptyDirectory": {
			reason: "a directory without manifests is the wrong one",
			files:  map[string]string{"d/readme.md": "x"},
			paths:  []string{"d"},
			err:    "d: the directory holds no *.yaml, *.yml or *.json",
		},
		"EmptyPath": {
			reason: "an empty path comes from an unset variable",
			paths:  []string{""},
			err:    `the path of a manifest is empty; want a file, a directory or "-"`,
		},
		"TwiceAcrossFiles": {
			reason: "files are applied together",
			files:  map[string]string{"a.yaml": producer, "b.yaml": producer},
			paths:  []string{"b.yaml", "a.yaml"},
			want:   []string{"producer shop/jobs b.yaml:1:1"},
			err:    "a.yaml:3:18: metadata.name: shop/MetricsProducer/jobs is defined twice; the first is at b.yaml:3:18",
		},
		"GoodBesidesBad": {
			reason: "errors of all files come sorted, and what is right is still returned",
			files:  map[string]string{"b.yaml": web + "foo: 1\n", "a.yaml": producer, "c.yaml": "a: [\n"},
			paths:  []string{"c.yaml", "b.yaml", "a.yaml"},
			want:   []string{"producer shop/jobs a.yaml:1:1"},
			err: "b.yaml:16:1: foo: unknown field; allowed: kind, apiVersion, metadata, spec, status\n" +
				"c.yaml:1:1: invalid YAML: did not find expected node content",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			write(t, tc.files)
			set, err := Load(tc.paths, strings.NewReader(tc.stdin))
			if diff := cmp.Diff(tc.want, summary(set)); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.err, message(err)); diff != "" {
				t.Errorf("%s: error\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLoadWithoutStdin(t *testing.T) {
	_, err := Load([]string{"-"}, nil)
	if diff := cmp.Diff("<stdin>: there is no standard input here; name a file", message(err)); diff != "" {
		t.Error(diff)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// indent makes text the item of a list: all lines but the first are indented.
func indent(text string) string {
	return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
