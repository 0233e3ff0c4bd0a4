package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/reports"
)

// loadBalancer is fourteen days of requests to a load balancer.
func loadBalancer(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "nab_elb_request_count_8c0756.csv"))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Skipf("the recording of the load balancer is not here: %v", err)
	}
	return path
}

// TestTuneLoadBalancer: over v0.1's defaults either something is recommended
// that is better held out in cost and in under-provisioning, or nothing is.
func TestTuneLoadBalancer(t *testing.T) {
	recording := loadBalancer(t)
	initDir(t, map[string]string{"ha.yaml": goodManifest})
	got := call(t, "", "tune", "-f", "ha.yaml", "--recording", recording, "--ready-after", "3m", "--demand", "sum(value)", "--capacity", "20",
		"--sampler", "grid", "--trials", "20", "--out", "out", "-o", "json",
		"--parameter", "spec.maxReplicas=[20,60]", "--parameter", "spec.metrics[0].prometheus.target.value=16..20:2",
		"--parameter", "spec.behavior.scaleDown.stabilizationWindowSeconds=[0,60,300]")
	got.want(t, exitOK, "")
	var report reports.Tune
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatal(err)
	}
	last := report.Folds[len(report.Folds)-1]
	switch report.Verdict {
	case reports.TuneRecommend:
		for name, pair := range map[string][2]reports.TuneFigures{"newest window": {last.Out, last.CurrentOut}, "all folds": {report.HeldOut, report.CurrentHeldOut}} {
			if a, b := pair[0], pair[1]; a.ReplicaHours >= b.ReplicaHours || a.BreachMinutes >= b.BreachMinutes || a.UnderHours > b.UnderHours {
				t.Errorf("recommended, but in the %s %+v does not beat %+v", name, a, b)
			}
		}
	case reports.TuneKeep:
		if !strings.HasPrefix(report.Headline(), "Keep what you have: ") {
			t.Errorf("headline %q", report.Headline())
		}
	default:
		t.Errorf("verdict %s", report.Verdict)
	}
	t.Logf("%s %s", report.Headline(), strings.Join(report.Why, " "))
}
