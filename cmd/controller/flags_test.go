package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestRefusesFlags(t *testing.T) {
	cases := []struct {
		reason string
		args   string
		want   string
	}{
		{reason: "slots are whole seconds", args: "--query-offset 1500ms", want: "--query-offset 1.5s: want whole seconds"},
		{reason: "no look-ahead", args: "--query-offset -1s", want: "--query-offset -1s"},
		{reason: "no time at all", args: "--query-timeout 0s", want: "--query-timeout 0s: want more than 0s"},
		{reason: "older changes of ready pods are forgotten", args: "--scrape-interval 6m", want: "--scrape-interval 6m0s: want 0s to 5m0s"},
		{reason: "an answer has an envelope", args: "--query-max-bytes 10", want: "--query-max-bytes 10: want 1024 (1 KiB) or more"},
		{reason: "no time for the API server", args: "--api-timeout 0s", want: "--api-timeout"},
		{reason: "of a year ago", args: "--query-offset 8760h", want: "--query-offset 8760h0m0s: want whole seconds, 0s to 1h0m0s"},
		{reason: "no cloud that there is", args: "--cloud-provider gcp", want: "--cloud-provider \"gcp\": want aws or none"},
		{reason: "more workers than memory", args: "--concurrency 10000000", want: "--concurrency 10000000: want 1 to 10000"},
		{reason: "no workers", args: "--concurrency 0", want: "--concurrency 0: want 1 to 10000"},
		{reason: "a refresh between seconds", args: "--metrics-refresh 100ms", want: "--metrics-refresh"},
		{reason: "no such port", args: "--metrics-port 70000", want: "--metrics-port 70000: want 0 to 65535"},
		{reason: "no address", args: "--metrics-address 8080", want: "--metrics-address 8080: want HOST:PORT"},
		{reason: "no port to listen at", args: "--metrics-address 127.0.0.1:http", want: "--metrics-address 127.0.0.1:http: want HOST:PORT"},
		{reason: "leases are whole seconds", args: "--leader-elect-lease-duration 1500ms", want: "--leader-elect-lease-duration 1.5s: want whole seconds"},
		{reason: "a leader that outlives its lease", args: "--leader-elect-lease-duration 10s", want: "--leader-elect-renew-deadline 10s: want less than the lease duration, 10s"},
		{reason: "one attempt to renew", args: "--leader-elect-retry-period 6s", want: "--leader-elect-retry-period 6s: want more than 0s and at most half of the renew deadline, 10s"},
		{reason: "a journal of nothing", args: "--journal-max-bytes 10", want: "--journal-max-bytes 10"},
		{reason: "a journal for everybody", args: "--journal-address :8083", want: "--journal-address :8083: want a loopback address"},
		{reason: "a journal for the network", args: "--journal-address 10.0.0.1:8083", want: "--journal-address 10.0.0.1:8083: want a loopback address"},
		{reason: "no port", args: "--journal-address 127.0.0.1", want: "--journal-address 127.0.0.1: want a loopback address"},
		{reason: "no port that there is", args: "--journal-address 127.0.0.1:99999", want: "--journal-address 127.0.0.1:99999: want a loopback address"},
		{reason: "a journal of no files", args: "--journal-address 127.0.0.1:8083", want: "--journal-address 127.0.0.1:8083: there are no files to serve without --journal-dir"},
		{reason: "nobody can listen there", args: "--health-probe-address probes", want: "--health-probe-address probes: want HOST:PORT or :PORT, as in :8081"},
		{reason: "nor there", args: "--pprof localhost", want: "--pprof localhost: want HOST:PORT"},
		{reason: "no namespace for the lease", args: "--leader-elect-namespace Bad_NS", want: "--leader-elect-namespace \"Bad_NS\": want the name of a namespace"},
		{reason: "none at all", args: "--leader-elect-namespace=", want: "--leader-elect-namespace \"\": want"},
		{reason: "a journal that is gone at once", args: "--journal-retention 0s", want: "--journal-retention"},
		{reason: "a label that would need quotes", args: "--enforce-label a.b", want: "--enforce-label \"a.b\": want the name of a label"},
		{reason: "the metric's name is no label of a namespace", args: "--enforce-label __name__", want: "--enforce-label \"__name__\""},
		{reason: "no namespace", args: "--node-group-namespaces a,B", want: "--node-group-namespaces \"B\": want names of namespaces"},
		{reason: "an empty name", args: "--watch-namespaces a,,b", want: "--watch-namespaces \"\": want names"},
		{reason: "twice the same", args: "--queue-namespaces a,a", want: "--queue-namespaces: a stands there twice"},
		{reason: "no file of sources", args: "--metrics-sources none.yaml", want: "--metrics-sources open none.yaml: no such file"},
		{reason: "a wrong one", args: "--metrics-sources testdata/sources.yaml", want: "--metrics-sources testdata/sources.yaml:4: sources[1].url: want http://HOST:PORT"},
		{reason: "an unknown flag", args: "--prometheus http://p:9090", want: "unknown flag: --prometheus"},
		{reason: "no number", args: "--concurrency many", want: "invalid argument"},
	}
	for _, c := range cases {
		command := command()
		command.SetArgs(strings.Fields(c.args))
		command.SetErr(io.Discard)
		err := command.ExecuteContext(context.Background())
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s: got %v, want %q", c.reason, c.args, err, c.want)
		}
	}
}

// TestKnowsOldFlags has the flags of Karpenter v0.1 with the defaults that it had.
func TestKnowsOldFlags(t *testing.T) {
	flags := command().Flags()
	for name, want := range map[string]string{
		"verbose": "false", "prometheus-uri": "http://prometheus-operated:9090", "webhook-port": "9443", "metrics-port": "8080",
	} {
		if f := flags.Lookup(name); f == nil || f.DefValue != want {
			t.Errorf("--%s: %+v, want the default %s", name, f, want)
		}
	}
}
