package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/reports"
)

// loadBalancer writes fourteen days of requests to a load balancer, one value every
// five minutes: a daily rhythm, a quieter weekend, bursts, and two rows missing in
// each 506.
func loadBalancer(t testing.TB) string {
	t.Helper()
	first := time.Date(2014, 4, 10, 0, 4, 0, 0, time.UTC)
	random := uint64(1)
	noise := func() float64 { // in [0, 1), the same on every machine
		random = random*6364136223846793005 + 1442695040888963407
		return float64(random>>11) / (1 << 53)
	}
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	burst := 0.0
	for i := range 4048 {
		at := first.Add(time.Duration(i) * 5 * time.Minute)
		if burst *= 0.7; noise() < 0.01 {
			burst = 200 + 300*noise()
		}
		level := 80 + 60*math.Sin(2*math.Pi*float64(i)/288)
		if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
			level *= 0.6
		}
		if i%506 < 504 {
			fmt.Fprintf(&b, "%s,%.0f\n", at.Format(time.DateTime), level*(0.8+0.4*noise())+burst)
		}
	}
	path := filepath.Join(t.TempDir(), "requests.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
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
