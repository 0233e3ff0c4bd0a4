package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// inFlags names the flags behind mistakes in a scenario that nobody has written:
// files are what it would have been called.
func (f *replayFlags) inFlags(err error, files ...string) error {
	var status *statusError
	if err == nil || errors.As(err, &status) {
		return err
	}
	all := manifest.Placed(err)
	some := false
	mapped := make([]error, len(all))
	for i, e := range all {
		mapped[i] = e
		if !slices.Contains(files, e.Position.File) {
			continue
		}
		if flag := f.flagOf(e.Field); flag != "" {
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
func (f *replayFlags) flagOf(field string) string {
	switch field {
	case "metadata.name":
		if f.name == "" {
			return "--name is needed"
		}
		return "--name " + quoteArgument(f.name)
	case "spec.prometheus.lookbackDelta":
		return "--lookback " + f.lookback
	case "spec.duration":
		return "--recording " + quoteArgument(f.recordings[0])
	case "spec.replay.demand":
		return "--demand " + quoteArgument(f.demand)
	case "spec.replay.capacity":
		return fmt.Sprintf("--capacity %v", f.capacity)
	case "spec.replay.saturation":
		return fmt.Sprintf("--saturation %v", f.saturation)
	case "spec.replay.scale":
		return fmt.Sprintf("--scale %v", f.scale)
	case "spec.replay.readyAfter":
		return "--ready-after " + f.readyAfter
	}
	if key, ok := strings.CutPrefix(field, "spec.replay.replicas["); ok {
		return f.replicasFlag(strings.TrimSuffix(key, "]"))
	}
	for _, list := range []struct {
		path, flag string
		values     []string
	}{
		{"spec.recordings", "--recording", f.recordings}, {"spec.targets", "--target", f.targets}, {"spec.variants", "--variant", f.variantNames()},
	} {
		var i int
		if n, _ := fmt.Sscanf(field, list.path+"[%d]", &i); n == 1 && i < len(list.values) {
			return list.flag + " " + quoteArgument(list.values[i])
		}
	}
	return ""
}

// replicasFlag is the --replicas of an object.
func (f *replayFlags) replicasFlag(object string) string {
	for _, v := range f.replicas {
		name, _, _ := strings.Cut(v, "=")
		if ref, err := scenario.ParseReference(name); err == nil && ref.String() == object {
			return "--replicas " + quoteArgument(v)
		}
	}
	return ""
}

// variantNames are the variants' names.
func (f *replayFlags) variantNames() []string {
	names := make([]string, len(f.variants))
	for i, text := range f.variants {
		names[i], _, _ = strings.Cut(text, "=")
	}
	return names
}
