package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientmodel "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

const (
	// soakObjects are there at any time; one goes and another comes every soakStep.
	soakObjects = 40
	soakStep    = time.Second
	// soakSample is the time between two looks at the memory.
	soakSample = 5 * time.Second
)

// TestSoak runs the built controller before a real API server and a real Prometheus
// for as long as KARPENTER_SOAK says, e.g. 2h, while everything around it goes wrong:
// Prometheus answers with errors, nothing, NaN or not at all; targets vanish and are
// scaled by hand; autoscalers come, go, are edited, broken and paused; the file of
// sources becomes wrong and right again. The memory that is left after a garbage
// collection must not grow, every journal file must verify, hanging queries may cost few
// slots, and the log may have no error but of the file.
func TestSoak(t *testing.T) {
	text := os.Getenv("KARPENTER_SOAK")
	if text == "" {
		t.Skip("set KARPENTER_SOAK, e.g. to 2h")
	}
	span, err := time.ParseDuration(text)
	if err != nil || span < time.Minute {
		t.Fatalf("KARPENTER_SOAK=%s: want a duration of 1m or more, e.g. 2h", text)
	}
	s := newSoak(t)
	memory := s.run(span)
	s.process.terminate()
	s.check(memory)
}

// A soak is a controller and what happens around it.
type soak struct {
	*observer
	random   *rand.Rand
	process  *process
	proxy    *moody
	sources  string
	names    []string // of the autoscalers that are there, oldest first
	created  int
	metrics  string
	profiles string
}

func newSoak(t *testing.T) *soak {
	s := &soak{observer: observe(t, "soak"), random: rand.New(rand.NewPCG(5, 6))}
	real := startPrometheus(t, export(t, []string{"all"}, rand.New(rand.NewPCG(7, 8))))
	s.proxy = newMoody(t, real)
	directory := t.TempDir()
	s.sources = filepath.Join(directory, "sources.yaml")
	s.rewrite(true)
	s.metrics, s.profiles = "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	s.process = &process{
		t: t, name: "controller", binary: build(t, directory), journal: filepath.Join(directory, "journal"),
		flags: []string{"--kubeconfig", kubeconfig(t, directory), "--prometheus-uri", s.proxy.url, "--leader-elect=false", "--metrics-sources", s.sources,
			"--query-timeout", "500ms", "--journal-max-bytes", "67108864", "--metrics-address", s.metrics, "--pprof", s.profiles},
	}
	for range soakObjects {
		s.come()
	}
	s.process.start()
	time.Sleep(5 * time.Second)
	return s
}

// rewrite writes the file of sources, right or wrong.
func (s *soak) rewrite(right bool) {
	s.t.Helper()
	address := s.proxy.url
	if !right {
		address = "nowhere"
	}
	if err := os.WriteFile(s.sources, fmt.Appendf(nil, "sources:\n  - {name: other, url: %q}\n", address), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// come creates an autoscaler under a name that nothing had before, with its target.
func (s *soak) come() {
	s.t.Helper()
	s.created++
	name := fmt.Sprintf("app-%06d", s.created)
	s.names = append(s.names, name)
	window := int32(s.random.IntN(30))
	a := autoscalerOf(name, v1alpha1.Behavior{ScaleDown: &v1alpha1.ScalingRules{StabilizationWindowSeconds: &window}})
	q := a.Spec.Metrics[0].Prometheus
	q.Query = fmt.Sprintf(`demand{app="all"} + %d`, s.created%100) // one of its own
	if s.created%3 == 0 {
		q.Source = "other"
	}
	s.create(deployment(name, 5), a)
}

// leave deletes the oldest autoscaler, and its target.
func (s *soak) leave() {
	s.t.Helper()
	name := s.names[0]
	s.names = s.names[1:]
	a, d := &v1alpha1.HorizontalAutoscaler{}, &appsv1.Deployment{}
	for _, o := range []client.Object{a, d} {
		o.SetNamespace(s.namespace)
		o.SetName(name)
		if err := client.IgnoreNotFound(s.client.Delete(context.Background(), o)); err != nil {
			s.t.Error(err)
		}
	}
}

// disturb does one thing to one object.
func (s *soak) disturb() {
	s.t.Helper()
	name := s.names[s.random.IntN(len(s.names))]
	a, d := &v1alpha1.HorizontalAutoscaler{}, &appsv1.Deployment{}
	a.Namespace, a.Name, d.Namespace, d.Name = s.namespace, name, s.namespace, name
	patch := func(o client.Object, format string, args ...any) {
		s.t.Helper()
		if err := client.IgnoreNotFound(s.client.Patch(context.Background(), o, client.RawPatch(types.MergePatchType, fmt.Appendf(nil, format, args...)))); err != nil {
			s.t.Error(err)
		}
	}
	pause := func(value string) {
		patch(a, `{"metadata":{"annotations":{"autoscaling.karpenter.sh/paused":%s}}}`, value)
	}
	switch s.random.IntN(9) {
	case 0:
		patch(d, `{"spec":{"replicas":%d}}`, s.random.IntN(30))
	case 1:
		if err := client.IgnoreNotFound(s.client.Delete(context.Background(), d)); err != nil {
			s.t.Error(err)
		}
	case 2:
		patch(a, `{"spec":{"maxReplicas":%d}}`, 5+s.random.IntN(50))
	case 3:
		patch(a, `{"spec":{"scaleTargetRef":{"kind":"Deploymnet"}}}`)
	case 4:
		patch(a, `{"spec":{"scaleTargetRef":{"kind":"Deployment"}}}`)
	case 5:
		pause(`"maybe"`)
	case 6:
		pause("null")
	case 7:
		s.rewrite(false)
	case 8:
		s.rewrite(true)
	}
}

// run disturbs until the time is over, and returns what the memory was.
func (s *soak) run(span time.Duration) []memorySample {
	s.t.Helper()
	var samples []memorySample
	end, next := time.Now().Add(span), time.Now()
	for step := 0; time.Now().Before(end); step++ {
		if step%10 == 0 {
			s.proxy.mood.Store(int32(s.random.IntN(moods)))
		}
		s.disturb()
		s.leave()
		s.come()
		if now := time.Now(); !now.Before(next) {
			next = now.Add(soakSample)
			samples = append(samples, s.memory())
		}
		time.Sleep(soakStep)
	}
	return samples
}

// A memorySample is the memory of the controller after a garbage collection.
type memorySample struct {
	heap, resident float64 // bytes
	goroutines     float64
	decisions      float64
}

func (s *soak) memory() memorySample {
	s.t.Helper()
	collected := get(s.t, "http://"+s.profiles+"/debug/pprof/heap?gc=1", "")
	answered := get(s.t, "http://"+s.metrics+"/metrics", "")
	if collected.status != http.StatusOK || answered.status != http.StatusOK {
		s.t.Fatalf("no metrics: %d, %d %s\n%s", collected.status, answered.status, answered.body, s.process.output.String())
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(answered.body))
	if err != nil {
		s.t.Fatal(err)
	}
	p := page(map[string]*clientmodel.MetricFamily(families))
	return memorySample{
		heap: p.sum("go_memstats_heap_alloc_bytes"), resident: p.sum("process_resident_memory_bytes"),
		goroutines: p.sum("go_goroutines"), decisions: p.sum("karpenter_autoscaling_decisions_total"),
	}
}

// check compares the memory of the second quarter with that of the last, and reads
// journal and log.
func (s *soak) check(samples []memorySample) {
	s.t.Helper()
	n := len(samples)
	if n < 8 {
		s.t.Fatalf("%d samples of the memory tell nothing", n)
	}
	second, last := samples[n/4:n/2], samples[n-n/4:]
	const mib = 1 << 20
	for _, c := range []struct {
		name  string
		of    func(memorySample) float64
		more  float64 // that is no growth, besides a tenth
		units float64
	}{
		{"heap after a collection, MiB", func(m memorySample) float64 { return m.heap }, 2 * mib, mib},
		{"resident memory, MiB", func(m memorySample) float64 { return m.resident }, 8 * mib, mib},
		{"goroutines", func(m memorySample) float64 { return m.goroutines }, 20, 1},
	} {
		before, after := median(second, c.of), median(last, c.of)
		s.t.Logf("%s: %.1f in the second quarter, %.1f in the last", c.name, before/c.units, after/c.units)
		if after > 1.1*before+c.more {
			s.t.Errorf("%s grows: %.1f in the second quarter, %.1f in the last", c.name, before/c.units, after/c.units)
		}
	}
	if got := last[len(last)-1].decisions - second[0].decisions; got == 0 {
		s.t.Error("nothing was decided")
	}
	records, missed := s.readJournals()
	s.t.Logf("%d autoscalers came and went, %.0f decisions; the journal has %d, which verify, and %d missed slots", s.created, last[len(last)-1].decisions, records, missed)
	if missed*20 > records {
		s.t.Errorf("%d of %d slots were missed", missed, records)
	}
	for line := range strings.Lines(s.process.output.String()) {
		if strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, "the file of metrics sources is wrong") {
			s.t.Errorf("log: %s", line)
		}
	}
}

// readJournals verifies all files that are left, and counts records and the slots
// that were missed before them.
func (s *soak) readJournals() (records int, missed int) {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.process.journal, "*.jsonl*"))
	if err != nil || len(paths) == 0 {
		s.t.Fatalf("no journal: %v", err)
	}
	for _, path := range paths {
		text := read(s.t, path)
		found, err := journal.Verify(bytes.NewReader(text), path)
		if err != nil || found.Gaps > 0 || found.Verified != found.Records {
			s.t.Errorf("%s: %+v, %v", path, found, err)
		}
		lines := journal.NewReader(bytes.NewReader(text), path)
		for line, err := lines.Next(); err == nil; line, err = lines.Next() {
			if r := line.Record; r != nil {
				records++
				missed += int(r.Missed)
			}
		}
	}
	return records, missed
}

func median(samples []memorySample, of func(memorySample) float64) float64 {
	values := make([]float64, len(samples))
	for i, m := range samples {
		values[i] = of(m)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// moods are the ways in which a moody Prometheus answers.
const moods = 8

// A moody Prometheus is a real one with a proxy in front that is out of order now and then.
type moody struct {
	url  string
	mood atomic.Int32
}

func newMoody(t *testing.T, real string) *moody {
	target, err := url.Parse(real)
	if err != nil {
		t.Fatal(err)
	}
	m, through := &moody{}, httputil.NewSingleHostReverseProxy(target)
	sample := func(w http.ResponseWriter, r *http.Request, samples string) {
		_ = r.ParseForm()
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[`+strings.ReplaceAll(samples, "TIME", "%[1]s")+`]}}`, r.FormValue("time"))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch m.mood.Load() {
		case 0:
			w.WriteHeader(http.StatusInternalServerError)
		case 1:
			_ = r.ParseForm() // the server must read it to notice that the caller leaves
			<-r.Context().Done()
		case 2:
			sample(w, r, `{"metric":{},"value":[TIME,"NaN"]}`)
		case 3:
			sample(w, r, `{"metric":{"a":"1"},"value":[TIME,"1"]},{"metric":{"a":"2"},"value":[TIME,"1"]}`)
		case 4:
			panic(http.ErrAbortHandler)
		default:
			through.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}
