package whatif

import (
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

const patchedHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 20
  metrics:
  - {type: External, external: {metric: {name: rps}, target: {type: AverageValue, averageValue: "10"}}}
  behavior: {scaleUp: {stabilizationWindowSeconds: 60, policies: [{type: Pods, value: 2, periodSeconds: 60}]}}
`

const patchedScaledObject = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {name: web}
  minReplicaCount: 1
  maxReplicaCount: 20
  triggers:
  - {type: prometheus, metadata: {serverAddress: http://p, query: sum(rps), threshold: "20"}}
  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleUp: {stabilizationWindowSeconds: 60}}}}
`

const patchedOurs = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 20
  metrics: [{prometheus: {query: sum(rps), target: {type: AverageValue, averageValue: 10}}}]
`

// What a patch makes of the object as it is written, converted, is what the
// assignments make of it once it is converted.
func TestPatchOf(t *testing.T) {
	cases := []struct {
		reason, text string
		set          []string
		err          string
		// unlike says that the patch limits nothing in another way.
		unlike bool
	}{
		{reason: "a bound", text: patchedHPA, set: []string{"spec.maxReplicas=40"}},
		{reason: "a window", text: patchedHPA, set: []string{"spec.behavior.scaleUp.stabilizationWindowSeconds=0"}},
		{reason: "a window where there was none", text: patchedHPA, set: []string{"spec.behavior.scaleDown.stabilizationWindowSeconds=900"}},
		{reason: "a tolerance is a quantity", text: patchedHPA, set: []string{"spec.behavior.scaleUp.tolerance=0"}},
		{reason: "no rate policies are ones out of reach", text: patchedHPA, set: []string{"spec.behavior.scaleUp.policies=null", "spec.behavior.scaleUp.selectPolicy=null"}, unlike: true},
		{reason: "a target in a list", text: patchedHPA, set: []string{"spec.metrics[0].prometheus.target.averageValue=7.5"}},
		{reason: "the interval of an HPA is a flag", text: patchedHPA, set: []string{"spec.pollingIntervalSeconds=10"}, err: "--horizontal-pod-autoscaler-sync-period"},
		{reason: "without a behavior another algorithm decides", text: patchedHPA[:strings.Index(patchedHPA, "  behavior")], set: []string{"spec.behavior.scaleUp.tolerance=0"}, err: "has no behavior"},
		{reason: "KEDA's bound", text: patchedScaledObject, set: []string{"spec.maxReplicas=40"}},
		{reason: "KEDA's window", text: patchedScaledObject, set: []string{"spec.behavior.scaleUp.stabilizationWindowSeconds=0"}},
		{reason: "KEDA's threshold is a string", text: patchedScaledObject, set: []string{"spec.metrics[0].prometheus.target.averageValue=15"}},
		{reason: "ours", text: patchedOurs, set: []string{"spec.maxReplicas=40", "spec.behavior.scaleUp.tolerance=0"}},
		{reason: "our interval", text: patchedOurs, set: []string{"spec.pollingIntervalSeconds=5"}},
		{reason: "our target", text: patchedOurs, set: []string{"spec.metrics[0].prometheus.target.averageValue=7.5"}},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			set := converted(t, c.text)
			p, err := PatchOf(&set.Autoscalers[0], c.set)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			assigned, err := set.Assign(c.set)
			if err != nil {
				t.Fatal(err)
			}
			want, got := compiled(t, assigned), compiled(t, converted(t, patched(t, c.text, p)))
			if (want != got) != c.unlike {
				t.Errorf("%s\nmakes %s\nwant  %s", p.Body, got, want)
			}
			if c.unlike && strings.Contains(got, `"value":2,`) {
				t.Errorf("the rate policy is still there: %s", got)
			}
		})
	}
}

func converted(t *testing.T, text string) *manifest.Set {
	t.Helper()
	docs, err := manifest.Parse("web.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	set, err := manifest.Collect(docs)
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.LeftOut(sim.Adopt(set, convert.Options{Queries: map[string]string{"rps": "sum(rps)"}})); err != nil && len(set.Autoscalers) == 0 {
		// A query that nobody has is given to HPAs only.
		t.Fatal(err)
	}
	return set
}

func compiled(t *testing.T, set *manifest.Set) string {
	t.Helper()
	list, err := sim.Resolve(set, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(list[0].Policy.Encode())
}

// patched applies a patch as kubectl does.
func patched(t *testing.T, text string, p *Patch) string {
	t.Helper()
	original, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	if p.Type == "merge" {
		out, err = jsonpatch.MergePatch(original, []byte(p.Body))
	} else {
		var operations jsonpatch.Patch
		if operations, err = jsonpatch.DecodePatch([]byte(p.Body)); err == nil {
			out, err = operations.Apply(original)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", p.Body, err)
	}
	return string(out)
}
