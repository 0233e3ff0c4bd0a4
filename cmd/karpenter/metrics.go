package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

// addConversion adds the flags that say how HPAs and ScaledObjects are converted, and
// what PromQL may be.
func addConversion(flags *pflag.FlagSet, c *replay.Conversion) {
	flags.StringArrayVar(&c.Metrics, "metric", nil, "the PromQL of an HPA's Pods, Object or External metric, or of a ScaledObject's trigger (its name, type or index): [[NS/]OBJECT/]NAME=PROMQL (repeatable)")
	flags.StringVar(&c.AdapterRules, "adapter-rules", "", "prometheus-adapter's rules, by which it serves the metrics of HPAs: its configuration, the ConfigMap with it, or the values of its chart")
	flags.StringVarP(&c.Namespace, "namespace", "n", "", "namespace of objects that name none (default \"default\")")
	flags.BoolVar(&c.AllowLoss, "allow-loss", false, "convert HPAs and ScaledObjects without those of their metrics and triggers that cannot be converted")
	addFeatures(flags, &c.Features)
}

// addFeatures adds the flag that Prometheus has.
func addFeatures(flags *pflag.FlagSet, features *[]string) {
	flags.StringSliceVar(features, "enable-feature", nil, "experimental PromQL that the Prometheus has, too: "+strings.Join(fake.FeatureNames(), ", ")+" (comma-separated, repeatable)")
}

// addEnforceLabel adds the flag that the controller has.
func addEnforceLabel(flags *pflag.FlagSet, name *string) {
	flags.StringVar(name, "enforce-label", "", "the controller's flag of this name: every selector of every query gets this label with the namespace of its autoscaler, e.g. namespace")
}
