package main

import (
	"context"
	"net/url"
	"time"

	"github.com/go-logr/logr"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// announce says what is started, before anything else is said.
func (f *flags) announce(log logr.Logger) {
	log.Info("starting", "version", release, "prometheus", redacted(f.prometheusURI), "dryRun", f.dryRun,
		"leaderElection", f.leaderElect, "journal", f.journalName(), "concurrency", f.concurrency)
	if restricted := f.restrictions(); len(restricted) > 0 {
		log.Info("tenants are kept apart", restricted...)
	}
	if f.metricsSources != "" {
		log.Info("metrics sources", "file", f.metricsSources)
	}
	if f.dryRun {
		log.Info("dry run: decisions are recorded, and nothing is changed")
	}
}

// restrictions are the flags that keep tenants apart, as far as they are set.
func (f *flags) restrictions() []any {
	var set []any
	if f.enforceLabel != "" {
		set = append(set, "enforceLabel", f.enforceLabel)
	}
	for _, list := range []struct {
		key   string
		names []string
	}{
		{"nodeGroupNamespaces", f.nodeGroupNamespaces}, {"queueNamespaces", f.queueNamespaces}, {"watchNamespaces", f.watchNamespaces},
	} {
		if len(list.names) > 0 {
			set = append(set, list.key, list.names)
		}
	}
	return set
}

// journalName says where the journal goes.
func (f *flags) journalName() string {
	switch {
	case f.journalDir == "" && f.journalStdout:
		return "stdout"
	case f.journalDir == "":
		return "none: decisions cannot be verified or explained afterwards; see --journal-dir"
	}
	return f.journalDir
}

// reach says whether a Prometheus answers: the one of --prometheus-uri, whose name is
// empty, or a named source. The controller starts either way: without metrics
// everything holds.
func (f *flags) reach(ctx context.Context, log logr.Logger, name, address string, source cycle.Querier, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, f.queryTimeout)
	defer cancel()
	who, about := "every autoscaler holds", []any{"prometheus", redacted(address)}
	if name != "" {
		who, about = "metrics that name this source are missing", append(about, "source", name)
	}
	if _, err := source.Query(ctx, "vector(1)", now.Truncate(time.Second)); err != nil {
		log.Info("Prometheus does not answer: "+who+" until it does", append(about, "code", cycle.Code(err), "error", err.Error())...)
		return
	}
	log.Info("Prometheus answers", about...)
}

// redacted is an address without its password.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	return u.Redacted()
}
