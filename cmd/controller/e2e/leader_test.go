package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// short leases change hands within seconds, a long one within this test only
// if it is released.
var (
	short = []string{"--leader-elect-lease-duration", "6s", "--leader-elect-renew-deadline", "4s", "--leader-elect-retry-period", "500ms"}
	long  = []string{"--leader-elect-lease-duration", "5m", "--leader-elect-renew-deadline", "4m", "--leader-elect-retry-period", "500ms"}
)

// TestLeaders has two processes share a lease while three autoscalers want more
// replicas than their rate allows. A leader that is killed, one that is stopped
// until its lease is over, and one that is told to end are each succeeded by the
// other process, which goes on with the same windows and rate budget.
func TestLeaders(t *testing.T) {
	t.Parallel()
	servertest.Own(t)
	o := observe(t, "leaders")
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"1000"]}]}}`, r.FormValue("time"))
	}))
	defer prometheus.Close()
	var names []string
	for _, name := range []string{"a", "b", "c"} {
		names = append(names, name)
		o.create(deployment(name, 1), autoscalerOf(name, v1alpha1.Behavior{ScaleUp: &v1alpha1.ScalingRules{
			Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: 1, PeriodSeconds: 3}},
		}}))
	}
	directory := t.TempDir()
	binary, access := build(t, directory), kubeconfig(t, directory)
	replica := func(name string) *process {
		return &process{t: t, name: name, binary: binary, journal: filepath.Join(directory, name), flags: []string{
			"--kubeconfig", access, "--prometheus-uri", prometheus.URL, "--leader-elect-namespace", o.namespace,
		}}
	}
	one, two := replica("one"), replica("two")

	one.start(short...)
	o.leads("", one)
	two.start(short...)
	o.grow(names)
	one.kill()
	o.leads("after a kill", two)
	o.grow(names)

	one.start(short...)
	two.signal(syscall.SIGSTOP)
	o.leads("while the other is stopped", one)
	o.grow(names)
	two.signal(syscall.SIGCONT)
	if err := two.exit(); err == nil || !strings.Contains(two.output.String(), "leader election lost") {
		t.Errorf("deposed: %v\n%s", err, two.output.String())
	}
	o.grow(names)

	two.start(long...)
	one.terminate()
	o.leads("after the end", two)
	o.grow(names)
	one.start(short...)
	two.terminate()
	o.leads("although the lease would last", one)
	o.grow(names)
	one.terminate()
	o.caughtUp()

	j := readJournals(t, one.journal, two.journal)
	if len(j.files) != 5 {
		t.Errorf("%d leaders decided, want 5", len(j.files))
	}
	j.checkSuccession(names)
	o.checkAgainst(j, names)
	for _, name := range names {
		checkRate(j, name, 3, 1, 100) // all may go at once
	}
}

// leads waits until a process has the lease, by the changes of hands.
func (o *observer) leads(reason string, p *process) {
	o.t.Helper()
	before := ""
	err := wait.PollUntilContextTimeout(context.Background(), poll, timeout, true, func(ctx context.Context) (bool, error) {
		var lease coordinationv1.Lease
		if err := o.client.Get(ctx, types.NamespacedName{Namespace: o.namespace, Name: "karpenter-autoscaling"}, &lease); err != nil {
			return false, nil
		}
		if lease.Spec.HolderIdentity != nil {
			before = *lease.Spec.HolderIdentity
		}
		return before != "" && before != o.holder, nil
	})
	if err != nil {
		o.t.Fatalf("%s does not lead %s: %v\n%s", p.name, reason, err, p.output.String())
	}
	o.holder = before
}

// grow waits until every target was scaled by whoever leads now.
func (o *observer) grow(names []string) {
	o.t.Helper()
	for _, name := range names {
		n := o.count(name)
		err := wait.PollUntilContextTimeout(context.Background(), poll, timeout, true, func(context.Context) (bool, error) {
			return o.count(name) > n, nil
		})
		if err != nil {
			o.t.Fatalf("%s does not grow", name)
		}
	}
}
