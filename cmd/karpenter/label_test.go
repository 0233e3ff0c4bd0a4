package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/reports"
)

const clustersHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 2
  maxReplicas: 40
  metrics:
  - type: External
    external: {metric: {name: rps}, target: {type: AverageValue, averageValue: "10"}}
`

// clusters is a recording of two hours over two clusters. In eu1 one replica for
// each 10 of demand ran, at most 10 of them for the first hour, since the HPA's
// maximum was 10.
func clusters() string {
	var reqs, counts, largest strings.Builder
	for i := range 480 {
		at := 1767600000 + 15*i
		demand, most := 60+20*(i/80), 40
		if i < 240 {
			most = 10
		}
		replicas := min(int(math.Ceil(float64(demand)/10)), most)
		fmt.Fprintf(&reqs, "reqs{service=\"checkout\",cluster=\"eu1\"} %d %d\n", demand, at)
		fmt.Fprintf(&counts, "kube_deployment_spec_replicas{namespace=\"shop\",deployment=\"checkout\",cluster=\"eu1\"} %d %d\n", replicas, at)
		fmt.Fprintf(&largest, "kube_horizontalpodautoscaler_spec_max_replicas{namespace=\"shop\",horizontalpodautoscaler=\"checkout\",cluster=\"eu1\"} %d %d\n", most, at)
	}
	other := "kube_deployment_spec_replicas{namespace=\"shop\",deployment=\"checkout\",cluster=\"us1\"}"
	return reqs.String() + samples(`reqs{service="checkout",cluster="us1"}`, 1767600000, 15, 480, "200") +
		counts.String() + samples(other, 1767600000, 15, 480, "20") + largest.String() + "# EOF\n"
}

// TestTwoClusters holds that the counts of a target in two clusters are not taken
// for one, that --label takes one of them for everything that is read, and that
// the recorded HPA's maximum is told and used.
func TestTwoClusters(t *testing.T) {
	initDir(t, map[string]string{"hpa.yaml": clustersHPA, "both.om": clusters(), "other.csv": "timestamp,x\n1767600000,1\n1767607200,1\n"})
	args := func(more ...string) []string {
		return append([]string{"replay", "-f", "hpa.yaml", "--recording", "both.om", "--metric", `rps=sum(reqs{service="checkout"})`, "--out", "out"}, more...)
	}
	const twice = "karpenter: --recording both.om: 2 series of the counts of Deployment shop/checkout, which differ in cluster (eu1, us1); take one of them with --label cluster=eu1"
	call(t, "", args()...).refused(t, twice)
	call(t, "", "init", "-f", "hpa.yaml", "--recording", "both.om", "--metric", `rps=sum(reqs{service="checkout"})`, "--out", "ci").want(t, exitInvalid, "which differ in cluster (eu1, us1)")

	call(t, "", args("--label", "cluster=eu1", "--recording", "other.csv")...).want(t, exitOK, "")
	text, err := os.ReadFile("out/checkout/summary.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"the recorded HorizontalPodAutoscaler shop/checkout had maxReplicas 10 until 2026-01-05T09:00:00Z, 40 from then on; the manifest says 40; fidelity compares the recording with it as it was",
		"HorizontalPodAutoscaler shop/checkout scaled shop/HorizontalAutoscaler/checkout when this was recorded",
		"| recorded |", "5 of 5 recorded changes matched, 0 invented",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("summary.md lacks %q:\n%s", want, text)
		}
	}
	if most := figuresIn(t, "out/checkout").Get("largest_replicas"); most != 16 {
		t.Errorf("largest count %v of current, want 16: eu1's demand and the manifest's maximum", most)
	}
	run, err := reports.ReadRun("out/checkout")
	if err != nil {
		t.Fatal(err)
	}
	if f := run.Fidelity; f == nil || f.Percent < 99 {
		t.Errorf("fidelity %+v, want at least 99 %% of the HPA as it was", f)
	}
	if got := run.Columns[0].Objects[0].MaxReplicas; !slices.Equal(got.V, []float64{10, 40}) || got.T[1]-got.T[0] != 3600 {
		t.Errorf("the recorded maximum is %v, want 10 for an hour and 40 from then on", got)
	}
	call(t, "", "simulate", "out/checkout/scenario.yaml", "--out", "again").want(t, exitOK, "")
	if diff := cmp.Diff(tree(t, "out/checkout"), tree(t, "again/checkout")); diff != "" {
		t.Errorf("simulating scenario.yaml:\n%s", diff)
	}
}

// TestOwnSeries holds that where no HPA was recorded, the bounds and targets are used
// that the controller exposed of the autoscaler itself.
func TestOwnSeries(t *testing.T) {
	const own = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: pay, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 2
  maxReplicas: 40
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: 'sum(reqs{service="checkout"})', target: {type: AverageValue, averageValue: "10"}}
`
	text := strings.ReplaceAll(clusters(), `kube_horizontalpodautoscaler_spec_max_replicas{namespace="shop",horizontalpodautoscaler="checkout"`, `karpenter_horizontalautoscaler_max_replicas{namespace="shop",name="pay"`)
	text = strings.TrimSuffix(text, "# EOF\n") + samples(`karpenter_horizontalautoscaler_metric_target{namespace="shop",name="pay",metric="0",cluster="eu1"}`, 1767600000, 15, 480, "11") + "# EOF\n"
	initDir(t, map[string]string{"own.yaml": own, "both.om": text})
	call(t, "", "replay", "-f", "own.yaml", "--recording", "both.om", "--label", "cluster=eu1", "--out", "out").want(t, exitOK, "")
	summary, err := os.ReadFile("out/pay/summary.md")
	if err != nil {
		t.Fatal(err)
	}
	run, err := reports.ReadRun("out/pay")
	if err != nil {
		t.Fatal(err)
	}
	if got := run.Columns[0].Objects[0].MaxReplicas.V; !slices.Equal(got, []float64{10, 40}) {
		t.Errorf("the recorded maximum is %v, want 10, then 40", got)
	}
	for _, want := range []string{
		"the recorded HorizontalAutoscaler shop/pay had maxReplicas 10 until 2026-01-05T09:00:00Z, 40 from then on; the manifest says 40",
		"the recorded HorizontalAutoscaler shop/pay had the target of metric 0 11 throughout; the manifest says 10; fidelity compares the recording with it as it was",
	} {
		if !strings.Contains(string(summary), want) {
			t.Errorf("summary.md lacks %q:\n%s", want, summary)
		}
	}
}

func TestLabelRefuses(t *testing.T) {
	initDir(t, map[string]string{"hpa.yaml": clustersHPA, "both.om": clusters()})
	for name, c := range map[string]struct{ label, want string }{
		"Value":   {"cluster=eu2", `--label cluster=eu2: no recorded series has it; cluster is "eu1", "us1"`},
		"Name":    {"region=eu1", `--label region=eu1: no recorded series has a label region; there are "cluster", "deployment", "horizontalpodautoscaler", "namespace", "service"`},
		"Form":    {"cluster", `--label "cluster": want NAME=VALUE, such as cluster=eu1`},
		"Twice":   {"cluster=us1", `--label "cluster=us1": cluster is "eu1" already; no series has both`},
		"NotName": {"a-b=c", `--label "a-b=c": want NAME=VALUE`},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"replay", "-f", "hpa.yaml", "--recording", "both.om", "--metric", `rps=sum(reqs)`, "--out", "out"}
			if name == "Twice" {
				args = append(args, "--label", "cluster=eu1")
			}
			call(t, "", append(args, "--label", c.label)...).refused(t, c.want)
		})
	}
}

// TestRecordLabel holds that a label enters every selector of a recording.
func TestRecordLabel(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", validHA)
	server := liveServer(t, nil)
	call(t, "", "record", "--prometheus", server.URL, "-f", "a.yaml", "--from", "2026-01-05 08:00", "--to", "2026-01-05 09:00", "--label", "queue=jobs", "--out", "r").want(t, exitOK, "")
	info, names := opened(t, "r")
	if diff := cmp.Diff([]string{"queue_length"}, names); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	for _, s := range info.Manifest.Selectors {
		if !strings.Contains(s, `queue="jobs"`) {
			t.Errorf("selector %s is without the label", s)
		}
	}
}
