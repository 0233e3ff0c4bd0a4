package main

import (
	"os"
	"strings"
	"testing"
)

// twoTenants is a recording in which two namespaces have the same series.
func twoTenants() string {
	return samples(`reqs{namespace="shop"}`, 1767600000, 15, 240, "60") + samples(`reqs{namespace="lab"}`, 1767600000, 15, 240, "600") + "# EOF\n"
}

const tenantHA = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 1
  maxReplicas: 100
  metrics:
    - prometheus: {query: 'QUERY', target: {type: AverageValue, value: 10}}
`

// TestEnforceLabel holds that a replay with the controller's flag reads what the
// controller would, that the journal keeps what was written, that the scenario
// that is left behind gives the same bytes, and that a query that names another
// namespace is refused with its place.
func TestEnforceLabel(t *testing.T) {
	initDir(t, map[string]string{
		"r.om": twoTenants(), "ha.yaml": strings.Replace(tenantHA, "QUERY", "sum( reqs )", 1),
		"other.yaml": strings.Replace(tenantHA, "QUERY", `reqs{namespace="lab"}`, 1),
	})
	replay := func(out string, more ...string) []string {
		return append([]string{"replay", "-f", "ha.yaml", "--recording", "r.om", "--name", "tenants", "--out", out}, more...)
	}
	decisions := func(out string) string {
		t.Helper()
		text, err := os.ReadFile(out + "/tenants/decisions.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	call(t, "", replay("all")...).want(t, exitOK, "")
	call(t, "", replay("own", "--enforce-label", "namespace")...).want(t, exitOK, "")
	for out, value := range map[string]string{"all": `"value":660,`, "own": `"value":60,`} {
		if text := decisions(out); !strings.Contains(text, value) || !strings.Contains(text, `"query":"sum( reqs )"`) {
			t.Errorf("%s: want %s of the query as written:\n%s", out, value, text[:400])
		}
	}
	call(t, "", "verify", "own/tenants/decisions.jsonl").want(t, exitOK, "")
	call(t, "", "simulate", "own/tenants/scenario.yaml", "--out", "again").want(t, exitOK, "")
	if decisions("again") != decisions("own") {
		t.Error("the scenario that was written does not repeat the run")
	}
	call(t, "", "simulate", "all/tenants/scenario.yaml", "--enforce-label", "namespace", "--out", "flag").want(t, exitOK, "")
	if decisions("flag") != decisions("own") {
		t.Error("simulate --enforce-label decides otherwise than replay")
	}
	report, err := os.ReadFile("own/tenants/summary.md")
	if err != nil || !strings.Contains(string(report), "has the label namespace") {
		t.Errorf("the report does not say that a label was enforced (%v)", err)
	}
	call(t, "", "replay", "-f", "other.yaml", "--recording", "r.om", "--enforce-label", "namespace", "--out", "other").
		want(t, exitInvalid, `other.yaml:9:27: spec.metrics[0].prometheus.query: forbidden: the query asks for namespace="lab"`)
	call(t, "", replay("bad", "--enforce-label", "a b")...).want(t, exitInvalid, `--enforce-label "a b": want the name of a label`)
}

// TestRecordEnforced holds that a recording with the flag has what a replay with it
// reads, as samples and as results, and nothing of other namespaces.
func TestRecordEnforced(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", strings.Replace(strings.Replace(tenantHA, "QUERY", "sum(kube_deployment_spec_replicas)", 1), "namespace: shop", "namespace: default", 1))
	server := liveServer(t, nil)
	for _, how := range [][]string{{}, {"--evaluated"}} {
		out := "r" + strings.Join(how, "")
		record := []string{"record", "--prometheus", server.URL, "-f", "ha.yaml", "--from", "2026-01-05 08:00", "--to", "2026-01-05 08:30", "--context=false", "--out", out, "--enforce-label"}
		call(t, "", append(append(record, "namespace"), how...)...).want(t, exitOK, "")
		call(t, "", "replay", "-f", "ha.yaml", "--recording", out, "--enforce-label", "namespace", "--name", "r", "--out", "out-"+out).want(t, exitOK, "")
		if o := observed(t, "out-"+out+"/r/decisions.jsonl"); len(o) == 0 || !strings.Contains(strings.Join(o, ""), "5") {
			t.Errorf("%v: %v", how, o)
		}
		record[len(record)-2] = "none" + out
		call(t, "", append(append(record, "team"), how...)...) // no series has the label
		call(t, "", "replay", "-f", "ha.yaml", "--recording", "none"+out, "--enforce-label", "team", "--name", "r", "--out", "out-none"+out).want(t, exitInvalid, "")
	}
}
