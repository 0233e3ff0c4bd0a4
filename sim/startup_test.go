package sim

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// began is the Unix time at which these replays begin.
const began = 1767600000

// A startedPod is one whose start-up was recorded, in seconds.
type startedPod struct{ created, wait, ready int }

// startupText is a replay in which 400 replicas are wanted where one runs, and
// start as recorded pods did.
func startupText(t *testing.T, replay string, seed int, pods []startedPod) string {
	t.Helper()
	var b strings.Builder
	for _, metric := range []string{"kube_pod_created", "kube_pod_status_scheduled_time", "kube_pod_status_ready_time"} {
		fmt.Fprintf(&b, "# TYPE %s gauge\n", metric)
		for i, p := range pods {
			created := began + p.created
			value := map[string]int{"kube_pod_created": created, "kube_pod_status_scheduled_time": created + p.wait}[metric]
			if value == 0 {
				value = created + p.ready
			}
			fmt.Fprintf(&b, "%s{namespace=\"default\",pod=\"web-%d\"} %d %d\n", metric, i, value, max(value, began))
		}
	}
	path := filepath.Join(t.TempDir(), "pods.om")
	if err := os.WriteFile(path, []byte(b.String()+"# TYPE other gauge\nother 1 1767600000\n# EOF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: startup}
spec:
  seed: %d
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  controller: {phase: aligned}
  replay: {%s}
  recordings: [{file: %s}]
  inputSeries: [{series: q, values: '400x40'}]
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 1}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 1000
  pollingIntervalSeconds: 15
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{prometheus: {query: q, target: {type: AverageValue, value: 1}}}]
  behavior: {scaleUp: {policies: [{type: Pods, value: 1000, periodSeconds: 15}]}}
`, seed, replay, path)
}

// TestStartupFollowsTheRecordedPods holds the time that replicas take to become
// ready, and the part of it without a node, to the distribution of the recorded
// pods: 20 s to 200 s, of which the slower half waited for 100 s.
func TestStartupFollowsTheRecordedPods(t *testing.T) {
	var pods []startedPod
	for i := 1; i <= 10; i++ {
		p := startedPod{ready: 20 * i}
		if i > 5 {
			p.wait = 100
		}
		pods = append(pods, p)
	}
	text := startupText(t, "readyAfter: recorded", 1, pods)
	result, decisions := playText(t, text)
	o := result.Objects[0]
	const launched = 399
	for i := 0; i <= 10; i++ {
		at := int64(began + 20*i + 10)
		if got, want := (o.Ready.At(at)-1)/launched, float64(i)/10; math.Abs(got-want) > 0.1 || i == 10 && got != 1 {
			t.Errorf("after %d s %.2f of the new replicas are ready, want about %.2f", 20*i+10, got, want)
		}
	}
	for i, at := range o.Ready.T {
		if i > 0 && (at-began)%20 != 0 {
			t.Errorf("replicas are ready %d s after they were asked for, as no recorded pod was", at-began)
		}
	}
	if got := o.Pending.At(began+50) / launched; math.Abs(got-0.5) > 0.1 {
		t.Errorf("%.2f of the new replicas wait for a node after 50 s, want about half", got)
	}
	if got := o.Pending.At(began + 100); got != 0 {
		t.Errorf("%v replicas wait for a node after 100 s, by when all recorded pods had one", got)
	}
	if want := "new replicas of web are ready after 20s to 3m20s (median 1m40s), each after the time that one of 10 recorded pods took; 5 of them waited for a node, up to 1m40s"; !slices.Contains(result.Notes, want) {
		t.Errorf("the report does not say %q, only:\n%s", want, strings.Join(result.Notes, "\n"))
	}

	again, same := playText(t, text)
	if !slices.Equal(again.Objects[0].Ready.V, o.Ready.V) || same != decisions {
		t.Error("the same seed gives another run")
	}
	other, _ := playText(t, strings.Replace(text, "seed: 1", "seed: 2", 1))
	if slices.Equal(other.Objects[0].Ready.V, o.Ready.V) {
		t.Error("another seed draws the same")
	}
	in, autoscalers := openFile(t, loadText(t, text))
	delay := 45 * time.Second
	fixed, err := in.Play(context.Background(), autoscalers, Options{ReadyAfter: &delay})
	if err != nil {
		t.Fatal(err)
	}
	if got := fixed.Objects[0].Ready; !slices.Equal(got.V, []float64{1, 400}) || got.T[1] != began+45 {
		t.Errorf("with a start-up of 45 s given, ready are %v at %v", got.V, got.T)
	}
}

// TestStartupThatIsNotDrawn gives all replicas the same start-up where the recording
// has no distribution of it, or the scenario says it.
func TestStartupThatIsNotDrawn(t *testing.T) {
	cases := map[string]struct {
		reason, replay string
		pods           []startedPod
		after          int64
		note           string
	}{
		"Median": {
			reason: "the recorded pods' median, the lower of two",
			pods:   []startedPod{{0, 0, 30}, {0, 5, 50}, {10, 0, 55}, {20, 0, 300}}, after: 50,
			note: "new replicas of web are ready after 50s; 4 recorded pods took 30s to 5m, 50s at the median; 1 of them waited for a node, up to 5s",
		},
		"NoPods": {
			reason: "without recorded pods, new replicas are ready at once",
			after:  0, note: "new replicas of web are ready at once: the recording has no pod start-up times",
		},
		"Older": {
			reason: "a pod that was created days before and became ready again an hour ago is no start-up of days",
			pods:   []startedPod{{-900, 0, 30}, {-900, 10, 40}, {-300000, 0, 290000}},
			after:  40, note: "new replicas of web are ready after 40s; 3 recorded pods took 40s at the median, none of which was created during the recording",
		},
		"Given": {
			reason: "what the scenario says goes before the recorded pods", replay: "readyAfter: 70s",
			pods: []startedPod{{0, 0, 30}, {0, 0, 50}}, after: 70,
			note: "new replicas of web are ready after 1m10s; 2 recorded pods took 30s to 50s, 30s at the median",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, _ := playText(t, startupText(t, c.replay, 1, c.pods))
			ready := result.Objects[0].Ready
			if last := len(ready.T) - 1; ready.V[last] != 400 || ready.T[last] != began+c.after || last > 1 {
				t.Errorf("%s: ready are %v at %v", c.reason, ready.V, ready.T)
			}
			if c.note != "" && !slices.Contains(result.Notes, c.note) {
				t.Errorf("%s: no %q in\n%s", c.reason, c.note, strings.Join(result.Notes, "\n"))
			}
		})
	}
}

// TestStartupThatNoPodSupports refuses to draw where there is nothing to draw from.
func TestStartupThatNoPodSupports(t *testing.T) {
	cases := map[string]struct {
		reason string
		pods   []startedPod
		want   string
	}{
		"NoPods": {
			reason: "what is not recorded cannot be drawn, and ready at once would be a guess",
			want:   "spec.replay.readyAfter: default/Deployment/web is to start as its recorded pods did, and the recording has no pod of it with kube_pod_created and kube_pod_status_ready_time; give a duration, such as 30s",
		},
		"Older": {
			reason: "pods older than the recording tell no distribution", pods: []startedPod{{-900, 0, 30}, {-900, 10, 40}},
			want: "none of its 2 recorded pods was created during the recording, so that only their median, 30s, means something; give that, or another duration",
		},
	}
	for name, c := range cases {
		in, autoscalers := openFile(t, loadText(t, startupText(t, "readyAfter: recorded", 1, c.pods)))
		if _, err := in.Play(context.Background(), autoscalers, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s: got %v, want %s", name, c.reason, err, c.want)
		}
	}
}
