package main

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// samples are a series in OpenMetrics text, one sample every step seconds.
func samples(series string, start, step, count int64, value string) string {
	var b strings.Builder
	for i := range count + 1 {
		fmt.Fprintf(&b, "%s %s %d\n", series, value, start+i*step)
	}
	return b.String()
}

// liveServer serves a queue and a Deployment from 06:00 to 10:00, by the query
// API; what each request carried is appended to seen.
func liveServer(t *testing.T, seen *[]http.Header) *httptest.Server {
	t.Helper()
	p := fake.NewPrometheus(fake.Options{Keep: 24 * time.Hour})
	t.Cleanup(func() { p.Close() })
	feed, err := fake.InputSeries(utc("2026-01-05T06:00:00Z").UnixMilli(), 15*time.Second, []fake.InputSpec{
		{Series: `queue_length{queue="jobs"}`, Values: "40+1x960"},
		{Series: `kube_deployment_spec_replicas{namespace="default",deployment="web"}`, Values: "5x960"},
		{Series: `other`, Values: "1x960"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Attach(feed)
	if err := p.Advance(utc("2026-01-05T10:00:00Z").UnixMilli()); err != nil {
		t.Fatal(err)
	}
	handler := fake.Handler(p)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			*seen = append(*seen, r.Header.Clone())
		}
		if strings.HasSuffix(r.URL.Path, "/read") {
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// opened lists the metrics of a recording.
func opened(t *testing.T, dir string) (recording.Info, []string) {
	t.Helper()
	r, err := recording.Open(t.Context(), recording.Spec{Path: dir}, func() (string, error) { return t.TempDir(), nil })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	series, err := r.Series(nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range series {
		names = append(names, l.Get("__name__"))
	}
	slices.Sort(names)
	return r.Info(), names
}

func TestRecord(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", validHA)
	server := liveServer(t, nil)
	common := []string{"record", "--prometheus", server.URL, "-f", "a.yaml", "--from", "2026-01-05 08:00", "--to", "2026-01-05 09:00"}

	dry := call(t, "", append(slices.Clone(common), "--dry-run")...)
	dry.want(t, exitOK, "offers no remote read, so stale markers are inferred")
	if want := ": about 2 series, 560 samples, 1.7 KiB, from 2026-01-05 07:50:00 UTC to 2026-01-05 09:00:00 UTC\n"; !strings.HasSuffix(dry.stdout, want) {
		t.Errorf("--dry-run says %q, want %q", dry.stdout, want)
	}
	if len(files(t, ".")) != 1 {
		t.Errorf("--dry-run wrote something: %v", files(t, "."))
	}

	got := call(t, "", append(slices.Clone(common), "--out", "full", "--match", "other")...)
	got.want(t, exitOK, `no series of kube_deployment_status_replicas{namespace="default",deployment="web"}, `)
	if strings.Contains(got.stderr, "cannot be replayed") {
		t.Errorf("everything that is read was recorded, but:\n%s", got.stderr)
	}
	info, names := opened(t, "full")
	if want := []string{"kube_deployment_spec_replicas", "other", "queue_length"}; !slices.Equal(names, want) {
		t.Errorf("recorded %v, want %v", names, want)
	}
	// The window of 300 s and the lookback of 5 minutes come before.
	if first := time.UnixMilli(info.First).UTC().Format(time.TimeOnly); first != "07:50:00" {
		t.Errorf("the recording starts at %s, want 07:50:00", first)
	}

	call(t, "", append(slices.Clone(common), "--out", "bare", "--context=false")...).want(t, exitOK, "")
	if _, names := opened(t, "bare"); !slices.Equal(names, []string{"queue_length"}) {
		t.Errorf("with --context=false recorded %v", names)
	}

	call(t, "", append(slices.Clone(common), "--out", "evaluated", "--evaluated")...).want(t, exitOK, "")
	if info, _ := opened(t, "evaluated"); info.Manifest == nil || !info.Manifest.Evaluated || len(info.Manifest.Queries) != 1 || info.Manifest.Queries[0].Count != 360 {
		t.Errorf("--evaluated wrote %+v", info.Manifest)
	}
	// What was recorded can be replayed, and both recordings give the same values.
	for _, dir := range []string{"full", "evaluated"} {
		call(t, "", "replay", "-f", "a.yaml", "--recording", dir, "--target", "deploy/web=5", "--name", "r", "--out", "out-"+dir, "-q").want(t, exitOK, "")
	}
	fromSamples, fromResults := observed(t, "out-full/r/decisions.jsonl"), observed(t, "out-evaluated/r/decisions.jsonl")
	if len(fromResults) < 350 {
		t.Errorf("replaying the results gives %d decisions", len(fromResults))
	}
	for _, o := range fromResults {
		if !slices.Contains(fromSamples, o) {
			t.Errorf("replaying the samples does not observe %s", o)
		}
	}
	// Faults of samples need samples.
	for _, dir := range []string{"full", "evaluated"} {
		text := read(t, "out-"+dir+"/r/scenario.yaml")
		text = strings.Replace(text, "\nspec:\n", "\nspec:\n  faults: [{at: 10m, for: 10m, metrics: empty}]\n", 1)
		write(t, "out-"+dir+".yaml", strings.ReplaceAll(text, "../../"+dir, dir))
		code, want := exitOK, ""
		if dir == "evaluated" {
			code, want = exitInvalid, "spec.faults[0].metrics: acts on samples, and the recording has results of queries only"
		}
		call(t, "", "simulate", "out-"+dir+".yaml", "--out", "faulty-"+dir, "-q").want(t, code, want)
	}
	write(t, "b.yaml", strings.Replace(strings.Replace(validHA, "name: web}\nspec", "name: typo}\nspec", 1), "queue_length", `queue_lenght{queue="jobs"}`, 1))
	call(t, "", append(slices.Clone(common), "-f", "b.yaml", "--out", "half")...).want(t, exitOK,
		`no series of queue_lenght{queue="jobs"}: the queries that read it cannot be replayed`)
	none := call(t, "", "record", "--prometheus", server.URL, "-f", "b.yaml", "--from", "2026-01-03", "--to", "2026-01-03 01:00", "--out", "none")
	none.want(t, exitInvalid, `: no samples of queue_lenght{queue="jobs"}, kube_`)
	if strings.Contains(none.stderr, "to go on") {
		t.Errorf("nothing is left to go on with, but:\n%s", none.stderr)
	}
	call(t, "", append(slices.Clone(common), "--out", "full")...).refused(t, "--out full: holds a recording already, and recordings are not replaced; name another directory")
}

// observed are the slots of a journal and what was observed at them.
func observed(t *testing.T, path string) []string {
	t.Helper()
	var list []string
	file := journalFile{path, func() (io.ReadCloser, error) { return openJournal(path) }}
	err := file.read(func(r io.Reader) error {
		return journal.Walk(r, path, func(step *journal.Step) error {
			list = append(list, fmt.Sprint(step.Record.Slot, " ", step.Record.Metrics[0].Value))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRecordHeaders(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", validHA)
	write(t, "http.yaml", "basic_auth: {username: ann, password: secret}\n")
	var seen []http.Header
	server := liveServer(t, &seen)
	got := call(t, "", "record", "--prometheus", server.URL, "-f", "a.yaml", "--from", "2026-01-05 08:00", "--to", "2026-01-05 09:00",
		"--dry-run", "--http.config.file", "http.yaml", "--header", "X-Scope-OrgID=team=a")
	got.want(t, exitOK, "")
	for _, h := range seen {
		if h.Get("X-Scope-Orgid") != "team=a" || !strings.HasPrefix(h.Get("Authorization"), "Basic ") || h.Get("User-Agent") != "karpenter/dev" {
			t.Errorf("a request carried %v", h)
		}
	}
	if strings.Contains(got.stdout+got.stderr, "secret") {
		t.Error("the output has the password")
	}
}

// guarded puts TLS and a token before a server, and writes http.yaml, with which
// it is reached.
func guarded(t *testing.T, server *httptest.Server) (url string) {
	t.Helper()
	handler := server.Config.Handler
	behind := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	behind.Config.ErrorLog = log.New(io.Discard, "", 0)
	behind.StartTLS()
	t.Cleanup(behind.Close)
	write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: behind.Certificate().Raw})))
	write(t, "token", "secret\n")
	write(t, "http.yaml", "tls_config: {ca_file: ca.pem}\nauthorization: {credentials_file: token}\n")
	write(t, "anonymous.yaml", "tls_config: {ca_file: ca.pem}\n")
	return behind.URL
}

func TestRecordOverTLS(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", validHA)
	arguments := []string{"record", "--prometheus", guarded(t, liveServer(t, nil)), "-f", "a.yaml", "--from", "2026-01-05 08:00", "--to", "2026-01-05 09:00", "--dry-run"}
	for _, c := range []struct {
		reason string
		more   []string
		want   string
	}{
		{"the file says whom to trust and who asks", []string{"--http.config.file", "http.yaml"}, ""},
		{"a header may be the credential", []string{"--http.config.file", "anonymous.yaml", "--header", "Authorization=Bearer secret"}, ""},
		{"nobody vouches for the server", nil, "x509"},
		{"nobody says who asks", []string{"--http.config.file", "anonymous.yaml"}, "403"},
	} {
		got := call(t, "", slices.Concat(arguments, c.more)...)
		if ok := got.code == exitOK; ok != (c.want == "") || !strings.Contains(got.stderr, c.want) || strings.Contains(got.stdout+got.stderr, "secret") {
			t.Errorf("%s: exit code %d, want %q in\n%s", c.reason, got.code, c.want, got.stderr)
		}
	}
}

func TestRecordRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", validHA)
	write(t, "service.yaml", service)
	write(t, "http.yaml", "basic_auht: {}\n")
	server := liveServer(t, nil)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"NoServer":  {[]string{"-f", "a.yaml", "--from", "-1h", "--out", "x"}, "--prometheus is required"},
		"NoFile":    {[]string{"--prometheus", server.URL, "--from", "-1h", "--out", "x"}, "-f is required"},
		"NoFrom":    {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--out", "x"}, "--from is required"},
		"NoOut":     {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h"}, "--out is required"},
		"BadFrom":   {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "soon", "--out", "x"}, `--from: "soon" is no time`},
		"Ahead":     {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h", "--evaluated", "--query-offset", "-1m", "--out", "x"}, "--query-offset -1m0s: must be 0s or more"},
		"Lookback":  {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h", "--lookback", "-1m", "--out", "x"}, "--lookback -1m0s: must be more than 0s"},
		"Reversed":  {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h", "--to", "-2h", "--out", "x"}, "is not before --to"},
		"Future":    {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "2099-01-01", "--to", "2099-01-02", "--out", "x"}, "lies in the future"},
		"Nothing":   {[]string{"--prometheus", server.URL, "-f", "service.yaml", "-q", "--from", "-1h", "--out", "x"}, "no HorizontalAutoscaler in the manifests"},
		"Match":     {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h", "--out", "x", "--match", "sum(up)"}, "--match: selector"},
		"Header":    {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h", "--out", "x", "--header", "nonsense"}, `--header "nonsense": want KEY=VALUE`},
		"Config":    {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h", "--out", "x", "--http.config.file", "http.yaml"}, "--http.config.file http.yaml: "},
		"NoConfig":  {[]string{"--prometheus", server.URL, "-f", "a.yaml", "--from", "-1h", "--out", "x", "--http.config.file", "nope"}, "--http.config.file nope: no such file or directory"},
		"Address":   {[]string{"--prometheus", "prometheus:9090", "-f", "a.yaml", "--from", "-1h", "--out", "x"}, "the address of Prometheus must be a URL such as http://prometheus:9090"},
		"NoSamples": {[]string{"--prometheus", server.URL, "-f", "a.yaml", "-q", "--from", "2026-01-03", "--to", "2026-01-03 01:00", "--out", "x"}, ": no samples of "},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, "", append([]string{"record"}, c.args...)...)
			got.want(t, exitInvalid, c.want)
			if strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("want one line, got:\n%s", got.stderr)
			}
		})
	}
}

// TestEvaluations holds that a query asked by two autoscalers gets a grid with
// the slots of both.
func TestEvaluations(t *testing.T) {
	autoscaler := func(name string, interval int32) sim.Autoscaler {
		object := &v1alpha1.HorizontalAutoscaler{}
		object.Namespace, object.Name = "default", name
		return sim.Autoscaler{Object: object, Policy: &policy.Autoscaler{Interval: interval, Metrics: []policy.Metric{{Query: "q"}}}}
	}
	from, to := utc("2026-01-05T08:00:00Z"), utc("2026-01-05T08:10:00Z")
	alone := func(name string, interval int32) recording.EvaluatedQuery {
		return evaluations([]sim.Autoscaler{autoscaler(name, interval)}, from, to, 0)[0]
	}
	both := evaluations([]sim.Autoscaler{autoscaler("a", 10), autoscaler("b", 15)}, from, to, 0)
	if len(both) != 1 {
		t.Fatalf("got %d queries, want one", len(both))
	}
	on := map[int64]bool{}
	for i := range both[0].Count {
		on[both[0].Start+i*both[0].Step] = true
	}
	for _, q := range []recording.EvaluatedQuery{alone("a", 10), alone("b", 15)} {
		for i := range q.Count {
			if !on[q.Start+i*q.Step] {
				t.Fatalf("%+v leaves out %s", both[0], time.UnixMilli(q.Start+i*q.Step).UTC())
			}
		}
	}
	early := evaluations([]sim.Autoscaler{autoscaler("a", 10)}, from, to, 5*time.Second)[0]
	want := alone("a", 10)
	want.Start -= 5000
	if diff := cmp.Diff(want, early); diff != "" {
		t.Errorf("with an offset of 5 s (-want +got):\n%s", diff)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 3 << 40: "3.0 TiB", 5000 << 40: "5000.0 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
