package replay

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Fill writes what the options say into the spec, and opens the recordings once
// to find out when they begin and end. The set has the autoscalers that are replayed.
func (o *Options) Fill(ctx context.Context, spec *scenario.Spec, set *manifest.Set) error {
	location, err := o.location()
	if err != nil {
		return err
	}
	spec.Seed = 1
	spec.Prometheus.EnableFeatures = o.Features
	spec.Controller.Phase = scenario.Hashed
	enforce, err := o.Enforced()
	if err != nil {
		return err
	}
	spec.Controller.EnforceLabel = string(enforce)
	spec.Replay = &scenario.Replay{OpenLoop: o.OpenLoop, Demand: o.Demand, DemandLag: scenario.Duration(o.DemandLag)}
	if o.Capacity != 0 && !positive(o.Capacity) {
		return fmt.Errorf("--capacity %v: want a number above 0", o.Capacity)
	}
	if (o.Demand == "") != (o.Capacity == 0) {
		return errors.New("--demand and --capacity go together: a PromQL expression, and how many of its units one replica serves")
	}
	if o.Saturation != 0 {
		if !positive(o.Saturation) {
			return fmt.Errorf("--saturation %v: want a number above 0, e.g. 1 for 100 %%", o.Saturation)
		}
		spec.Replay.Saturation = &o.Saturation
	}
	if o.Demand != "" {
		spec.Replay.Capacity = &o.Capacity
	}
	if !positive(o.Scale) {
		return fmt.Errorf("--scale %v: want a number above 0", o.Scale)
	}
	if o.Scale != 1 {
		spec.Replay.Scale = &o.Scale
	}
	if o.Lookback != "" {
		d, err := ParseDuration("--lookback", o.Lookback)
		if err != nil {
			return err
		}
		spec.Prometheus.LookbackDelta = &d
	}
	if o.ScrapeInterval != "" {
		d, err := ParseDuration("--scrape-interval", o.ScrapeInterval)
		if err != nil {
			return err
		}
		spec.Controller.ScrapeInterval = &d
	}
	if o.ReadyAfter != "" {
		d, err := scenario.ParseStartUp(o.ReadyAfter)
		if err != nil {
			return fmt.Errorf("--ready-after %s: %w", o.ReadyAfter, err)
		}
		spec.Replay.ReadyAfter = &d
	}
	if err := o.fillObjects(spec, set); err != nil {
		return err
	}
	return o.fillRecordings(ctx, spec, set, location)
}

// positive numbers are above 0 and finite.
func positive(v float64) bool { return v > 0 && v <= math.MaxFloat64 }
