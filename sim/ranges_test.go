package sim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestShortRanges holds what is said of a range that has too few samples, of one a
// minute.
func TestShortRanges(t *testing.T) {
	var b strings.Builder
	for i := range 41 {
		fmt.Fprintf(&b, "orders_total %d %d\n", 600*i, 1767600000+60*i)
	}
	path := filepath.Join(t.TempDir(), "r.om")
	if err := os.WriteFile(path, []byte(b.String()+"# EOF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ reason, query, refused, noted string }{
		"Never":     {"two samples are never within a minute", "sum(rate(orders_total[1m]))", "spec.metrics[0].prometheus.query: rate over [1m] never has the two samples that it needs, as orders_total has one every 1m; the least range that works is [2m], better [4m]", ""},
		"Inner":     {"nor in a part of a query that has a value without it", "sum(rate(orders_total[30s])) or vector(0)", "rate over [30s] never has the two samples", ""},
		"Sometimes": {"within a minute and a half there are, at half of the instants", "sum(increase(orders_total[90s]))", "", "increase over [1m30s] has not always the two samples that it needs, as orders_total has one every 1m; the least range that works is [2m], better [4m]"},
		"Enough":    {"two minutes do", "sum(rate(orders_total[2m]))", "", ""},
		"OfOne":     {"a maximum needs one", "max_over_time(orders_total[1m])", "", ""},
		"Unknown":   {"of what is not recorded nothing is known", "rate(x[1s]) or on() vector(1)", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(replayText("", "type: AverageValue, value: 1", "  recordings: [{file: "+path+"}]\n"), "query: u,", fmt.Sprintf("query: %q,", c.query), 1)
			in, autoscalers := openFile(t, loadText(t, text))
			_, err := in.Play(context.Background(), autoscalers, Options{})
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%s: got %v, want %q", c.reason, err, c.refused)
				}
				if check := in.Check(context.Background(), autoscalers, Options{}); check == nil || check.Error() != err.Error() {
					t.Errorf("%s: checked before a run: %v", c.reason, check)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			said := slices.ContainsFunc(in.Notes, func(n string) bool { return strings.Contains(n, "needs, as") })
			if said != (c.noted != "") || said && !slices.Contains(in.Notes, "default/web: "+c.noted) {
				t.Errorf("%s: notes %q, want %q", c.reason, in.Notes, c.noted)
			}
		})
	}
}
