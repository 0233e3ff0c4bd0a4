package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

const (
	// isolationInterval is that of the autoscalers that must not suffer, in seconds.
	isolationInterval = 5
	// hangingQueries is how many queries each autoscaler has that hangs.
	hangingQueries = 16
	tenant         = "tenant-that-hangs"
)

// TestIsolation runs the built controller while the queries of one namespace
// hang, 16 of each of many autoscalers that want a decision a second. In the
// other namespaces at least 99 % of the slots must be decided, p99 less than a
// second late. KARPENTER_HANG says how many autoscalers hang, and has it take a
// minute instead of twenty seconds.
func TestIsolation(t *testing.T) {
	hanging, span := 70, 20*time.Second
	if text := os.Getenv("KARPENTER_HANG"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("KARPENTER_HANG=%s: want how many autoscalers hang", text)
		}
		hanging, span = n, time.Minute
	}
	s := newIsolation(t)
	healthy := 0
	for _, namespace := range []string{"shop", "lab", "office"} {
		for i := range 4 {
			s.create(namespace, fmt.Sprintf("app-%d", i), isolationInterval, fmt.Sprintf(`load{namespace="%s",app="%d"}`, namespace, i))
			healthy++
		}
	}
	for i := range hanging {
		var queries []string
		for k := range hangingQueries {
			queries = append(queries, fmt.Sprintf("hang + %d + %d", i, k))
		}
		s.create(tenant, fmt.Sprintf("slow-%d", i), 1, queries...)
	}
	stub := &hangingPrometheus{}
	server := httptest.NewServer(stub)
	defer server.Close()
	directory := t.TempDir()
	p := &process{
		t: t, name: "controller", binary: build(t, directory), journal: filepath.Join(directory, "journal"),
		flags: []string{"--kubeconfig", kubeconfig(t, directory), "--prometheus-uri", server.URL, "--leader-elect=false"},
	}
	p.start()
	time.Sleep(2*isolationInterval*time.Second + time.Second) // everybody has begun
	from := time.Now()
	time.Sleep(span)
	to := time.Now()
	p.terminate()
	server.CloseClientConnections()

	decided := decisionsBetween(t, p.journal, from, to)
	late := stub.between(from, to)
	slices.Sort(late)
	due := float64(healthy) * span.Seconds() / isolationInterval
	t.Logf("%d of about %.0f slots decided beside %d autoscalers that hang, which had %d; queries were asked %s late in the median, p99 %s",
		decided.healthy, due, hanging, decided.hanging, late[len(late)/2], late[len(late)*99/100])
	// A slot at either end may be in or out.
	if share := float64(decided.healthy+healthy) / due; share < 0.99 || decided.missed > int(math.Floor(due/100)) {
		t.Errorf("%d slots of %.0f decided, %d missed", decided.healthy, due, decided.missed)
	}
	if p99 := late[len(late)*99/100]; p99 >= time.Second {
		t.Errorf("p99 of the lateness is %s", p99)
	}
	if decided.hanging == 0 {
		t.Error("those that hang are never decided: they should hold, with a code")
	}
}

// isolation makes the objects.
type isolation struct {
	t          *testing.T
	api        client.Client
	namespaces []string
}

func newIsolation(t *testing.T) *isolation {
	t.Helper()
	config, scheme := servertest.Config(t), runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	s := &isolation{t: t, api: api}
	t.Cleanup(func() {
		for _, namespace := range s.namespaces {
			if err := api.DeleteAllOf(context.Background(), &v1alpha1.HorizontalAutoscaler{}, client.InNamespace(namespace)); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

// create makes an autoscaler. Its target is not there: what matters is when it
// is decided.
func (s *isolation) create(namespace, name string, interval int32, queries ...string) {
	s.t.Helper()
	if !slices.Contains(s.namespaces, namespace) {
		s.namespaces = append(s.namespaces, namespace)
		err := s.api.Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			s.t.Fatal(err)
		}
	}
	ten := resource.MustParse("10")
	a := &v1alpha1.HorizontalAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.HorizontalAutoscalerSpec{
			ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicas:    1, MaxReplicas: 5, PollingIntervalSeconds: &interval,
		},
	}
	for _, query := range queries {
		a.Spec.Metrics = append(a.Spec.Metrics, v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{
			Query: query, Target: v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &ten},
		}})
	}
	if err := s.api.Create(context.Background(), a); err != nil {
		s.t.Fatal(err)
	}
}

// A hangingPrometheus never answers a query that says so, and notes how late the
// others are asked.
type hangingPrometheus struct {
	mu    sync.Mutex
	asked []asked
}

type asked struct{ at, slot time.Time }

func (p *hangingPrometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.FormValue("query"), "hang") {
		<-r.Context().Done()
		return
	}
	at, err := strconv.ParseFloat(r.FormValue("time"), 64)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, asked{time.Now(), time.UnixMilli(int64(at * 1000))})
	p.mu.Unlock()
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"40"]}]}}`, r.FormValue("time"))
}

// between is how late the queries of a time were asked.
func (p *hangingPrometheus) between(from, to time.Time) []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var late []time.Duration
	for _, a := range p.asked {
		if !a.at.Before(from) && a.at.Before(to) {
			late = append(late, a.at.Sub(a.slot))
		}
	}
	return late
}

// decisions are how many slots were decided, and missed among the healthy.
type decisions struct{ healthy, hanging, missed int }

// decisionsBetween counts the journals' records of a time.
func decisionsBetween(t *testing.T, directory string, from, to time.Time) decisions {
	t.Helper()
	var d decisions
	for _, life := range readJournals(t, directory).files {
		for _, records := range life.records {
			for _, r := range records {
				switch {
				case r.Slot < slot.At(from) || r.Slot >= slot.At(to):
				case r.Namespace == tenant:
					d.hanging++
				default:
					d.healthy++
					d.missed += int(r.Missed)
				}
			}
		}
	}
	return d
}
