package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const commitsSO = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: jobs, namespace: shop}
spec:
  scaleTargetRef: {name: jobs}
  minReplicaCount: 1
  advanced:
    restoreToOriginalReplicaCount: true # as it was
  triggers: [{type: prometheus, metadata: {serverAddress: "http://p", query: sum(jobs), threshold: "8"}}]
`

// The two commits of a migration change the files in place: other documents and comments
// stay as they are, and what is written is what convert writes.
func TestConvertCommits(t *testing.T) {
	t.Chdir(t.TempDir())
	hpa := planHPA("web", 10, 20)
	head := "# The shop.\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
	tail := "---\n# kept\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: last}\n"
	write(t, "deploy/web.yaml", head+"---\n# scales\n"+hpa+tail)
	write(t, "deploy/sub/jobs.yaml", commitsSO)
	write(t, "deploy/other.yaml", head)
	converted := func(file string, flags ...string) string {
		t.Helper()
		c := call(t, "", append([]string{"convert", "-f", file, "--metric", "web_rps=rps"}, flags...)...)
		c.want(t, exitOK, "")
		return c.stdout
	}
	metric := []string{"--metric", "web_rps=rps"}
	c := call(t, "", append([]string{"convert", "-f", "deploy", "--commits", "out/migration"}, metric...)...)
	c.want(t, exitOK, "")
	jobs := call(t, "", "convert", "-f", "deploy/sub/jobs.yaml")
	dry := call(t, "", "convert", "-f", "deploy/sub/jobs.yaml", "--set", "spec.dryRun=true")
	for file, want := range map[string]string{
		"1-beside/deploy/web.yaml":      head + "---\n# scales\n" + hpa + tail + "---\n" + converted("deploy/web.yaml", "--set", "spec.dryRun=true"),
		"2-switch/deploy/web.yaml":      head + tail + "---\n" + converted("deploy/web.yaml"),
		"1-beside/deploy/sub/jobs.yaml": strings.Replace(commitsSO, "Count: true", "Count: false", 1) + "---\n" + dry.stdout,
		"2-switch/deploy/sub/jobs.yaml": jobs.stdout,
	} {
		if diff := cmp.Diff(want, read(t, "out/migration/"+file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	if exists("out/migration/1-beside/deploy/other.yaml") || read(t, "deploy/web.yaml") != head+"---\n# scales\n"+hpa+tail {
		t.Error("a file without autoscalers is written, or the manifests themselves have changed")
	}
	call(t, "", "validate", "-f", "out/migration/2-switch").want(t, exitOK, "")

	write(t, "list.yaml", "apiVersion: v1\nkind: List\nitems:\n- "+strings.ReplaceAll(strings.TrimSuffix(hpa, "\n"), "\n", "\n  ")+"\n")
	write(t, "hpa.json", `{"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 3}}`)
	write(t, "quoted.yaml", strings.Replace(commitsSO, "Count: true", "Count:\n      true", 1))
	for _, c := range []struct{ reason, file, want string }{
		{"an item of a list is no document of its own", "list.yaml", "list.yaml:4:3: an item of a list or a document in JSON"},
		{"nor is JSON one of lines", "hpa.json", "hpa.json:1:1: an item of a list or a document in JSON"},
		{"a directory that has something", "deploy", "--commits out: is there already"},
		{"nothing to migrate", "deploy/other.yaml", "nothing to convert"},
		{"what lies elsewhere", absolute("deploy/sub"), "want a path below the current directory"},
		{"a value that is not where it could be changed", "quoted.yaml", "write false here first"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			args := []string{"convert", "-q", "-f", c.file, "--commits", "out"}
			if c.file == "list.yaml" || c.file == "deploy" {
				args = append(args, metric...)
			}
			call(t, "", args...).want(t, exitInvalid, c.want)
		})
	}
}
