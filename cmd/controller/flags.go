package main

import (
	"cmp"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	_ "sigs.k8s.io/controller-runtime/pkg/client/config" // defines --kubeconfig

	"github.com/karpenter-sim/karpenter/cmd/controller/sources"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
	"github.com/karpenter-sim/karpenter/providers/promql"
)

const (
	// maxQueryOffset is further back than any sample arrives late.
	maxQueryOffset = time.Hour
	// maxConcurrency is more workers than any API server answers at the same time.
	maxConcurrency = 10_000
)

// flags are the controller's. The first three are those of Karpenter v0.1.
type flags struct {
	verbose       bool
	prometheusURI string
	metricsPort   int

	httpConfig     string
	queryOffset    time.Duration
	queryTimeout   time.Duration
	queryMaxBytes  int64
	scrapeInterval time.Duration
	enforceLabel   string
	dryRun         bool
	cloudProvider  string
	// nodeGroupNamespaces and queueNamespaces may name what the cloud has;
	// watchNamespaces are all that is seen of the cluster. Empty means all.
	nodeGroupNamespaces, queueNamespaces, watchNamespaces []string
	// metricsSources is the file of named servers.
	metricsSources string
	concurrency    int
	metricsRefresh time.Duration

	hpaTolerance              float64
	hpaDownscaleStabilization time.Duration

	leaderElect   bool
	namespace     string
	leaseDuration time.Duration
	renewDeadline time.Duration
	retryPeriod   time.Duration

	journalDir       string
	journalStdout    bool
	journalMaxBytes  int64
	journalAddress   string
	journalRetention time.Duration

	metricsSecure bool
	// metricsAddress takes the place of metricsPort.
	metricsAddress string
	healthAddress  string
	pprofAddress   string
	apiTimeout     time.Duration
}

func (f *flags) add(s *pflag.FlagSet) {
	s.BoolVar(&f.verbose, "verbose", false, "log every decision's details")
	s.StringVar(&f.prometheusURI, "prometheus-uri", "http://prometheus-operated:9090", "address of Prometheus")
	s.IntVar(&f.metricsPort, "metrics-port", 8080, "port of our own metrics; 0 for none")
	s.StringVar(&f.metricsAddress, "metrics-address", "", "address of our own metrics in place of --metrics-port on every interface, e.g. 127.0.0.1:8080")
	s.Int("webhook-port", 9443, "")
	_ = s.MarkDeprecated("webhook-port", "there are no webhooks any more: the CRDs validate by themselves")

	s.StringVar(&f.httpConfig, "http.config.file", "", "how to reach Prometheus: TLS, credentials, proxy and headers, in the format of promtool's file of that name")
	s.DurationVar(&f.queryOffset, "query-offset", 0, "how long before its slot a query is evaluated, so that late samples have arrived; whole seconds")
	s.DurationVar(&f.queryTimeout, "query-timeout", 5*time.Second, "longest time for the queries of a slot, which are asked at once; never longer than the interval")
	s.Int64Var(&f.queryMaxBytes, "query-max-bytes", prometheus.DefaultMaxBytes, "largest answer to one query that is read")
	s.DurationVar(&f.scrapeInterval, "scrape-interval", 15*time.Second, "longest interval at which metrics are scraped: pods that became ready, or stopped being so, within it may or may not show in a metric of type Value or Utilization, and scale nothing by themselves; 0s, as HPA does, for metrics without delay")
	s.StringVar(&f.metricsSources, "metrics-sources", "", "file with more Prometheus servers, which metrics name by prometheus.source: their addresses, credentials and labels; it is followed while the controller runs")
	s.StringVar(&f.enforceLabel, "enforce-label", "", "label that every selector of every query gets, with the namespace of the autoscaler as its value, e.g. namespace: an autoscaler reads series of its namespace only; empty for none")
	s.StringSliceVar(&f.nodeGroupNamespaces, "node-group-namespaces", nil, "namespaces whose objects may name node groups of the cloud (default: all)")
	s.StringSliceVar(&f.queueNamespaces, "queue-namespaces", nil, "namespaces whose objects may name queues of the cloud (default: all)")
	s.StringSliceVar(&f.watchNamespaces, "watch-namespaces", nil, "namespaces to see, and to need any right in; producers of reserved and pending capacity, which count all pods of a node, are refused then (default: all)")
	s.BoolVar(&f.dryRun, "dry-run", false, "decide, record and report, but never change a target")
	s.StringVar(&f.cloudProvider, "cloud-provider", cmp.Or(os.Getenv("CLOUD_PROVIDER"), "aws"), "aws, or none: node groups and queues of the cloud are refused then; the default is CLOUD_PROVIDER of the environment")
	s.IntVar(&f.concurrency, "concurrency", 64, "how many objects of one kind are decided at the same time; one namespace has at most a quarter of them")
	s.Float64Var(&f.hpaTolerance, "horizontal-pod-autoscaler-tolerance", 0.1, "kube-controller-manager's flag of this name, by which converted HPAs without a behavior decide")
	s.DurationVar(&f.hpaDownscaleStabilization, "horizontal-pod-autoscaler-downscale-stabilization", 5*time.Minute, "kube-controller-manager's flag of this name, by which converted HPAs without a behavior decide; whole seconds")
	s.DurationVar(&f.metricsRefresh, "metrics-refresh", time.Minute, "least time between two writes of currentMetrics where nothing else changed; 0 for never")

	s.BoolVar(&f.leaderElect, "leader-elect", true, "let one of several replicas decide, by the lease "+leaseName)
	s.StringVar(&f.namespace, "leader-elect-namespace", leaseName, "namespace of the lease")
	s.DurationVar(&f.leaseDuration, "leader-elect-lease-duration", 15*time.Second, "how long after its last renewal a lease is left to a leader that is silent")
	s.DurationVar(&f.renewDeadline, "leader-elect-renew-deadline", 10*time.Second, "how long a leader tries to renew the lease before it gives up")
	s.DurationVar(&f.retryPeriod, "leader-elect-retry-period", 2*time.Second, "time between two attempts to get or to renew the lease")

	s.StringVar(&f.journalDir, "journal-dir", "", "directory of the journal's files; empty for none")
	s.BoolVar(&f.journalStdout, "journal-stdout", false, "write the journal to stdout, too")
	s.Int64Var(&f.journalMaxBytes, "journal-max-bytes", 4<<30, "how much the journal's directory may hold; the oldest files make room")
	s.DurationVar(&f.journalRetention, "journal-retention", 14*24*time.Hour, "how long a journal file is kept")

	s.StringVar(&f.journalAddress, "journal-address", "", "loopback address at which the journal's files are served for karpenter journal fetch, e.g. 127.0.0.1:8083; empty for none")

	s.BoolVar(&f.metricsSecure, "metrics-secure", false, "serve metrics over TLS, to those that the API server authorizes")
	s.StringVar(&f.healthAddress, "health-probe-address", ":8081", "address of /healthz and /readyz")
	s.StringVar(&f.pprofAddress, "pprof", "", "address of /debug/pprof, e.g. localhost:6060; empty for none")
	s.DurationVar(&f.apiTimeout, "api-timeout", 10*time.Second, "longest time for one call of the API server")
	s.AddGoFlag(flag.CommandLine.Lookup("kubeconfig"))
}

// hpa are the flags of Kubernetes' own controller.
func (f *flags) hpa() policy.HPA {
	window := int32(f.hpaDownscaleStabilization / time.Second)
	return policy.HPA{Tolerance: &f.hpaTolerance, DownscaleStabilization: &window}
}

// check refuses values that could not work.
func (f *flags) check() error {
	switch {
	case f.queryOffset < 0 || f.queryOffset%time.Second != 0 || f.queryOffset > maxQueryOffset:
		return fmt.Errorf("--query-offset %s: want whole seconds, 0s to %s: slots are whole seconds", f.queryOffset, maxQueryOffset)
	case f.cloudProvider != "aws" && f.cloudProvider != "none":
		return fmt.Errorf("--cloud-provider %q: want aws or none", f.cloudProvider)
	case !(f.hpaTolerance >= 0 && f.hpaTolerance <= 100):
		return fmt.Errorf("--horizontal-pod-autoscaler-tolerance %v: want a ratio, 0 to 100, e.g. 0.1 for 10 %%", f.hpaTolerance)
	case f.hpaDownscaleStabilization < 0 || f.hpaDownscaleStabilization%time.Second != 0 || f.hpaDownscaleStabilization > policy.MaxWindowSeconds*time.Second:
		return fmt.Errorf("--horizontal-pod-autoscaler-downscale-stabilization %s: want whole seconds, 0s to %ds", f.hpaDownscaleStabilization, policy.MaxWindowSeconds)
	case f.queryTimeout <= 0:
		return fmt.Errorf("--query-timeout %s: want more than 0s", f.queryTimeout)
	case f.queryMaxBytes < 1<<10:
		return fmt.Errorf("--query-max-bytes %d: want 1024 (1 KiB) or more", f.queryMaxBytes)
	case f.scrapeInterval < 0 || f.scrapeInterval > kubernetes.RememberedFor:
		return fmt.Errorf("--scrape-interval %s: want 0s to %s", f.scrapeInterval, kubernetes.RememberedFor)
	case !enforceable(f.enforceLabel):
		return fmt.Errorf("--enforce-label %q: want the name of a label, such as namespace", f.enforceLabel)
	case f.wrongNamespaces() != nil:
		return f.wrongNamespaces()
	case f.wrongSources() != nil:
		return f.wrongSources()
	case f.apiTimeout <= 0:
		return fmt.Errorf("--api-timeout %s: want more than 0s", f.apiTimeout)
	case f.concurrency < 1 || f.concurrency > maxConcurrency:
		return fmt.Errorf("--concurrency %d: want 1 to %d", f.concurrency, maxConcurrency)
	case f.metricsRefresh < 0 || f.metricsRefresh%time.Second != 0:
		return fmt.Errorf("--metrics-refresh %s: want whole seconds, 0s or more", f.metricsRefresh)
	case f.metricsPort < 0 || f.metricsPort > 65535:
		return fmt.Errorf("--metrics-port %d: want 0 to 65535", f.metricsPort)
	case f.wrongAddress() != nil:
		return f.wrongAddress()
	case f.leaderElect && len(validation.IsDNS1123Label(f.namespace)) > 0:
		return fmt.Errorf("--leader-elect-namespace %q: want the name of a namespace", f.namespace)
	case f.leaseDuration < time.Second || f.leaseDuration%time.Second != 0:
		return fmt.Errorf("--leader-elect-lease-duration %s: want whole seconds, 1s or more", f.leaseDuration)
	case f.renewDeadline >= f.leaseDuration:
		return fmt.Errorf("--leader-elect-renew-deadline %s: want less than the lease duration, %s", f.renewDeadline, f.leaseDuration)
	case f.retryPeriod <= 0 || f.retryPeriod*2 > f.renewDeadline:
		return fmt.Errorf("--leader-elect-retry-period %s: want more than 0s and at most half of the renew deadline, %s", f.retryPeriod, f.renewDeadline)
	case f.journalMaxBytes < 1<<20:
		return fmt.Errorf("--journal-max-bytes %d: want 1048576 (1 MiB) or more", f.journalMaxBytes)
	case f.journalAddress != "" && !loopback(f.journalAddress):
		return fmt.Errorf("--journal-address %s: want a loopback address, as in 127.0.0.1:8083: what is served there asks nobody who they are", f.journalAddress)
	case f.journalAddress != "" && f.journalDir == "":
		return fmt.Errorf("--journal-address %s: there are no files to serve without --journal-dir", f.journalAddress)
	case f.journalRetention <= 0:
		return fmt.Errorf("--journal-retention %s: want more than 0s", f.journalRetention)
	}
	return nil
}

// wrongSources says what is wrong with the file of sources, before anything starts.
func (f *flags) wrongSources() error {
	if f.metricsSources == "" {
		return nil
	}
	if _, _, err := sources.Load(f.metricsSources); err != nil {
		return fmt.Errorf("--metrics-sources %w", err)
	}
	return nil
}

// wrongAddress says at which address nobody could listen.
func (f *flags) wrongAddress() error {
	for _, a := range []struct{ flag, address, example string }{
		{"metrics-address", f.metricsAddress, "127.0.0.1:8080"},
		{"health-probe-address", f.healthAddress, ":8081"},
		{"pprof", f.pprofAddress, "localhost:6060"},
	} {
		if a.address != "" && a.address != "0" && !listenable(a.address) {
			return fmt.Errorf("--%s %s: want HOST:PORT or :PORT, as in %s", a.flag, a.address, a.example)
		}
	}
	return nil
}

// noServer says why there is no API server to work with: a file that the command line
// names and that cannot be read is what is wrong with it.
func (f *flags) noServer(err error) error {
	if path := flag.Lookup("kubeconfig").Value.String(); path != "" {
		return fmt.Errorf("%w: --kubeconfig %s: %w", errUsage, path, err)
	}
	return fmt.Errorf("no API server: %w", err)
}

// wrongNamespaces says which flag has a text that can be no namespace's name.
func (f *flags) wrongNamespaces() error {
	for _, list := range []struct {
		flag  string
		names []string
	}{
		{"node-group-namespaces", f.nodeGroupNamespaces}, {"queue-namespaces", f.queueNamespaces}, {"watch-namespaces", f.watchNamespaces},
	} {
		for i, name := range list.names {
			if len(validation.IsDNS1123Label(name)) > 0 {
				return fmt.Errorf("--%s %q: want names of namespaces, with commas between them", list.flag, name)
			}
			if slices.Contains(list.names[:i], name) {
				return fmt.Errorf("--%s: %s stands there twice", list.flag, name)
			}
		}
	}
	return nil
}

// enforceable says whether a label can be enforced; none always can.
func enforceable(label string) bool {
	_, err := promql.ParseLabel(label)
	return err == nil
}

// listenable says whether a text is HOST:PORT, of which the host may be missing. Port 0
// has the system pick one.
func listenable(text string) bool {
	_, port, err := net.SplitHostPort(text)
	_, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil
}

// loopback says whether only this pod reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && listenable(address) && (host == "localhost" || net.ParseIP(host).IsLoopback())
}
