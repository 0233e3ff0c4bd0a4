package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// period is that of the autoscalers' only rate policy, in seconds: one replica
// a period.
const period = 3

// TestKilled kills the built controller with -9 and starts it again, while three
// autoscalers that decide every second want more replicas than their rate allows.
// No restart may gain a replica, or cost the growth.
func TestKilled(t *testing.T) {
	config := servertest.Config(t)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"1000"]}]}}`, r.FormValue("time"))
	}))
	defer prometheus.Close()
	directory := t.TempDir()
	c := &process{
		t: t, binary: build(t, directory), journal: filepath.Join(directory, "journal"),
		kubeconfig: filepath.Join(directory, "kubeconfig"), prometheus: prometheus.URL,
	}
	if err := os.WriteFile(c.kubeconfig, servertest.Environment(t).KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"killed-a", "killed-b", "killed-c"}
	for _, name := range names {
		for _, o := range []client.Object{deployment(name, 1), greedy(name)} {
			if err := api.Create(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = api.Delete(context.Background(), o) }()
		}
	}
	replicas := func(name string) int32 {
		o := &appsv1.Deployment{}
		if err := api.Get(context.Background(), types.NamespacedName{Namespace: "default", Name: name}, o); err != nil {
			t.Fatal(err)
		}
		return *o.Spec.Replicas
	}
	for life := range 4 {
		c.start()
		grown := replicas(names[0]) + 1
		err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, timeout, true, func(context.Context) (bool, error) {
			return replicas(names[0]) >= grown, nil
		})
		if err != nil {
			t.Fatalf("life %d: no growth: %v\n%s", life, err, c.output.String())
		}
		if life < 3 {
			c.kill()
		}
	}
	c.terminate()

	first, last := map[string]slot.Slot{}, map[string]*journal.Record{}
	for _, r := range c.records() {
		before := last[r.Name]
		if before == nil {
			first[r.Name] = r.Slot
		} else if r.Slot <= before.Slot {
			t.Errorf("%s: slot %s was decided twice", r.Name, r.Slot)
		}
		if r.Known && r.Desired > r.Scale.Spec+1 {
			t.Errorf("%s at %s: from %d to %d", r.Name, r.Slot, r.Scale.Spec, r.Desired)
		}
		last[r.Name] = r
	}
	for _, name := range names {
		if last[name] == nil {
			t.Errorf("%s was never decided", name)
			continue
		}
		elapsed := int32(last[name].Slot - first[name])
		if got, most := replicas(name), 1+elapsed/period+1; got > most || got < 4 && name == names[0] {
			t.Errorf("%s has %d replicas after %d s, at most %d are right", name, got, elapsed, most)
		}
		if got := replicas(name); got != last[name].Desired {
			t.Errorf("%s has %d replicas, the last decision was %d", name, got, last[name].Desired)
		}
	}
}

// build builds the controller.
func build(t testing.TB, directory string) string {
	t.Helper()
	binary := filepath.Join(directory, "controller")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// A process is the controller, one life after the other.
type process struct {
	t                                       *testing.T
	binary, journal, kubeconfig, prometheus string
	command                                 *exec.Cmd
	output                                  bytes.Buffer
}

func (c *process) start() {
	c.t.Helper()
	c.command = exec.Command(c.binary, "--kubeconfig", c.kubeconfig, "--prometheus-uri", c.prometheus,
		"--journal-dir", c.journal, "--leader-elect=false", "--metrics-port", "0", "--health-probe-address", "127.0.0.1:0")
	c.command.Stderr = &c.output
	if err := c.command.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = c.command.Process.Kill() })
}

func (c *process) kill() {
	c.t.Helper()
	if err := c.command.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.command.Wait() // says that it was killed
}

func (c *process) terminate() {
	c.t.Helper()
	if err := c.command.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := c.command.Wait(); err != nil {
		c.t.Errorf("after SIGTERM: %v\n%s", err, c.output.String())
	}
}

// records are those of all files, by object and slot. Each file must verify.
func (c *process) records() []*journal.Record {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.journal, "*.jsonl*"))
	if err != nil || len(files) < 4 {
		c.t.Fatalf("journal files %q, %v", files, err)
	}
	var records []*journal.Record
	for _, path := range files {
		text := read(c.t, path)
		found, err := journal.Verify(bytes.NewReader(text), path)
		if err != nil || found.Gaps > 0 || found.Verified != found.Records {
			c.t.Errorf("%s: %+v, %v", path, found, err)
		}
		lines := journal.NewReader(bytes.NewReader(text), path)
		for line, err := lines.Next(); err == nil; line, err = lines.Next() {
			if line.Outcome != nil && line.Outcome.Result != cycle.Applied {
				c.t.Errorf("%s: %+v", path, line.Outcome)
			}
			if line.Record != nil {
				records = append(records, line.Record)
			}
		}
	}
	slices.SortStableFunc(records, func(a, b *journal.Record) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return int(a.Slot - b.Slot)
	})
	return records
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return content
	}
	zipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func deployment(name string, replicas int32) client.Object {
	o := objectOf(cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: name})
	o.Object["spec"] = workloadSpec(cycle.TargetRef{Kind: "Deployment", Name: name}, replicas)
	return o
}

// greedy is an autoscaler that wants 100 replicas, one a period.
func greedy(name string) client.Object {
	ten, second := resource.MustParse("10"), int32(1)
	return &v1alpha1.HorizontalAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: v1alpha1.HorizontalAutoscalerSpec{
			ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicas:    1, MaxReplicas: 100, PollingIntervalSeconds: &second,
			Metrics: []v1alpha1.Metric{{Prometheus: &v1alpha1.PrometheusMetricSource{
				Query: "demand", Target: v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &ten},
			}}},
			Behavior: v1alpha1.Behavior{ScaleUp: &v1alpha1.ScalingRules{
				Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: 1, PeriodSeconds: period}},
			}},
		},
	}
}
