package kubernetes_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
)

// faults are what strikes a controller from outside. They may be switched while
// it runs.
type faults struct {
	// prometheus answers queries, or is nil for a healthy server's answer.
	prometheus atomic.Pointer[http.HandlerFunc]
	// api answers in the API server's place if it says so.
	api atomic.Pointer[func(*http.Request) (*http.Response, error)]
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handler := f.prometheus.Load(); handler != nil {
		(*handler)(w, r)
		return
	}
	answer(`{"metric":{},"value":[1,"80"]}`)(w, r)
}

func answer(samples string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, samples)
	}
}

// answer has a healthy server give another value.
func (f *faults) answer(value string) {
	handler := answer(`{"metric":{},"value":[1,"` + value + `"]}`)
	f.prometheus.Store(&handler)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

type faultyTransport struct {
	*faults
	next http.RoundTripper
}

func (f *faultyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if api := f.api.Load(); api != nil {
		if response, err := (*api)(r); response != nil || err != nil {
			return response, err
		}
	}
	return f.next.RoundTrip(r)
}

// refuse has the API server answer some requests with an error.
func refuse(method, path string, code int, reason metav1.StatusReason) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, path) {
			return nil, nil
		}
		body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, code)
		return &http.Response{
			StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
}

func late(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/scale") {
		return nil, context.DeadlineExceeded
	}
	return nil, nil
}

// TestFaults has one thing after the other go wrong. None may cost a replica;
// each must be named by a condition and a metric, and pass without help.
func TestFaults(t *testing.T) {
	f := &faults{}
	s := connect(t)
	s.config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &faultyTransport{f, next} })
	server := httptest.NewServer(f)
	defer server.Close()
	source, err := prometheus.New(prometheus.Options{URL: server.URL, Timeout: 100 * time.Millisecond})
	s.check(err)
	s.create(s.deployment("web", 8))
	a, zero := s.autoscaler("web", "web"), int32(0)
	a.Spec.Behavior.ScaleDown = &v1alpha1.ScalingRules{StabilizationWindowSeconds: &zero}
	s.create(a)
	r := s.runWith(s.autoscalerCreated("web").Add(time.Second), source)
	defer r.stop()
	r.decide(2)

	cases := []struct {
		reason     string
		prometheus http.HandlerFunc
		api        func(*http.Request) (*http.Response, error)
		message    string // of the condition
		metric     string
	}{
		{reason: "Prometheus hangs up", prometheus: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, message: "spec.metrics[0]: Unavailable: the server did not answer, or not properly", metric: `metric Unavailable`},
		{reason: "Prometheus is slow", prometheus: func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			<-r.Context().Done()
		}, message: "spec.metrics[0]: TimedOut: no answer in time", metric: `metric TimedOut`},
		{reason: "500", prometheus: status(500), message: "spec.metrics[0]: Unavailable: the server did not answer, or not properly", metric: `metric Unavailable`},
		{reason: "throttled", prometheus: status(429), message: "spec.metrics[0]: Throttled: the server asked to slow down", metric: `metric Throttled`},
		{reason: "credentials run out", prometheus: status(401), message: "spec.metrics[0]: Forbidden: Prometheus refuses the controller: check the credentials in --http.config.file, or of the source in --metrics-sources", metric: `metric Forbidden`},
		{reason: "truncated", prometheus: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"8`)
		}, message: "spec.metrics[0]: Unavailable: the server did not answer, or not properly", metric: `metric Unavailable`},
		{reason: "NaN", prometheus: answer(`{"metric":{},"value":[1,"NaN"]}`), message: "spec.metrics[0]: NaN: the value is NaN", metric: `metric NaN`},
		{reason: "empty", prometheus: answer(""), message: "spec.metrics[0]: Empty: no sample; nothing matched, or the series went stale", metric: `metric Empty`},
		{reason: "many series", prometheus: answer(`{"metric":{"a":"1"},"value":[1,"1"]},{"metric":{"a":"2"},"value":[1,"1"]}`), message: "spec.metrics[0]: ManySeries: more than one sample; aggregate in the query, e.g. sum(...)", metric: `metric ManySeries`},
		{reason: "the scale is throttled", api: refuse("GET", "/scale", 429, metav1.StatusReasonTooManyRequests), message: "Deployment web: Throttled: the server asked to slow down", metric: `target Throttled`},
		{reason: "the scale comes too late", api: late, message: "Deployment web: TimedOut: no answer in time", metric: `target TimedOut`},
		{reason: "the scale is forbidden", api: refuse("GET", "/scale", 403, metav1.StatusReasonForbidden), message: "Deployment web: Forbidden: give the controller's ClusterRole get and update of this kind's scale", metric: `target Forbidden`},
		{reason: "the server is broken", api: refuse("GET", "/scale", 500, metav1.StatusReasonInternalError), message: "Deployment web: Unavailable: the server did not answer, or not properly", metric: `target Unavailable`},
	}
	for _, c := range cases {
		if c.prometheus != nil {
			f.prometheus.Store(&c.prometheus)
		}
		if c.api != nil {
			f.api.Store(&c.api)
		}
		r.decide(2)
		active := meta.FindStatusCondition(r.autoscalerNow("web").Status.Conditions, v1alpha1.ActiveCondition)
		if active.Status != metav1.ConditionFalse || active.Message != c.message {
			t.Errorf("%s: condition %s %s: %s", c.reason, active.Status, active.Reason, active.Message)
		}
		if r.errors(c.metric) == 0 {
			t.Errorf("%s: the metric of %q counts nothing", c.reason, c.metric)
		}
		f.prometheus.Store(nil)
		f.api.Store(nil)
		r.decide(2)
		active = meta.FindStatusCondition(r.autoscalerNow("web").Status.Conditions, v1alpha1.ActiveCondition)
		if n := r.replicas("web"); n != 8 || active.Status != metav1.ConditionTrue {
			t.Errorf("%s: %d replicas afterwards, condition %s: %s", c.reason, n, active.Status, active.Message)
		}
	}
	r.testStore(f)
	r.testChange(f)
	r.testTarget()
	r.testDefinition()
}

// unreachable is a server that is being restarted.
func unreachable(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// testStore has the status refused, while a change of the metric asks for a write.
func (r *running) testStore(f *faults) {
	for _, c := range []struct {
		api    func(*http.Request) (*http.Response, error)
		metric string
		value  string
		want   int32
	}{
		{refuse("PATCH", "/web/status", 409, metav1.StatusReasonConflict), "store Conflict", "90", 9},
		{refuse("PATCH", "/web/status", 503, metav1.StatusReasonServiceUnavailable), "store Unavailable", "100", 10},
		{refuse("PATCH", "/web/status", 429, metav1.StatusReasonTooManyRequests), "store Throttled", "110", 11},
		{refuse("PATCH", "/web/status", 504, metav1.StatusReasonTimeout), "store TimedOut", "120", 12},
		{unreachable, "store Unavailable", "130", 13},
	} {
		before, counted := r.replicas("web"), r.errors(c.metric)
		f.api.Store(&c.api)
		f.answer(c.value)
		r.eventually(c.metric, func() bool {
			if r.clock.HasWaiters() {
				r.clock.Step(time.Second)
			}
			return r.errors(c.metric) > counted
		})
		if n := r.replicas("web"); n != before {
			r.t.Errorf("%s: scaled to %d although nothing was committed", c.metric, n)
		}
		f.api.Store(nil)
		r.decide(2)
		if n := r.replicas("web"); n != c.want {
			r.t.Errorf("after %s: %d replicas, want %d", c.metric, n, c.want)
		}
	}
}

// testChange has the target refuse a change that was decided.
func (r *running) testChange(f *faults) {
	for _, c := range []struct {
		api    func(*http.Request) (*http.Response, error)
		result string
		value  string
		want   int32
	}{
		{refuse("PUT", "/web/scale", 409, metav1.StatusReasonConflict), "Conflict", "140", 14},
		{refuse("PUT", "/web/scale", 429, metav1.StatusReasonTooManyRequests), "Throttled", "150", 15},
		{refuse("PUT", "/web/scale", 504, metav1.StatusReasonTimeout), "TimedOut", "160", 16},
		{refuse("PUT", "/web/scale", 403, metav1.StatusReasonForbidden), "Forbidden", "170", 17},
		{refuse("PUT", "/web/scale", 500, metav1.StatusReasonInternalError), "Unavailable", "180", 18},
		{refuse("PUT", "/web/scale", 403, metav1.StatusReasonForbidden), "Forbidden", "100", 10},
	} {
		before := r.replicas("web")
		for r.event() != "" { // those of before
		}
		f.api.Store(&c.api)
		f.answer(c.value)
		r.decide(3)
		r.told("FailedScale "+c.result, "FailedUpdateScale Deployment web: "+c.result+": the last change was not taken")
		able := meta.FindStatusCondition(r.autoscalerNow("web").Status.Conditions, v1alpha1.AbleToScaleCondition)
		if want := "Deployment web: " + c.result + ": the last change was not taken"; able.Status != metav1.ConditionFalse || !strings.HasPrefix(able.Message, want) {
			r.t.Errorf("%s: condition %s %s: %s", c.result, able.Status, able.Reason, able.Message)
		}
		if n := r.replicas("web"); n != before || r.counted("karpenter_autoscaling_outcomes_total", c.result) == 0 {
			r.t.Errorf("%s: %d replicas, the metric counts %d", c.result, n, r.counted("karpenter_autoscaling_outcomes_total", c.result))
		}
		f.api.Store(nil)
		r.decide(3)
		able = meta.FindStatusCondition(r.autoscalerNow("web").Status.Conditions, v1alpha1.AbleToScaleCondition)
		if n := r.replicas("web"); n != c.want || able.Status != metav1.ConditionTrue {
			r.t.Errorf("after %s: %d replicas, want %d, condition %s: %s", c.result, n, c.want, able.Status, able.Message)
		}
	}
}

// told has each of the texts be the beginning of the only warning with its reason: a
// fault that lasts is told once.
func (r *running) told(texts ...string) {
	r.t.Helper()
	times := map[string]int{}
	var all []string
	for e := r.event(); e != ""; e = r.event() {
		all = append(all, e)
		for _, text := range texts {
			if strings.HasPrefix(e, "Warning "+text) {
				times[text]++
			}
		}
	}
	for _, text := range texts {
		if times[text] != 1 {
			r.t.Errorf("%d events %s in %q", times[text], text, all)
		}
	}
}

// testTarget deletes the target and creates it again.
func (r *running) testTarget() {
	r.check(r.client.Delete(context.Background(), r.deployment("web", 0), client.GracePeriodSeconds(0)))
	r.decide(2)
	if got := meta.FindStatusCondition(r.autoscalerNow("web").Status.Conditions, v1alpha1.ActiveCondition).Message; got != "Deployment web: NotFound: no Deployment web in namespace "+r.namespace {
		r.t.Errorf("target deleted: %s", got)
	}
	r.create(r.deployment("web", 3))
	r.decide(2)
	if n := r.replicas("web"); n != 10 {
		r.t.Errorf("target recreated: %d replicas", n)
	}
}

// testDefinition edits the CRD, which ends all watches.
func (r *running) testDefinition() {
	definition := &apiextensionsv1.CustomResourceDefinition{}
	r.check(r.client.Get(context.Background(), types.NamespacedName{Name: "horizontalautoscalers.autoscaling.karpenter.sh"}, definition))
	columns := definition.Spec.Versions[0].AdditionalPrinterColumns
	definition.Spec.Versions[0].AdditionalPrinterColumns = columns[:len(columns)-1]
	r.check(r.client.Update(context.Background(), definition))
	r.decide(2)
	definition.Spec.Versions[0].AdditionalPrinterColumns = columns
	r.check(r.client.Update(context.Background(), definition))
	r.decide(2)
	if n := r.replicas("web"); n != 10 {
		r.t.Errorf("CRD edited: %d replicas", n)
	}
}

// errors is the count of errors by "SOURCE CODE".
func (r *running) errors(what string) int {
	return r.counted("karpenter_autoscaling_errors_total", strings.Fields(what)...)
}

// counted is a counter of the metric with all these labels' values.
func (r *running) counted(metric string, values ...string) int {
	families, err := r.registry.Gather()
	r.check(err)
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := fmt.Sprint(m.GetLabel())
			if !slices.ContainsFunc(values, func(v string) bool { return !strings.Contains(labels, `"`+v+`"`) }) {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}
