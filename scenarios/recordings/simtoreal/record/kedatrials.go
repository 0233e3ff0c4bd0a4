package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kedaLength is how long trials last, in seconds.
const kedaLength = 250

// A kedaTrial is a ScaledObject, what happens to it, and what KEDA and its HPA made of
// the replicas; times are seconds.
type kedaTrial struct {
	Name          string           `json:"name"`
	ScaledObject  map[string]any   `json:"scaledObject"`
	StartReplicas int32            `json:"startReplicas"`
	Inputs        []kedaInput      `json:"inputs,omitempty"`
	Observed      []kedaCount      `json:"observed"`
	Outages       []kedaOutage     `json:"outages,omitempty"`
	Annotations   []kedaAnnotation `json:"annotations,omitempty"`
	ByHand        []kedaByHand     `json:"byHand,omitempty"`
	Zero          string           `json:"zero"`

	// more are fields of the spec besides those that all trials have; cron is the
	// window of a cron trigger in minutes.
	more map[string]any
	cron []int
	bare bool // of a query
	cpu  bool
}

// A kedaInput is a load from a second on; without a value there is no series.
type kedaInput struct {
	T     int      `json:"t"`
	Value *float64 `json:"value"`
}

type kedaCount struct {
	T        float64 `json:"t"`
	Replicas int32   `json:"replicas"`
}

type kedaByHand struct {
	T        int   `json:"t"`
	Replicas int32 `json:"replicas"`
}

type kedaOutage struct {
	Query string `json:"query"`
	From  int    `json:"from"`
	To    int    `json:"to"`
}

type kedaAnnotation struct {
	T     int    `json:"t"`
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// kedaTrials are trials of each supported form, under other loads and limits than
// those of the testdata.
func kedaTrials() []kedaTrial {
	// load is a course: seconds, each with the load from then on, NaN for none.
	load := func(course ...float64) []kedaInput {
		inputs := make([]kedaInput, len(course)/2)
		for i := range inputs {
			inputs[i].T = int(course[2*i])
			if value := course[2*i+1]; !math.IsNaN(value) {
				inputs[i].Value = &value
			}
		}
		return inputs
	}
	gone := math.NaN()
	outage := func(name string) []kedaOutage { return []kedaOutage{{fmt.Sprintf("load{app=%q}", name), 60, 140}} }
	return []kedaTrial{
		{Name: "more-prometheus", StartReplicas: 2, Inputs: load(-20, 15, 50, 62, 110, 28, 170, 0), more: map[string]any{"maxReplicaCount": int64(6)}},
		{Name: "more-activation", StartReplicas: 1, Inputs: load(-20, 8, 40, 33, 100, 9), more: map[string]any{"activationThreshold": "20"}},
		{Name: "more-cooldown", StartReplicas: 1, Inputs: load(-20, 0, 40, 12, 80, 0), more: map[string]any{"cooldownPeriod": int64(75)}},
		{Name: "more-idle", StartReplicas: 3, Inputs: load(-20, 0, 40, 5, 110, 0), more: map[string]any{"minReplicaCount": int64(3), "idleReplicaCount": int64(0)}},
		{Name: "more-initial-cooldown", StartReplicas: 4, Inputs: load(-20, 0), more: map[string]any{"initialCooldownPeriod": int64(100)}},
		{Name: "more-fallback", StartReplicas: 1, Inputs: load(-20, 18), Outages: outage("more-fallback"),
			more: map[string]any{"fallback": map[string]any{"failureThreshold": int64(2), "replicas": int64(5)}}},
		{Name: "more-pause", StartReplicas: 1, Inputs: load(-20, 25, 70, 55), Annotations: []kedaAnnotation{{50, "paused", "true"}, {130, "paused", ""}}},
		{Name: "more-formula", StartReplicas: 1, Inputs: load(-20, 0, 40, 20, 120, 0), more: map[string]any{"formula": "(a + a) / 2 * 3"}},
		{Name: "more-value", StartReplicas: 1, Inputs: load(-20, 4, 45, 13, 130, 0), more: map[string]any{"metricType": "Value", "maxReplicaCount": int64(4)}},
		{Name: "more-null", StartReplicas: 1, Inputs: load(-20, 35, 60, gone, 140, 22), more: map[string]any{}},
		{Name: "more-null-held", StartReplicas: 1, Inputs: load(-20, 35, 60, gone, 140, 52), more: map[string]any{"ignoreNullValues": "false"}},
		{Name: "more-paused-replicas", StartReplicas: 1, Inputs: load(-20, 25), Annotations: []kedaAnnotation{{50, "paused-replicas", "6"}, {130, "paused-replicas", ""}}},
		{Name: "more-pause-in", StartReplicas: 1, Inputs: load(-20, 45, 60, 11), Annotations: []kedaAnnotation{{40, "paused-scale-in", "true"}, {140, "paused-scale-in", ""}}},
		{Name: "more-forced", StartReplicas: 1, Inputs: load(-20, 0), Annotations: []kedaAnnotation{{40, "force-activation", "true"}, {110, "force-activation", ""}}},
		{Name: "more-by-hand", StartReplicas: 1, Inputs: load(-20, 25), ByHand: []kedaByHand{{60, 7}, {120, 0}}},
		{Name: "more-rates", StartReplicas: 1, Inputs: load(-20, 5, 40, 95), more: map[string]any{"scaleUp": map[string]any{"policies": []any{map[string]any{"type": "Pods", "value": int64(2), "periodSeconds": int64(30)}}}}},
		{Name: "more-without-behavior", StartReplicas: 1, Inputs: load(-20, 0, 40, 75, 110, 0), more: map[string]any{"behavior": nil}},
		{Name: "more-cron", StartReplicas: 1, cron: []int{1, 2}, bare: true},
		{Name: "more-cron-cpu", StartReplicas: 1, cron: []int{1, 3}, bare: true, cpu: true},
		{Name: "more-cpu", StartReplicas: 0, bare: true, cpu: true, ByHand: []kedaByHand{{100, 0}}},
	}
}

// spec is the spec of a trial whose Prometheus stands at an address.
func (t *kedaTrial) spec(zero time.Time, address, target string) map[string]any {
	spec := map[string]any{
		"scaleTargetRef": map[string]any{"name": target}, "pollingInterval": int64(5), "cooldownPeriod": int64(30),
		"minReplicaCount": int64(0), "maxReplicaCount": int64(10),
	}
	behavior := map[string]any{"scaleDown": map[string]any{"stabilizationWindowSeconds": int64(0)}}
	advanced := map[string]any{"horizontalPodAutoscalerConfig": map[string]any{"behavior": behavior}}
	query := map[string]any{"query": fmt.Sprintf("load{app=%q}", t.Name), "threshold": "10"}
	if address != "" {
		query["serverAddress"] = address
	}
	trigger := map[string]any{"type": "prometheus", "name": "a", "metadata": query}
	for key, value := range t.more {
		switch key {
		case "activationThreshold", "ignoreNullValues":
			query[key] = value
		case "scaleUp":
			behavior[key] = value
		case "behavior":
			delete(advanced, "horizontalPodAutoscalerConfig")
		case "metricType":
			trigger[key] = value
		case "formula":
			advanced["scalingModifiers"] = map[string]any{"formula": value, "target": "10", "metricType": "AverageValue"}
		default:
			spec[key] = value
		}
	}
	var triggers []any
	if t.cron != nil {
		at := func(minutes int) string {
			when := zero.UTC().Add(time.Duration(minutes) * time.Minute)
			return fmt.Sprintf("%d %d * * *", when.Minute(), when.Hour())
		}
		triggers = append(triggers, map[string]any{"type": "cron", "metadata": map[string]any{"timezone": "Etc/UTC", "start": at(t.cron[0]), "end": at(t.cron[1]), "desiredReplicas": "3"}})
	}
	if !t.bare {
		triggers = append(triggers, trigger)
	}
	if t.cpu {
		triggers = append(triggers, map[string]any{"type": "cpu", "metricType": "Utilization", "metadata": map[string]any{"value": "50"}})
	}
	spec["triggers"], spec["advanced"] = triggers, advanced
	return spec
}

// object is the ScaledObject that is created.
func (t *kedaTrial) object(zero time.Time, address string) *unstructured.Unstructured {
	if address != "" {
		address += "/" + t.Name
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
		"metadata": map[string]any{"namespace": t.Name, "name": t.Name}, "spec": t.spec(zero, address, "web"),
	}}
}

// asRecorded is the ScaledObject as the testdata have it: all in one namespace, each
// with a target of its own name.
func (t *kedaTrial) asRecorded(zero time.Time) map[string]any {
	return map[string]any{
		"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
		"metadata": map[string]any{"namespace": "shop", "name": t.Name}, "spec": t.spec(zero, "", t.Name),
	}
}

// changeKEDA does what happens to a trial at a second: annotations, and counts by hand.
func (p *plane) changeKEDA(ctx context.Context, t *kedaTrial, second int) error {
	patch := func(object *unstructured.Unstructured, format string, args ...any) error {
		return p.client.Patch(ctx, object, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, format, args...)))
	}
	for _, a := range t.Annotations {
		if a.T != second {
			continue
		}
		value := "null"
		if a.Value != "" {
			value = fmt.Sprintf("%q", a.Value)
		}
		if err := patch(t.object(time.Time{}, ""), `{"metadata":{"annotations":{"autoscaling.keda.sh/%s":%s}}}`, a.Key, value); err != nil {
			return err
		}
	}
	for _, h := range t.ByHand {
		if h.T != second {
			continue
		}
		deployment := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"namespace": t.Name, "name": "web"}}}
		if err := patch(deployment, `{"spec":{"replicas":%d}}`, h.Replicas); err != nil {
			return err
		}
	}
	return nil
}

// A gate stands before a Prometheus: below the name of a trial it answers as that does,
// but not while it is shut for it.
type gate struct {
	*httptest.Server
	mu     sync.Mutex
	closed map[string]bool
}

func newGate(address string) (*gate, error) {
	to, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	g := &gate{closed: map[string]bool{}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		g.mu.Lock()
		closed := g.closed[name]
		g.mu.Unlock()
		if closed {
			http.Error(w, "shut", http.StatusServiceUnavailable)
			return
		}
		http.StripPrefix("/"+name, proxy).ServeHTTP(w, r)
	}))
	return g, nil
}

// shut shuts the gate for a trial, or opens it.
func (g *gate) shut(name string, shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed[name] = shut
}
