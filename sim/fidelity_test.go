package sim

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFidelityCounts(t *testing.T) {
	gap := math.NaN()
	cases := map[string]struct {
		reason            string
		other             string
		reach             int
		decided, recorded []float64
		want              Fidelity
	}{
		"Same": {
			reason:  "what was decided at a slot is what stands there before the next one",
			decided: []float64{4, 4, 6, 6, 5}, recorded: []float64{4, 4, 6, 6, 5},
			want: Fidelity{Slots: 5, Agreed: 5, Changes: 2, Matched: 2, Recorded: 25},
		},
		"Late": {
			reason:  "a change one slot late is the same change, but the slot does not agree",
			decided: []float64{4, 4, 4, 6, 6}, recorded: []float64{4, 4, 6, 6, 6},
			want: Fidelity{Slots: 5, Agreed: 4, Changes: 1, Matched: 1, Difference: 2, Recorded: 26},
		},
		"LateToAnother": {
			reason: "where another autoscaler decided between our slots, it does", other: "an HPA",
			decided: []float64{4, 4, 4, 6, 6}, recorded: []float64{4, 4, 6, 6, 6},
			want: Fidelity{Slots: 5, Agreed: 5, Changes: 1, Matched: 1, Difference: 2, Recorded: 26, Other: "an HPA"},
		},
		"EarlyToAnother": {
			reason: "either way", other: "an HPA",
			decided: []float64{4, 6, 6, 6}, recorded: []float64{4, 4, 6, 6},
			want: Fidelity{Slots: 4, Agreed: 4, Changes: 1, Matched: 1, Difference: 2, Recorded: 20, Other: "an HPA"},
		},
		"TwoSlotsLate": {
			reason: "two intervals are one too many", other: "an HPA",
			decided: []float64{4, 4, 4, 4, 6}, recorded: []float64{4, 4, 6, 6, 6},
			want: Fidelity{Slots: 5, Agreed: 4, Changes: 1, Invented: 1, Difference: 4, Recorded: 26, Other: "an HPA"},
		},
		"NearlySame": {
			reason:  "a change to a count within one replica or 10 % of the recorded one is matched",
			decided: []float64{4, 5, 50, 50}, recorded: []float64{4, 6, 55, 49},
			want: Fidelity{Slots: 4, Agreed: 1, Changes: 3, Matched: 2, Difference: 7, Recorded: 114},
		},
		"TooSmall": {
			reason:  "the same direction to another count is neither matched nor recorded",
			decided: []float64{4, 5, 5}, recorded: []float64{4, 8, 8},
			want: Fidelity{Slots: 3, Agreed: 1, Changes: 1, Invented: 1, Difference: 6, Recorded: 20},
		},
		"OtherWay": {
			reason:  "nor is one in the other direction that ends near",
			decided: []float64{6, 5, 5}, recorded: []float64{4, 5, 5},
			want: Fidelity{Slots: 3, Agreed: 2, Changes: 1, Invented: 1, Difference: 2, Recorded: 14},
		},
		"OneForTwo": {
			reason:  "one change is not the like of two",
			decided: []float64{4, 4, 6, 6}, recorded: []float64{4, 5, 6, 6},
			want: Fidelity{Slots: 4, Agreed: 3, Changes: 2, Matched: 1, Difference: 1, Recorded: 21},
		},
		"Invented": {
			reason:  "what the recording does not have is invented",
			decided: []float64{4, 5, 4, 4}, recorded: []float64{4, 4, 4, 4},
			want: Fidelity{Slots: 4, Agreed: 3, Invented: 2, Difference: 1, Recorded: 16},
		},
		"Between": {
			reason:  "between equal samples the count was the same; before a change nobody knows",
			decided: []float64{4, 4, 4, 5, 5, 6}, recorded: []float64{4, gap, 4, gap, gap, 6}, reach: 5,
			want: Fidelity{Slots: 4, Agreed: 4, Changes: 1, Matched: 1, Recorded: 18},
		},
		"Gap": {
			reason:  "what changed over a gap longer than the lookback is no change of one slot",
			decided: []float64{4, 4, 4, 4, 6}, recorded: []float64{4, gap, gap, gap, 8}, reach: 3,
			want: Fidelity{Slots: 2, Agreed: 1, Difference: 2, Recorded: 12},
		},
		"Nothing": {
			reason:  "without a count nothing is compared",
			decided: []float64{4, 4}, recorded: []float64{gap, gap}, want: Fidelity{},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Fidelity{Other: c.other}
			got.compare(c.decided, c.recorded, max(c.reach, 1))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.reason, diff)
			}
		})
	}
}

func TestUnfaithful(t *testing.T) {
	cases := map[string]struct {
		reason string
		f      Fidelity
		want   string
	}{
		"Total":       {"a total does not depend on the replicas, whoever ran", Fidelity{Slots: 10, Difference: 50, Recorded: 100, Changes: 9}, ""},
		"Half":        {"half a replica may always be wrong", Fidelity{Depends: true, Slots: 10, Difference: 5, Recorded: 20}, ""},
		"FivePerCent": {"of many replicas 5 %", Fidelity{Depends: true, Slots: 10, Difference: 50, Recorded: 1000}, ""},
		"Error":       {"and no more", Fidelity{Depends: true, Slots: 10, Difference: 51, Recorded: 1000}, "it is 5.1 replicas (6 % of what ran) from the recorded count on average, more than 5 %"},
		"Few":         {"four changes prove nothing", Fidelity{Depends: true, Slots: 10, Recorded: 1000, Changes: 4}, ""},
		"Matched":     {"of five, four must match", Fidelity{Depends: true, Slots: 10, Recorded: 1000, Changes: 5, Matched: 4}, ""},
		"Unmatched":   {"three do not do", Fidelity{Depends: true, Slots: 10, Recorded: 1000, Changes: 5, Matched: 3}, "it makes 3 of the 5 recorded changes, fewer than 80 %"},
		"Unknown":     {"what is not compared is not unfaithful", Fidelity{Depends: true}, ""},
	}
	for name, c := range cases {
		if got := c.f.Unfaithful(); got != c.want {
			t.Errorf("%s: %s: got %q, want %q", name, c.reason, got, c.want)
		}
	}
}

const cluster = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: cluster}
spec:
  seed: 1
  start: "2026-11-30T13:25:40Z"
  duration: 14m
  recordings: [{file: %s, format: openmetrics}]
  replay: {readyAfter: 0s}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: b, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: b}
  minReplicas: 2
  maxReplicas: 30
  pollingIntervalSeconds: 15
  metrics: [{prometheus: {query: 'demand{app="b"}', target: {type: AverageValue, averageValue: 10}}}]
  behavior:
    scaleUp:
      tolerance: "0.1"
      policies: [{type: Count, value: 4, periodSeconds: 60}, {type: Percent, value: 50, periodSeconds: 60}]
    scaleDown:
      stabilizationWindowSeconds: 60
      tolerance: "0.1"
      policies: [{type: Percent, value: 25, periodSeconds: 60}]
`

// TestFidelityOfACluster holds that the replay of what the controller itself did
// in a cluster (Kubernetes 1.35, a scrape every 5 s) is what it did there: each
// count that a scrape shows last before a slot. They are taken from the lines of
// the file, by nothing that replays.
func TestFidelityOfACluster(t *testing.T) {
	path, err := filepath.Abs("testdata/cluster.om.gz")
	if err != nil {
		t.Fatal(err)
	}
	in, autoscalers := openFile(t, loadText(t, fmt.Sprintf(cluster, path)))
	result, err := in.Play(context.Background(), autoscalers, Options{Fidelity: true})
	if err != nil {
		t.Fatal(err)
	}
	o := &result.Objects[0]
	want := Fidelity{}
	samples := samplesOf(t, path, "kube_deployment_spec_replicas")
	const interval = 15_000
	slot := int64(1796045148_000) // 13:25:48
	last := math.NaN()
	for ; slot < in.end; slot += interval {
		count := math.NaN()
		for _, s := range samples {
			if s.at >= slot && s.at < slot+interval {
				count = s.value
			}
		}
		if math.IsNaN(count) {
			continue
		}
		want.Slots++
		want.Recorded += count
		difference := math.Abs(o.Spec.At((slot+interval)/1000-1) - count)
		want.Difference += difference
		if difference == 0 {
			want.Agreed++
		}
		if !math.IsNaN(last) && last != count {
			want.Changes++
		}
		last = count
	}
	want.Matched, want.ReadyDifference = want.Changes, o.Fidelity.ReadyDifference
	if diff := cmp.Diff(&want, o.Fidelity); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if o.Fidelity.Percent() != 100 || want.Slots < 40 || want.Changes != 13 {
		t.Errorf("%+v: want 100 %% of at least 40 slots, with 13 changes", o.Fidelity)
	}
}

// A sample is one of a file's lines, at Unix milliseconds.
type fileSample struct {
	at    int64
	value float64
}

// samplesOf reads a metric's lines from an OpenMetrics file.
func samplesOf(t *testing.T, path, metric string) []fileSample {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []fileSample
	for scan := bufio.NewScanner(text); scan.Scan(); {
		words := strings.Fields(scan.Text())
		if !strings.HasPrefix(words[0], metric+"{") {
			continue
		}
		value, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		seconds, err := strconv.ParseFloat(words[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fileSample{int64(math.Round(seconds * 1000)), value})
	}
	return out
}

// TestOtherAutoscaler holds that a shift is allowed where an HPA of the recording
// had the target, and only there.
func TestOtherAutoscaler(t *testing.T) {
	for target, want := range map[string]string{"web": "HorizontalPodAutoscaler default/w", "api": ""} {
		text := fmt.Sprintf("kube_horizontalpodautoscaler_info{namespace=\"default\",horizontalpodautoscaler=\"w\",scaletargetref_kind=\"Deployment\",scaletargetref_name=%q} 1 1767600000\n# EOF\n", target)
		path := filepath.Join(t.TempDir(), "hpa.om")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		result, _ := playText(t, replayText("", utilization, stateSeries+"  recordings: [{file: "+path+"}]\n"))
		if got := result.Objects[0].Fidelity; got.Other != want || !got.Depends {
			t.Errorf("an HPA of %s: %+v, want %q and a metric that depends on the replicas", target, got, want)
		}
	}
}

// TestDistinctCounts holds which series of a target's counts are refused.
func TestDistinctCounts(t *testing.T) {
	const one = "kube_deployment_status_replicas_ready{namespace=\"default\",deployment=\"web\",%s} 4 %d\n"
	line := func(labels string, from, to int) string {
		var b strings.Builder
		for at := from; at < to; at += 15 {
			fmt.Fprintf(&b, one, labels, 1767600000+at)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ reason, text, want string }{
		"Clusters": {"two clusters at one time", line(`cluster="a"`, 0, 600) + line(`cluster="b"`, 0, 600), "2 series of the counts of Deployment default/web, which differ in cluster (a, b); take one of them with --label cluster=a"},
		"Regions":  {"another label", line(`region="a"`, 0, 600) + line(`region="b"`, 300, 600), "which differ in region (a, b)"},
		"Moved":    {"one cluster after the other", line(`cluster="a"`, 0, 300) + line(`cluster="b"`, 300, 600), ""},
		"Scrapers": {"two scrapers see the same", line(`instance="a",job="ksm"`, 0, 600) + line(`instance="b",job="ksm"`, 0, 600), ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "counts.om")
			if err := os.WriteFile(path, []byte(c.text+"# EOF\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			in, autoscalers := openFile(t, loadText(t, replayText("", utilization, "  recordings: [{file: "+path+"}]\n")))
			_, err := in.Play(context.Background(), autoscalers, Options{})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
			}
		})
	}
}
