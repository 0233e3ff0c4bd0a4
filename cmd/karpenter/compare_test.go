package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

func TestCompare(t *testing.T) {
	dir := testdata(t, "compare")
	text := played(t)
	cases := map[string]struct {
		reason string
		args   []string
		code   int
		stderr string
	}{
		"observed": {"with what the next slot observed", []string{"out", "ha/api"}, exitOK, ""},
		"all":      {"every autoscaler of the journals; one that acts is no dry run", []string{"out"}, exitOK, "default/HorizontalAutoscaler/web is no dry run: what ran is what it decided"},
		"below":    {"slot by slot below what ran, but never too few alone: that decides", []string{"out", "ha/api", "--max-below", "0s"}, exitOK, ""},
		"json":     {"for machines", []string{"out", "ha/api", "-o", "json"}, exitOK, ""},
		"recorded": {"with what another series says", []string{"out", "ha/api", "--recording", "out/queue-spike/series.om.gz", "--with", `kube_deployment_spec_replicas{deployment="web"}`}, exitOK, ""},
		"stdin":    {"standard input", []string{"-", "ha/api"}, exitOK, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := call(t, text, append([]string{"compare"}, c.args...)...)
			got.want(t, c.code, c.stderr)
			golden(t, filepath.Join(dir, name+".golden"), got.stdout)
		})
	}
}

// TestCompareWithServer holds that a server gives the same as its recording.
func TestCompareWithServer(t *testing.T) {
	played(t)
	p := fake.NewPrometheus(fake.Options{Keep: 1e15})
	defer p.Close()
	feed, err := fake.InputSeries(utc("2026-01-05T08:00:00Z").UnixMilli(), 10e9, []fake.InputSpec{{Series: "ran", Values: "5x200 6x200"}})
	if err != nil {
		t.Fatal(err)
	}
	p.Attach(feed)
	if err := p.Advance(utc("2026-01-05T10:00:00Z").UnixMilli()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fake.Handler(p))
	defer server.Close()
	write(t, "ran.om", "# TYPE ran gauge\n"+samples("ran", 1767600000, 10, 200, "5")+samples("ran", 1767602010, 10, 200, "6")+"# EOF\n")
	asked := call(t, "", "compare", "out", "ha/api", "--with", "ran", "--prometheus", server.URL)
	asked.want(t, exitOK, "")
	recorded := call(t, "", "compare", "out", "ha/api", "--with", "ran", "--recording", "ran.om")
	recorded.want(t, exitOK, "")
	if asked.stdout != recorded.stdout {
		t.Errorf("the server gives\n%sthe recording\n%s", asked.stdout, recorded.stdout)
	}
	secured := call(t, "", "compare", "out", "ha/api", "--with", "ran", "--prometheus", guarded(t, server), "--http.config.file", "http.yaml")
	if secured.want(t, exitOK, ""); secured.stdout != asked.stdout {
		t.Errorf("over TLS the server gives\n%swithout\n%s", secured.stdout, asked.stdout)
	}
	call(t, "", "compare", "out", "ha/api", "--with", "nothing", "--prometheus", server.URL).refused(t, "nothing has no sample between 2026-01-05T08:00:00Z and")
}

func TestCompareRefuses(t *testing.T) {
	text := played(t)
	first, _, _ := strings.Cut(text, "\n")
	write(t, "one.jsonl", first+"\n")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"NoSource":   {[]string{"out", "--with", "x"}, "--with needs metrics to ask: give --recording or --prometheus"},
		"NoWith":     {[]string{"out", "--recording", "x"}, "--recording and --prometheus need --with"},
		"BothOfThem": {[]string{"out", "--with", "x", "--recording", "x", "--prometheus", "http://x"}, "exclude each other"},
		"MaxBelow":   {[]string{"out", "--max-below", "5"}, `--max-below "5": want a duration such as 5m`},
		"Query":      {[]string{"out", "ha/api", "--with", "sum(", "--recording", "out/queue-spike/series.om.gz"}, "--with: query"},
		"Recording":  {[]string{"out", "ha/api", "--with", "x", "--recording", "nope.om"}, "nope.om: no such file or directory"},
		"Many":       {[]string{"out", "ha/api", "--with", "kube_deployment_spec_replicas", "--recording", "out/queue-spike/series.om.gz"}, "2 samples at 2026-01-05T08:00:10Z; want one, e.g. by sum(...)"},
		"Absent":     {[]string{"out", "ha/api", "--with", "nosuch", "--recording", "out/queue-spike/series.om.gz"}, "nothing to compare: --with nosuch has no sample at a slot that follows a decision"},
		"OneRecord":  {[]string{"one.jsonl"}, "nothing to compare: no decision is followed by a slot that says what ran"},
		"Server":     {[]string{"out", "ha/api", "--with", "x", "--prometheus", "nowhere"}, "the address of Prometheus must be a URL such as http://prometheus:9090"},
	} {
		t.Run(name, func(t *testing.T) {
			call(t, "", append([]string{"compare"}, c.args...)...).refused(t, c.want)
		})
	}
}
