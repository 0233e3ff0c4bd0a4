package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// everything turns on all that the templates have.
var everything = []string{
	"image=registry.example/controller@sha256:0123", "imagePullSecrets=[{name: pull}]", "provider=aws",
	"aws.region=eu-west-1", "aws.roleARN=arn:aws:iam::123456789012:role/karpenter", "prometheus.httpConfigSecret=prometheus", "prometheus.sourcesSecret=sources",
	"dryRun=true", "replicas=2", "enforceLabel=namespace", "nodeGroupNamespaces=[infra]", "queueNamespaces=[infra, jobs]", "journal.claim=journal", "metrics.secure=true", "serviceMonitor.enabled=true",
	"serviceMonitor.labels.release=monitoring", "verbose=true", "extraArgs=[--pprof=localhost:6060, '--query-offset=5s']",
	"podAnnotations.example=yes it is", "priorityClassName=system-cluster-critical",
	"tolerations=[{key: dedicated, operator: Exists}]", "affinity={nodeAffinity: {}}",
	"topologySpreadConstraints=[{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]",
	"prometheusRule.enabled=true", "prometheusRule.labels.release=monitoring",
	"dashboard.enabled=true", "podDisruptionBudget.maxUnavailable=2", "networkPolicy.enabled=true",
	"networkPolicy.metricsFrom=[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]",
	"networkPolicy.egress=[{ports: [{port: 443}, {port: 9090}]}]",
}

// tenants restricts the controller to namespaces.
var tenants = []string{"watchNamespaces=[web, lab]", "metrics.secure=false"}

func TestTemplatesAreAllRendered(t *testing.T) {
	entries, err := files.ReadDir(path.Join(Name, "templates"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != "NOTES.txt" { // helm prints it
			names = append(names, entry.Name())
		}
	}
	if diff := cmp.Diff(names, slices.Sorted(slices.Values(templates))); diff != "" {
		t.Errorf("templates: -in the chart, +rendered:\n%s", diff)
	}
}

func TestChartCarriesWhatIsGenerated(t *testing.T) {
	for name, want := range map[string]string{
		"crds":         "../../../../engine/api/v1alpha1/crds",
		"alerts.yaml":  "../../dashboards/alerts.yaml",
		"grafana.json": "../../dashboards/grafana.json",
	} {
		got, err := os.Readlink(filepath.Join(Name, name))
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: got a link to %s, want %s", name, got, want)
		}
	}
}

// ways are settings under which the chart renders differently.
var ways = map[string][]string{"Defaults": nil, "Everything": everything, "Tenants": tenants, "TenantsInACloud": {"watchNamespaces=[web]", "provider=aws"}}

// valuesFile writes values for helm.
func valuesFile(t *testing.T, values map[string]any) string {
	t.Helper()
	content, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLint asks helm whether the chart is as charts should be, in each way that
// changes what it renders.
func TestLint(t *testing.T) {
	helm := servertest.Helm(t)
	for name, settings := range ways {
		t.Run(name, func(t *testing.T) {
			values, err := Values(settings...)
			if err != nil {
				t.Fatal(err)
			}
			file := valuesFile(t, values)
			if out, err := exec.Command(helm, "lint", "--strict", Name, "--values", file).CombinedOutput(); err != nil {
				t.Errorf("helm lint --strict: %v\n%s", err, out)
			}
		})
	}
}

// TestHelm proves that Render is what helm does.
func TestHelm(t *testing.T) {
	helm := servertest.Helm(t)
	for name, settings := range ways {
		t.Run(name, func(t *testing.T) {
			values, err := Values(settings...)
			if err != nil {
				t.Fatal(err)
			}
			documents, err := Render("v0.1.0", "elsewhere", values)
			if err != nil {
				t.Fatal(err)
			}
			file := valuesFile(t, values)
			call := exec.Command(helm, "template", "any", Name, "--namespace", "elsewhere", "--kube-version", "1.35.0", "--values", file)
			call.Stderr = os.Stderr
			out, err := call.Output()
			if err != nil {
				t.Fatal(err)
			}
			want := byName(t, strings.Split(strings.TrimPrefix(string(out), "---\n"), "\n---\n"))
			if diff := cmp.Diff(want, byName(t, documents)); diff != "" {
				t.Errorf("Render(...): -helm, +got:\n%s", diff)
			}
		})
	}
}

// byName parses documents; helm has an order of its own.
func byName(t *testing.T, documents []string) map[string]any {
	t.Helper()
	objects := map[string]any{}
	for _, document := range documents {
		var object map[string]any
		if err := yaml.UnmarshalStrict([]byte(document+"\n"), &object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		metadata := object["metadata"].(map[string]any)
		name := fmt.Sprint(object["kind"], " ", metadata["namespace"], " ", metadata["name"])
		if objects[name] != nil {
			t.Fatalf("%s twice", name)
		}
		objects[name] = object
	}
	return objects
}

func TestArchive(t *testing.T) {
	crds := map[string][]byte{"b.yaml": []byte("b"), "a.yaml": []byte("a")}
	archive, err := Archive("v1.2.3-rc.1", "aws", crds)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Archive("v1.2.3-rc.1", "aws", crds)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(archive, again) {
		t.Error("Archive(...): the same call gave other bytes")
	}
	got := unpack(t, archive)
	for file, want := range map[string]string{
		"Chart.yaml":                "version: 1.2.3-rc.1\nappVersion: v1.2.3-rc.1\n",
		"values.yaml":               "\nprovider: aws\n",
		"values.schema.json":        "additionalProperties",
		"crds/a.yaml":               "a",
		"alerts.yaml":               "alert: KarpenterAutoscalingNoLeader",
		"grafana.json":              "panels",
		"templates/NOTES.txt":       "karpenter verify",
		"templates/deployment.yaml": "kind: Deployment",
	} {
		if !strings.Contains(got[path.Join(Name, file)], want) {
			t.Errorf("Archive(...): %s has no %q:\n%s", file, want, got[path.Join(Name, file)])
		}
	}
}

func unpack(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	compressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for reader := tar.NewReader(compressed); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = string(content)
	}
}
