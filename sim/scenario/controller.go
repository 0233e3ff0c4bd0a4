package scenario

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	compiled "github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/providers/promql"
)

// HPA are the flags of Kubernetes' own controller.
func (c *Controller) HPA() compiled.HPA {
	h := compiled.HPA{Tolerance: c.Tolerance}
	if d := c.DownscaleStabilization; d != nil {
		seconds := int32(time.Duration(*d) / time.Second)
		h.DownscaleStabilization = &seconds
	}
	return h
}

// maxScrapeInterval is the longest that the controller takes.
const maxScrapeInterval = 5 * time.Minute

// ToleranceQuantity is the tolerance as a manifest has it; nil if absent.
func (c *Controller) ToleranceQuantity() *resource.Quantity {
	if c.Tolerance == nil {
		return nil
	}
	q := resource.NewMilliQuantity(int64(*c.Tolerance*1000+0.5), resource.DecimalSI)
	return q
}

func (v *validation) checkController() {
	c := &v.spec.Controller
	if t := c.Tolerance; t != nil && !(*t >= 0 && *t <= 100) {
		v.fail("spec.controller.tolerance", "want a ratio from 0 to 100, e.g. 0.1 for 10 %%, got %v", *t)
	}
	if d := c.DownscaleStabilization; d != nil && (time.Duration(*d)%time.Second != 0 || time.Duration(*d) > compiled.MaxWindowSeconds*time.Second) {
		v.fail("spec.controller.downscaleStabilization", "want whole seconds, at most %ds, got %s", compiled.MaxWindowSeconds, *d)
	}
	if d := c.ScrapeInterval; d != nil && time.Duration(*d) > maxScrapeInterval {
		v.fail("spec.controller.scrapeInterval", "want at most 5m, got %s: how many replicas were ready before is not remembered for longer", *d)
	}
	if _, err := promql.ParseLabel(c.EnforceLabel); err != nil {
		v.fail("spec.controller.enforceLabel", "%v", err)
	}
}
