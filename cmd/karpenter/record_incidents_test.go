package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// incidentServer serves a day of web and of calm, each with 5 replicas that can take 8 a
// replica: web needs more at 03:00 for 10 minutes, at 09:00 for 20 minutes twice with
// 10 between them, at 15:00 for a scrape, and at 20:00 for an hour.
func incidentServer(t *testing.T) *httptest.Server {
	t.Helper()
	var load strings.Builder
	stretch := func(value, minutes float64) { fmt.Fprintf(&load, "%vx%d ", value, int(minutes*4)-1) }
	stretch(30, 180)
	stretch(60, 10)
	stretch(30, 350)
	stretch(60, 20)
	stretch(30, 10)
	stretch(60, 20)
	stretch(30, 310)
	stretch(60, 0.25)
	stretch(30, 299.75)
	stretch(80, 60)
	stretch(30, 180)
	p := fake.NewPrometheus(fake.Options{Keep: 48 * time.Hour})
	t.Cleanup(func() { p.Close() })
	feed, err := fake.InputSeries(utc("2026-01-05T00:00:00Z").UnixMilli(), 15*time.Second, []fake.InputSpec{
		{Series: `queue_length{queue="jobs"}`, Values: load.String()},
		{Series: `calm`, Values: "30x5760"},
		{Series: `kube_deployment_spec_replicas{namespace="default",deployment="web"}`, Values: "5x5760"},
		{Series: `kube_deployment_status_replicas_ready{namespace="default",deployment="web"}`, Values: "5x5760"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Attach(feed)
	if err := p.Advance(utc("2026-01-06T00:00:00Z").UnixMilli()); err != nil {
		t.Fatal(err)
	}
	handler := fake.Handler(p)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/read") {
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// The incidents that a day holds are known, and so which of them are the last two: those
// at 09:00 and at 20:00, since that of a scrape is noise.
func TestRecordLastIncidents(t *testing.T) {
	t.Chdir(t.TempDir())
	server := incidentServer(t)
	write(t, "a.yaml", validHA)
	write(t, "calm.yaml", strings.ReplaceAll(strings.Replace(validHA, "queue_length", "calm", 1), "web", "calm"))
	if !strings.Contains(read(t, "calm.yaml"), "calm") || !strings.Contains(validHA, "averageValue: 8") {
		t.Fatalf("validHA is another one:\n%s", validHA)
	}
	args := []string{"record", "--prometheus", server.URL, "-f", "a.yaml", "-f", "calm.yaml", "--from", "2026-01-05 00:10", "--to", "2026-01-06", "--last-incidents", "2", "--out", "incidents", "-q"}
	wanted := []string{"web-20260105T0900Z", "web-20260105T2000Z"}

	call(t, "", append(slices.Clone(args), "--dry-run")...).want(t, exitOK, "")
	if exists("incidents") {
		t.Error("--dry-run wrote something")
	}
	c := call(t, "", append(slices.Clone(args), "--evaluated")...)
	c.want(t, exitOK, "")
	if got := listed(t, "incidents"); !slices.Equal(got, wanted) {
		t.Fatalf("saved %v, want %v:\n%s", got, wanted, c.stdout)
	}
	for _, part := range []string{"default/ha/web: breach of 40 min from 2026-01-05T09:00:", "default/ha/web: breach of 60 min from 2026-01-05T20:00:", "default/ha/calm: no incident\n"} {
		if !strings.Contains(c.stdout, part) {
			t.Errorf("stdout lacks %q:\n%s", part, c.stdout)
		}
	}
	info, _ := opened(t, filepath.Join("incidents", wanted[0]))
	first, last := time.UnixMilli(info.Manifest.From).UTC(), time.UnixMilli(info.Manifest.To).UTC()
	if first.Before(utc("2026-01-05T08:45:00Z")) || first.After(utc("2026-01-05T08:45:10Z")) || last.Before(utc("2026-01-05T10:04:50Z")) || last.After(utc("2026-01-05T10:05:10Z")) {
		t.Errorf("the incident with a quarter of an hour around it is saved from %s to %s", first, last)
	}
	// A second call adds what is new.
	again := call(t, "", append(slices.Clone(args), "--evaluated")...)
	again.want(t, exitOK, "")
	if n := strings.Count(again.stdout, ", there already"); n != 2 {
		t.Errorf("%d there already:\n%s", n, again.stdout)
	}
	// What was saved guards the policy in CI, as results and as samples.
	call(t, "", append(slices.Clone(args), "--out", "samples")...).want(t, exitOK, "")
	for _, dir := range []string{"incidents", "samples"} {
		ci := "ci-" + dir
		call(t, "", "init", "-f", "a.yaml", "--recording", filepath.Join(dir, wanted[1]), "--out", ci, "-q").want(t, exitOK, "")
		call(t, "", "simulate", ci, "--out", "out", "-q").want(t, exitOK, "")
	}
	call(t, "", append(slices.Clone(args), "--match", "up")...).refused(t, "--match and --last-incidents exclude each other")
	args[slices.Index(args, "2")] = "-1"
	call(t, "", args...).refused(t, "--last-incidents -1: want a number above 0")
}

// noisySource has results of which every one has all the digits of a float64.
type noisySource struct{}

func (noisySource) Address() string { return "http://noisy" }

func (noisySource) Evaluate(_ context.Context, _ string, start, step, count int64) (model.Matrix, error) {
	random, stream := rand.New(rand.NewPCG(1, uint64(start))), &model.SampleStream{}
	for i := range count {
		stream.Values = append(stream.Values, model.SamplePair{Timestamp: model.Time(start + i*step), Value: model.SampleValue(100 + random.NormFloat64())})
	}
	return model.Matrix{stream}, nil
}

// Results of a day are less than 100 KB, and so are those of five incidents of two hours
// with what is around them, even where no value repeats.
func TestEvaluatedSize(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		reason     string
		recordings int
		results    int64
	}{
		{"a day at every 15 s", 1, 24 * 240},
		{"five incidents of two hours with what is around them", 5, 120 * 4},
	} {
		var all int64
		for i := range c.recordings {
			dir := fmt.Sprint(c.recordings, "-", i)
			queries := []recording.EvaluatedQuery{{Query: "load", Start: int64(i) * 1e9, Step: 15_000, Count: c.results}}
			if err := recording.RecordEvaluated(t.Context(), noisySource{}, queries, dir, nil); err != nil {
				t.Fatal(err)
			}
			size, err := sizeOf(dir)
			if err != nil {
				t.Fatal(err)
			}
			all += size
		}
		t.Logf("%s: %d bytes", c.reason, all)
		if all < 8*c.results/2 || all > 100_000 {
			t.Errorf("%s: %d bytes, want less than 100 KB, and not less than the noise has", c.reason, all)
		}
	}
}
