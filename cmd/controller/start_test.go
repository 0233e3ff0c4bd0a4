package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

type answering struct {
	t   *testing.T
	err error
}

// Query implements cycle.Querier. A sample of 1970 is one without a time.
func (a answering) Query(_ context.Context, _ string, at time.Time) (cycle.Result, error) {
	if at.Unix() != 1767600000 || at.Nanosecond() != 0 {
		a.t.Errorf("asked about %s", at)
	}
	return cycle.Result{Samples: 1, Value: 1}, a.err
}

// TestStart holds what the first log lines say, without a password.
func TestStart(t *testing.T) {
	var lines []string
	log := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	f := &flags{prometheusURI: "http://me:secret@prometheus:9090", dryRun: true, leaderElect: true, concurrency: 64, queryTimeout: time.Second}
	f.announce(log)
	now := time.Unix(1767600000, 123)
	f.reach(context.Background(), log, "", f.prometheusURI, answering{t, nil}, now)
	f.reach(context.Background(), log, "", f.prometheusURI, answering{t, cycle.ErrTimedOut}, now)
	f.reach(context.Background(), log, "shop", "http://me:secret@thanos", answering{t, nil}, now)
	f.reach(context.Background(), log, "shop", "http://me:secret@thanos", answering{t, cycle.ErrForbidden}, now)
	all := strings.Join(lines, "\n")
	for _, want := range []string{
		`"msg"="starting" "version"="dev" "prometheus"="http://me:xxxxx@prometheus:9090" "dryRun"=true "leaderElection"=true "journal"="none: `,
		`"msg"="dry run: decisions are recorded, and nothing is changed"`,
		`"msg"="Prometheus answers"`,
		`"msg"="Prometheus does not answer: every autoscaler holds until it does"`, `"code"="TimedOut"`,
		`"msg"="Prometheus answers" "prometheus"="http://me:xxxxx@thanos" "source"="shop"`,
		`"msg"="Prometheus does not answer: metrics that name this source are missing until it does" "prometheus"="http://me:xxxxx@thanos" "source"="shop" "code"="Forbidden"`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
	if strings.Contains(all, "secret") {
		t.Errorf("a password in\n%s", all)
	}
}

// TestUsageErrors holds that what is wrong with the command line is told from
// what is wrong with the cluster: it exits with 2.
func TestUsageErrors(t *testing.T) {
	for _, arguments := range [][]string{{"now"}, {"--concurrency", "0"}, {"--no-such-flag"}} {
		c := command()
		c.SetArgs(arguments)
		if err := c.Execute(); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", arguments, err)
		}
	}
}
