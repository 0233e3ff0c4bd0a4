package recording

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// sharedData is a recording of a real system that is kept beside the
// repository, not in it.
func sharedData(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		tb.Skip("real recordings are absent: ", err)
	}
	return path
}

func TestRealCSV(t *testing.T) {
	tests := map[string]struct {
		reason  string
		samples int64
		first   string
		spacing time.Duration
	}{
		"nab_elb_request_count_8c0756.csv":             {"requests of a load balancer", 4032, "2014-04-10T00:04:00Z", 5 * time.Minute},
		"nab_grok_asg_anomaly.csv":                     {"a metric of a group with an anomaly", 4621, "2014-01-16T00:00:00Z", 5 * time.Minute},
		"nab_cpu_utilization_asg_misconfiguration.csv": {"CPU of a group", 18050, "2014-05-14T01:14:00Z", 5 * time.Minute},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := open(t, Spec{Path: sharedData(t, name)})
			info := r.Info()
			if info.Samples != tc.samples || info.First != ms(tc.first) || info.MedianSpacing != tc.spacing {
				t.Errorf("%s: %d samples, first %s, spacing %v", tc.reason,
					info.Samples, time.UnixMilli(info.First).UTC(), info.MedianSpacing)
			}
			if got := int64(len(all(t, r))); got != tc.samples {
				t.Errorf("%d samples streamed, want %d", got, tc.samples)
			}
		})
	}
}
