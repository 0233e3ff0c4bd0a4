package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// InFlags names the flags behind mistakes in a scenario that nobody has written:
// files are what it would have been called.
func (o *Options) InFlags(err error, files ...string) error {
	if err == nil {
		return nil
	}
	all := manifest.Placed(err)
	some := false
	mapped := make([]error, len(all))
	for i, e := range all {
		mapped[i] = e
		if !slices.Contains(files, e.Position.File) {
			continue
		}
		if flag := o.flagOf(e.Field); flag != "" {
			mapped[i], some = &manifest.Error{Field: flag, Message: e.Message}, true
		}
	}
	if !some {
		return err
	}
	return manifest.Join(mapped...)
}

// flagOf is the flag with its value that a field of the scenario comes from;
// empty where none does.
func (o *Options) flagOf(field string) string {
	switch field {
	case "metadata.name":
		if o.Name == "" {
			return "--name is needed"
		}
		return "--name " + escape.Argument(o.Name)
	case "spec.prometheus.lookbackDelta":
		return "--lookback " + o.Lookback
	case "spec.duration":
		return "--recording " + escape.Argument(o.Recordings[0])
	case "spec.replay.demand":
		return "--demand " + escape.Argument(o.Demand)
	case "spec.replay.capacity":
		return fmt.Sprintf("--capacity %v", o.Capacity)
	case "spec.replay.demandLag":
		return fmt.Sprintf("--demand-lag %s", o.DemandLag)
	case "spec.controller.scrapeInterval":
		return "--scrape-interval " + escape.Argument(o.ScrapeInterval)
	case "spec.replay.saturation":
		return fmt.Sprintf("--saturation %v", o.Saturation)
	case "spec.replay.scale":
		return fmt.Sprintf("--scale %v", o.Scale)
	case "spec.replay.readyAfter":
		return "--ready-after " + o.ReadyAfter
	}
	if key, ok := strings.CutPrefix(field, "spec.replay.replicas["); ok {
		return o.replicasFlag(strings.TrimSuffix(key, "]"))
	}
	for _, list := range []struct {
		path, flag string
		values     []string
	}{
		{"spec.recordings", "--recording", o.Recordings}, {"spec.targets", "--target", o.Targets}, {"spec.variants", "--variant", o.variantNames()},
	} {
		var i int
		if n, _ := fmt.Sscanf(field, list.path+"[%d]", &i); n == 1 && i < len(list.values) {
			return list.flag + " " + escape.Argument(list.values[i])
		}
	}
	return ""
}

// replicasFlag is the --replicas of an object.
func (o *Options) replicasFlag(object string) string {
	for _, v := range o.Replicas {
		name, _, _ := strings.Cut(v, "=")
		if ref, err := scenario.ParseReference(name); err == nil && ref.String() == object {
			return "--replicas " + escape.Argument(v)
		}
	}
	return ""
}

// variantNames are the variants' names.
func (o *Options) variantNames() []string {
	names := make([]string, len(o.Variants))
	for i, text := range o.Variants {
		names[i], _, _ = strings.Cut(text, "=")
	}
	return names
}
