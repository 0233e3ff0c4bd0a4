package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// metricsGroup is the API through which the HPA controller asks for external
// metrics.
const metricsGroup = "external.metrics.k8s.io"

// An adapter answers the HPA controller's reads of external metrics by instant
// queries, and notes when it was asked.
type adapter struct {
	source *server
	// queries has the queries behind the metric of each namespace.
	queries map[string]string

	mu    sync.Mutex
	asked map[string][]time.Time
}

// serveMetrics starts the adapter and has the API server forward to it.
func (p *plane) serveMetrics(ctx context.Context, source *server, queries map[string]string) (*adapter, error) {
	a := &adapter{source: source, queries: queries, asked: map[string][]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/"+metricsGroup+"/v1beta1", a.discover)
	mux.HandleFunc("GET /apis/"+metricsGroup+"/v1beta1/namespaces/{namespace}/{metric}", a.answer)
	listening := httptest.NewTLSServer(mux) // until this program ends
	_, port, err := net.SplitHostPort(listening.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	return a, p.registerMetrics(ctx, port)
}

// registerMetrics has the API server forward reads of external metrics to a port of
// the loopback interface.
func (p *plane) registerMetrics(ctx context.Context, port string) error {
	number := resource.MustParse(port)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "external-metrics"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	if err := p.client.Create(ctx, service); err != nil {
		return err
	}
	registered := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": "v1beta1." + metricsGroup},
		"spec": map[string]any{
			"group": metricsGroup, "version": "v1beta1", "insecureSkipTLSVerify": true,
			"groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"service": map[string]any{"namespace": "default", "name": "external-metrics", "port": number.Value()},
		},
	}}
	return p.client.Create(ctx, registered)
}

func (a *adapter) discover(w http.ResponseWriter, _ *http.Request) {
	write(w, metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: metricsGroup + "/v1beta1",
		APIResources: []metav1.APIResource{{Name: metricName, Namespaced: true, Kind: "ExternalMetricValueList", Verbs: metav1.Verbs{"get"}}},
	})
}

func (a *adapter) answer(w http.ResponseWriter, r *http.Request) {
	namespace, now := r.PathValue("namespace"), time.Now()
	value, err := a.source.ask(r.Context(), a.queries[namespace], now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	a.mu.Lock()
	a.asked[namespace] = append(a.asked[namespace], now)
	a.mu.Unlock()
	write(w, map[string]any{
		"kind": "ExternalMetricValueList", "apiVersion": metricsGroup + "/v1beta1", "metadata": map[string]any{},
		"items": []any{map[string]any{
			"metricName": metricName, "metricLabels": map[string]string{}, "timestamp": metav1.NewTime(now),
			"value": fmt.Sprintf("%dm", int64(value*1000+0.5)),
		}},
	})
}

// times returns the instants at which the HPA of a namespace was decided.
func (a *adapter) times(namespace string) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]time.Time(nil), a.asked[namespace]...)
}

func write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the caller has gone
}
