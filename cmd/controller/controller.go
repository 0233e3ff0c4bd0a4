package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientset "k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/karpenter-sim/karpenter/cmd/controller/share"
	"github.com/karpenter-sim/karpenter/cmd/controller/sink"
	"github.com/karpenter-sim/karpenter/cmd/controller/sources"
	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/aws"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
	"github.com/karpenter-sim/karpenter/providers/promql"
)

// leaseName is the name of the lease, and of the namespace that we live in.
const leaseName = "karpenter-autoscaling"

// journalQueue is how many lines may wait to be written.
const journalQueue = 1 << 14

// shareTimeout is how long a request for the journal may take to arrive.
const shareTimeout = 10 * time.Second

// A controller holds what one process runs.
type controller struct {
	manager manager.Manager
	journal *sink.Sink
	events  record.EventBroadcaster
}

// newController builds everything and starts nothing that decides.
func newController(ctx context.Context, f *flags) (*controller, error) {
	log := f.logger(ctx)
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	f.announce(log)
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, f.noServer(err)
	}
	config.UserAgent = leaseName + "/" + release
	config.QPS = -1 // the API server's own fairness decides
	c := &controller{}
	if err := c.build(ctx, f, config, log); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// logger writes JSON lines to stderr; stdout may be the journal's.
func (f *flags) logger(ctx context.Context) logr.Logger {
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	handler := slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})
	return logr.FromSlogHandler(&stopping{Handler: handler, stopped: ctx})
}

func (c *controller) build(ctx context.Context, f *flags, config *rest.Config, log logr.Logger) error {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	events, err := c.startEvents(config, scheme)
	if err != nil {
		return err
	}
	options := f.managerOptions(scheme)
	var fence func() error
	if f.leaderElect {
		lease, err := f.openLease(config, events)
		if err != nil {
			return err
		}
		options.LeaderElectionResourceLockInterface, fence = lease, lease.fence
	}
	if c.manager, err = ctrl.NewManager(config, options); err != nil {
		return err
	}
	if err := addProbes(c.manager); err != nil {
		return err
	}
	if c.journal, err = f.openJournal(log); err != nil {
		return err
	}
	if err := f.shareJournal(c.manager); err != nil {
		return err
	}
	own, err := kubernetes.NewMetrics(metrics.Registry)
	if err != nil {
		return err
	}
	source, err := prometheus.New(f.prometheus(own, log))
	if err != nil {
		// An address or a file that cannot be meant.
		return fmt.Errorf("%w: --prometheus-uri or --http.config.file: %w", errUsage, err)
	}
	go f.reach(ctx, log, "", f.prometheusURI, source, clock.RealClock{}.Now())
	named, err := f.openSources(ctx, source, own, log)
	if err != nil {
		return fmt.Errorf("%w: --metrics-sources %w", errUsage, err)
	}
	if err := c.manager.Add(named); err != nil {
		return err
	}
	exporter, err := kubernetes.NewExporter(metrics.Registry)
	if err != nil {
		return err
	}
	groups, queues, err := f.openCloud(&kubernetes.Cluster{Objects: c.manager.GetClient()}, log)
	if err != nil {
		return err
	}
	return kubernetes.Setup(ctx, c.manager, kubernetes.Options{
		NodeGroups: groups, Queues: queues, Exporter: exporter,
		Clock: clock.RealClock{}, Source: named, Notice: named.Notice, Journal: c.journal, Metrics: own, Events: events,
		Timeout: f.apiTimeout, QueryOffset: f.queryOffset, Refresh: f.metricsRefresh,
		NodeGroupNamespaces: f.nodeGroupNamespaces, QueueNamespaces: f.queueNamespaces, Watched: f.watchNamespaces,
		Concurrency: f.concurrency, DryRun: f.dryRun, Fence: fence, HPA: f.hpa(),
	})
}

// openCloud opens what --cloud-provider names; none has neither node groups nor queues.
func (f *flags) openCloud(nodes *kubernetes.Cluster, log logr.Logger) (map[string]cycle.NodeGroups, map[string]cycle.Queues, error) {
	if f.cloudProvider == "none" {
		log.Info("provider", "name", f.cloudProvider)
		return nil, nil, nil
	}
	cloud, err := aws.New(aws.Options{Clock: clock.RealClock{}, ReadyNodes: nodes.ReadyNodes})
	if err != nil {
		return nil, nil, err
	}
	groups, queues := cloud.NodeGroups(), cloud.Queues()
	log.Info("provider", "name", f.cloudProvider, "nodeGroups", slices.Sorted(maps.Keys(groups)), "queues", slices.Sorted(maps.Keys(queues)))
	return groups, queues, nil
}

func (f *flags) managerOptions(scheme *runtime.Scheme) manager.Options {
	o := manager.Options{
		Scheme: scheme,
		// What nobody reads need not be kept for every object.
		Cache:                         cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		LeaderElection:                f.leaderElect,
		LeaderElectionID:              leaseName, // the lease is ours; this is its name in metrics
		LeaseDuration:                 &f.leaseDuration,
		RenewDeadline:                 &f.renewDeadline,
		RetryPeriod:                   &f.retryPeriod,
		LeaderElectionReleaseOnCancel: true, // main ends with the manager
		HealthProbeBindAddress:        f.healthAddress,
		PprofBindAddress:              f.pprofAddress,
		Metrics:                       server.Options{BindAddress: "0"},
	}
	for _, namespace := range f.watchNamespaces {
		if o.Cache.DefaultNamespaces == nil {
			o.Cache.DefaultNamespaces = map[string]cache.Config{}
		}
		o.Cache.DefaultNamespaces[namespace] = cache.Config{}
	}
	switch {
	case f.metricsAddress != "":
		o.Metrics = server.Options{BindAddress: f.metricsAddress, SecureServing: f.metricsSecure}
	case f.metricsPort > 0:
		o.Metrics = server.Options{BindAddress: ":" + strconv.Itoa(f.metricsPort), SecureServing: f.metricsSecure}
	}
	if f.metricsSecure {
		o.Metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return o
}

func (f *flags) openJournal(log logr.Logger) (*sink.Sink, error) {
	identity, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	var stdout io.Writer
	if f.journalStdout {
		stdout = os.Stdout
	}
	opened, err := sink.New(sink.Options{
		Directory: f.journalDir, Identity: identity, Stdout: stdout, Queue: journalQueue,
		MaxBytes: f.journalMaxBytes, Retention: f.journalRetention,
		Clock: clock.RealClock{}, Log: log.WithName("journal"), Registry: metrics.Registry,
	})
	if err != nil && f.journalDir != "" {
		return nil, fmt.Errorf("%w: --journal-dir %s: %w", errUsage, f.journalDir, err)
	}
	return opened, err
}

// shareJournal serves the journal's files from the start on, also where another
// replica leads: they are this one's.
func (f *flags) shareJournal(m manager.Manager) error {
	if f.journalAddress == "" {
		return nil
	}
	listener, err := net.Listen("tcp", f.journalAddress)
	if err != nil {
		return fmt.Errorf("--journal-address %s: %w", f.journalAddress, err)
	}
	return m.Add(&manager.Server{
		Name: "journal", Listener: listener,
		Server: &http.Server{Handler: share.Handler(f.journalDir), ReadHeaderTimeout: shareTimeout, IdleTimeout: time.Minute},
	})
}

// openSources opens the named servers beside our own.
func (f *flags) openSources(ctx context.Context, source *prometheus.Client, own *kubernetes.Metrics, log logr.Logger) (*sources.Sources, error) {
	label := promql.Label(f.enforceLabel)
	return sources.New(sources.Options{
		Own: promql.Enforcing(label, source), Path: f.metricsSources, EnforceLabel: label, Client: f.prometheus(own, log),
		Sign: func(s sources.SigV4, next http.RoundTripper) (http.RoundTripper, error) {
			return aws.SignV4(s.Region, s.Profile, s.RoleARN, next)
		},
		Opened: func(name, address string, source cycle.Querier) {
			go f.reach(ctx, log, name, address, source, clock.RealClock{}.Now())
		},
		Clock: clock.RealClock{}, Log: log.WithName("sources"), Registry: metrics.Registry,
	})
}

// prometheus are the options of our own server's client.
func (f *flags) prometheus(own *kubernetes.Metrics, log logr.Logger) prometheus.Options {
	seldom := &seldom{log: log.WithName("prometheus"), clock: clock.RealClock{}}
	return prometheus.Options{
		URL: f.prometheusURI, ConfigFile: f.httpConfig, Timeout: f.queryTimeout, MaxBytes: f.queryMaxBytes, ScrapeInterval: f.scrapeInterval, Clock: clock.RealClock{},
		Observe: func(o prometheus.Observation) {
			own.Query(string(cycle.Code(o.Err)), o.Duration, len(o.Warnings))
			if o.Err != nil {
				seldom.say("query failed", "error", o.Err.Error())
			}
			for _, w := range o.Warnings {
				seldom.say("query gave a warning", "query", o.Query, "warning", w)
			}
		},
	}
}

// startEvents uses the core API, whose events keep their messages apart.
func (c *controller) startEvents(config *rest.Config, scheme *runtime.Scheme) (record.EventRecorder, error) {
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	c.events = record.NewBroadcaster()
	c.events.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: client.CoreV1().Events("")})
	return c.events.NewRecorder(scheme, corev1.EventSource{Component: leaseName}), nil
}

// close ends what the manager does not: after it, so that nothing is lost.
func (c *controller) close() {
	if c.events != nil {
		c.events.Shutdown()
	}
	if c.journal != nil {
		c.journal.Close()
	}
}

// addProbes says that the process lives, and that its caches are filled.
func addProbes(m manager.Manager) error {
	ready := &ready{}
	return errors.Join(m.Add(ready), m.AddHealthzCheck("ping", healthz.Ping), m.AddReadyzCheck("caches", ready.check))
}

// ready is started by the manager once the caches are filled.
type ready struct{ filled atomic.Bool }

func (r *ready) Start(context.Context) error {
	r.filled.Store(true)
	return nil
}

// NeedLeaderElection makes replicas ready that wait for leadership.
func (*ready) NeedLeaderElection() bool { return false }

func (r *ready) check(*http.Request) error {
	if !r.filled.Load() {
		return errors.New("the caches are not filled yet")
	}
	return nil
}
