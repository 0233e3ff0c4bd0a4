package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

const one = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`

var at = time.Unix(1767600000, 0)

// serve returns a client of a server; o.URL is set.
func serve(t *testing.T, o Options, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o.URL = server.URL + o.URL
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		reason  string
		handler http.HandlerFunc
		want    error
		text    string
	}{
		{reason: "a bad query", handler: write(400, `{"status":"error","errorType":"bad_data","error":"1:5: parse error"}`), want: cycle.ErrBadQuery, text: "1:5: parse error"},
		{reason: "an evaluation that failed", handler: write(422, `{"status":"error","errorType":"execution","error":"too many samples"}`), want: cycle.ErrUnavailable, text: "too many samples"},
		{reason: "the server's own time-out", handler: write(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), want: cycle.ErrTimedOut, text: "query timed out"},
		{reason: "a canceled query", handler: write(503, `{"status":"error","errorType":"canceled","error":"query was canceled"}`), want: cycle.ErrUnavailable},
		{reason: "a broken server", handler: write(500, "secret"), want: cycle.ErrUnavailable, text: "status 500"},
		{reason: "a server that is starting", handler: write(503, "Service Unavailable"), want: cycle.ErrUnavailable},
		{reason: "a gateway without a server", handler: write(502, "<html>"), want: cycle.ErrUnavailable},
		{reason: "a gateway that waited too long", handler: write(504, "<html>"), want: cycle.ErrTimedOut},
		{reason: "throttling", handler: write(429, "slow down"), want: cycle.ErrThrottled},
		{reason: "missing credentials", handler: write(401, ""), want: cycle.ErrForbidden},
		{reason: "wrong credentials, also of the GET that follows", handler: write(403, ""), want: cycle.ErrForbidden},
		{reason: "another server", handler: write(404, "not found"), want: cycle.ErrNotFound},
		{reason: "a login page", handler: write(200, "<html>"), want: cycle.ErrUnavailable},
		{reason: "a 400 from something else", handler: write(400, "<html>"), want: cycle.ErrUnavailable},
		{reason: "an empty answer", handler: write(200, ""), want: cycle.ErrUnavailable},
		{reason: "no content", handler: write(204, ""), want: cycle.ErrUnavailable},
		{reason: "no data", handler: write(200, `{"status":"success"}`), want: cycle.ErrUnavailable},
		{reason: "null", handler: write(200, `{"status":"success","data":null}`), want: cycle.ErrUnavailable},
		{reason: "an unknown type", handler: write(200, `{"status":"success","data":{"resultType":"table","result":[]}}`), want: cycle.ErrUnavailable},
		{reason: "a value that is no number", handler: write(200, strings.Replace(one, `"1"`, `"one"`, 1)), want: cycle.ErrUnavailable},
		{reason: "a sample without value", handler: write(200, strings.Replace(one, `[1,"1"]`, `[]`, 1)), want: cycle.ErrUnavailable},
		{reason: "a sample of another kind", handler: write(200, strings.Replace(one, `"value"`, `"quantity"`, 1)), want: cycle.ErrUnavailable},
		{reason: "half a document", handler: write(200, one[:len(one)-10]), want: cycle.ErrUnavailable},
		{reason: "a store that did not answer", handler: write(200, strings.Replace(one, "{", `{"warnings":["2 of 3 stores did not answer"],`, 1)), want: cycle.ErrIncomplete, text: "2 of 3 stores"},
		{reason: "a partial answer", handler: write(200, strings.Replace(one, "{", `{"isPartial":true,`, 1)), want: cycle.ErrIncomplete},
		{reason: "a truncated body", want: cycle.ErrUnavailable, handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, one)
		}},
		{reason: "a connection that breaks", want: cycle.ErrUnavailable, handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{reason: "an endless body", want: cycle.ErrUnavailable, text: "more than 4096 bytes", handler: func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}},
	}
	for _, c := range cases {
		_, err := serve(t, Options{MaxBytes: 4096}, c.handler).Query(context.Background(), "up", at)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %v with %q", c.reason, err, c.want, c.text)
		}
		if c.want != nil && cycle.Code(err) != cycle.Code(c.want) {
			t.Errorf("%s: code %s, want %s", c.reason, cycle.Code(err), cycle.Code(c.want))
		}
	}
}

func TestTimesOut(t *testing.T) {
	block := make(chan struct{})
	defer close(block)
	c := serve(t, Options{Timeout: 20 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
		if got := r.FormValue("timeout"); got != "20ms" {
			t.Errorf("the server was given %q", got)
		}
		<-block
	})
	if _, err := c.Query(context.Background(), "up", at); cycle.Code(err) != "TimedOut" {
		t.Errorf("got %v", err)
	}
}

func TestRefusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	c, err := New(Options{URL: "http://user:secret@" + address + "/?token=secret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(context.Background(), "up", at); !errors.Is(err, cycle.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestAsksOnce(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.FormValue("query")+"@"+r.FormValue("time")]++
		mu.Unlock()
		arrived <- struct{}{}
		<-release
		fmt.Fprint(w, one)
	})
	ask := func(ctx context.Context, at time.Time, done chan<- error) {
		result, err := c.Query(ctx, "up", at)
		if err == nil && (result.Samples != 1 || result.Value != 1) {
			err = fmt.Errorf("%+v", result)
		}
		done <- err
	}
	first, others := make(chan error, 1), make(chan error, 10)
	impatient, leave := context.WithCancel(context.Background())
	go ask(impatient, at, first)
	<-arrived
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("whoever leaves gets %v", err)
	}
	for range 10 {
		go ask(context.Background(), at.Add(time.Microsecond), others)
	}
	close(release)
	for range 10 {
		if err := <-others; err != nil {
			t.Error(err)
		}
	}
	ask(context.Background(), at.Add(time.Millisecond), others)
	if diff := cmp.Diff(map[string]int{"up@1767600000": 1, "up@1767600000.001": 1}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestFailuresAreAskedAgain(t *testing.T) {
	failures := 1
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if failures--; failures >= 0 {
			w.WriteHeader(500)
			return
		}
		fmt.Fprint(w, one)
	})
	if _, err := c.Query(context.Background(), "up", at); err == nil {
		t.Error("no error")
	}
	if r, err := c.Query(context.Background(), "up", at); err != nil || r.Samples != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(3)
	for i := range int64(10) {
		m.put(key{"up", i}, cycle.Result{Value: float64(i)})
	}
	for i := range int64(10) {
		if _, ok := m.get(key{"up", i}); ok != (i >= 7) {
			t.Errorf("%d: kept %t", i, ok)
		}
	}
	if len(m.results) != 3 {
		t.Errorf("%d results", len(m.results))
	}
}

func TestObserve(t *testing.T) {
	var seen []Observation
	clock := clocktesting.NewFakePassiveClock(at)
	c := serve(t, Options{Clock: clock, Observe: func(o Observation) { seen = append(seen, o) }}, func(w http.ResponseWriter, r *http.Request) {
		clock.SetTime(clock.Now().Add(3 * time.Second))
		if r.FormValue("query") == "down" {
			w.WriteHeader(500)
			return
		}
		fmt.Fprint(w, strings.Replace(one, "{", `{"warnings":["PromQL warning: careful"],`, 1))
	})
	for _, query := range []string{"up", "down", "up"} {
		if r, err := c.Query(context.Background(), query, at); err == nil && (len(r.Warnings) != 1 || r.Warnings[0] != "PromQL warning: careful") {
			t.Errorf("warnings %q", r.Warnings)
		}
	}
	for i := range seen {
		if seen[i].Query == "down" && cycle.Code(seen[i].Err) == "Unavailable" {
			seen[i].Err = nil
		}
	}
	want := []Observation{
		{Query: "up", Duration: 3 * time.Second, Warnings: []string{"PromQL warning: careful"}},
		{Query: "down", Duration: 3 * time.Second},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("token", "first\n")
	cases := []struct {
		reason, config string
		header, want   string
	}{
		{reason: "basic", config: "basic_auth: {username: me, password: secret}", header: "Authorization", want: "Basic bWU6c2VjcmV0"},
		{reason: "bearer", config: "authorization: {credentials: secret}", header: "Authorization", want: "Bearer secret"},
		{reason: "bearer from a file beside the configuration", config: "authorization: {credentials_file: token}", header: "Authorization", want: "Bearer first"},
		{reason: "a header", config: "http_headers: {X-Scope-OrgID: {values: [tenant]}}", header: "X-Scope-Orgid", want: "tenant"},
	}
	for _, c := range cases {
		file("http.yaml", c.config)
		got := ""
		client := serve(t, Options{ConfigFile: filepath.Join(dir, "http.yaml")}, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get(c.header)
			fmt.Fprint(w, one)
		})
		if _, err := client.Query(context.Background(), "up", at); err != nil || got != c.want {
			t.Errorf("%s: %s is %q, want %q (%v)", c.reason, c.header, got, c.want, err)
		}
		if c.want != "Bearer first" {
			continue
		}
		file("token", "second\n")
		if _, err := client.Query(context.Background(), "down", at); err != nil || got != "Bearer second" {
			t.Errorf("after a rotation: %q (%v)", got, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(content string) string {
		t.Helper()
		f, err := os.CreateTemp(dir, "*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(content); err != nil {
			t.Fatal(err)
		}
		return f.Name()
	}
	cases := []struct {
		reason string
		o      Options
		want   string
	}{
		{reason: "no scheme", o: Options{URL: "prometheus:9090"}, want: "not of the form"},
		{reason: "no host", o: Options{URL: "http://"}, want: "not of the form"},
		{reason: "a URL that does not parse", o: Options{URL: "http://me:secret@host:port"}, want: "no URL"},
		{reason: "another scheme, with a password", o: Options{URL: "ftp://me:secret@host"}, want: "ftp://me:xxxxx@host"},
		{reason: "no such file", o: Options{URL: "http://p", ConfigFile: filepath.Join(dir, "none")}, want: "no such file"},
		{reason: "an unknown field", o: Options{URL: "http://p", ConfigFile: file("basic_auth: {user: me}\n")}, want: "field user not found"},
		{reason: "a password where none belongs", o: Options{URL: "http://p", ConfigFile: file("basic_auth: secret\n")}, want: "cannot unmarshal !!str into config."},
		{reason: "a proxy's password", o: Options{URL: "http://p", ConfigFile: file("proxy_url: http://me:secret@host:port\n")}, want: "invalid port"},
		{reason: "two ways to say who asks", o: Options{URL: "http://p", ConfigFile: file("bearer_token: secret\nbasic_auth: {username: me}\n")}, want: "at most one of"},
	}
	for _, c := range cases {
		if _, err := New(c.o); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
		}
	}
}

// TestQueryAll holds that the queries of a slot are asked at once, under one
// deadline, and that what hangs costs the others nothing.
func TestQueryAll(t *testing.T) {
	var asked sync.WaitGroup
	asked.Add(16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		asked.Done()
		asked.Wait() // nobody is answered before all have been asked
		if query == "3" {
			<-r.Context().Done()
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,%q]}]}}`, r.FormValue("time"), query)
	}))
	defer server.Close()
	c, err := New(Options{URL: server.URL, Timeout: 2 * time.Second}) // what hangs holds the server up for as long
	if err != nil {
		t.Fatal(err)
	}
	queries, answers := make([]cycle.Query, 16), make([]cycle.Answer, 16)
	for i := range queries {
		queries[i].Text = strconv.Itoa(i)
	}
	c.QueryAll(context.Background(), queries, time.Unix(1767600000, 0), time.Second, answers)
	for i, a := range answers {
		switch {
		case i == 3:
			if cycle.Code(a.Err) != observation.TimedOut {
				t.Errorf("what hangs gives %v", a.Err)
			}
		case a.Err != nil || a.Result.Value != float64(i):
			t.Errorf("query %d gives %+v", i, a)
		}
	}
}
