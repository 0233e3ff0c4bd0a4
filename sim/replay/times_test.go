package replay

import (
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

func TestScrapesOf(t *testing.T) {
	for _, c := range []struct {
		reason        string
		spacing, want time.Duration
	}{
		{"as it was scraped", 5 * time.Second, 5 * time.Second},
		{"whole seconds", 4999 * time.Millisecond, 5 * time.Second},
		{"never twice a second", 100 * time.Millisecond, time.Second},
		{"a pod that is ready for less than a minute counts", time.Minute, 15 * time.Second},
		{"one sample has no spacing", 0, 15 * time.Second},
	} {
		if got := scrapesOf(c.spacing); got != scenario.Duration(c.want) {
			t.Errorf("%s: %s gives %s, want %s", c.reason, c.spacing, time.Duration(got), c.want)
		}
	}
}
