package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	names "k8s.io/apimachinery/pkg/util/validation"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// metricQueries are the --metric flags of a call, and what asked for them.
type metricQueries struct {
	queries map[string]string
	used    map[string]bool
	// triggers has the triggers that use a query.
	triggers map[string][]string
	// known are the metrics that might have a query.
	known map[string]bool
	// namespace and allowLoss are the flags beside them.
	namespace string
	allowLoss bool
	features  []string
}

// conversionFlags say how HPAs and ScaledObjects are converted, and what PromQL may be.
type conversionFlags struct {
	metrics   []string
	namespace string
	allowLoss bool
	features  []string
}

func (f *conversionFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.metrics, "metric", nil, "the PromQL of an HPA's Pods, Object or External metric, or of a ScaledObject's trigger (its name, type or index): [[NS/]OBJECT/]NAME=PROMQL (repeatable)")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of objects that name none (default \"default\")")
	flags.BoolVar(&f.allowLoss, "allow-loss", false, "convert HPAs and ScaledObjects without those of their metrics and triggers that cannot be converted")
	addFeatures(flags, &f.features)
}

// addFeatures adds the flag that Prometheus has.
func addFeatures(flags *pflag.FlagSet, features *[]string) {
	flags.StringSliceVar(features, "enable-feature", nil, "experimental PromQL that the Prometheus has, too: "+strings.Join(fake.FeatureNames(), ", ")+" (comma-separated, repeatable)")
}

// checkFeatures refuses features that there are not.
func checkFeatures(features []string) error {
	if _, err := fake.ParseFeatures(features...); err != nil {
		return fmt.Errorf("--enable-feature: %w", err)
	}
	return nil
}

// parse reads the flags.
func (f *conversionFlags) parse() (*metricQueries, error) {
	if f.namespace != "" && names.IsDNS1123Label(f.namespace) != nil {
		return nil, fmt.Errorf("--namespace %s: want the name of a namespace: lower case letters, digits and '-', at most 63", quoteArgument(f.namespace))
	}
	if err := checkFeatures(f.features); err != nil {
		return nil, err
	}
	m := &metricQueries{features: f.features, queries: map[string]string{}, used: map[string]bool{}, triggers: map[string][]string{}, known: map[string]bool{}, namespace: f.namespace, allowLoss: f.allowLoss}
	for _, text := range f.metrics {
		name, query, ok := cutMetric(text)
		if !ok {
			return nil, fmt.Errorf("--metric %q: want NAME=PROMQL", text)
		}
		if _, err := recording.Selectors(query); err != nil {
			return nil, fmt.Errorf("--metric %s: not PromQL: %w", name, err)
		}
		if _, twice := m.queries[name]; twice {
			return nil, fmt.Errorf("--metric %s: %s is named twice", quoteArgument(text), name)
		}
		m.queries[name] = query
	}
	return m, nil
}

// cutMetric splits NAME=PROMQL, where the name may carry a selector in braces.
func cutMetric(text string) (name, query string, ok bool) {
	from := 0
	if open := strings.IndexByte(text, '{'); open >= 0 && open < strings.IndexByte(text+"=", '=') {
		if from = strings.IndexByte(text, '}'); from < 0 {
			return "", "", false
		}
	}
	at := strings.IndexByte(text[from:], '=')
	if at < 0 || from+at == 0 || from+at+1 == len(text) {
		return "", "", false
	}
	return text[:from+at], text[from+at+1:], true
}

// options are those of conversions that use the queries.
func (m *metricQueries) options() convert.Options {
	return convert.Options{Namespace: m.namespace, Queries: m.queries, Asked: m.asked, AllowLoss: m.allowLoss, Parse: sim.QueryParser(m.features...)}
}

// asked follows which signal uses which query.
func (m *metricQueries) asked(a convert.Asked) {
	m.known[a.Name] = true
	if a.Key == "" {
		return
	}
	m.used[a.Key] = true
	if own := a.Object + " " + a.Name; a.Trigger && !slices.Contains(m.triggers[a.Key], own) {
		m.triggers[a.Key] = append(m.triggers[a.Key], own)
	}
}

// unused refuses a query that no signal of the manifests has used, and one that
// several triggers have: it can be the query of one only.
func (m *metricQueries) unused() error {
	for _, name := range slices.Sorted(maps.Keys(m.queries)) {
		if !m.used[name] {
			known := "no Pods, Object or External metric and no trigger"
			if len(m.known) > 0 {
				known = strings.Join(slices.Sorted(maps.Keys(m.known)), ", ")
			}
			return fmt.Errorf("--metric %s: no metric or trigger uses this query; the manifests have %s", name, known)
		}
		if several := m.triggers[name]; len(several) > 1 {
			var keys []string
			for _, own := range several {
				_, key, _ := strings.Cut(own, " ")
				keys = append(keys, key)
			}
			return fmt.Errorf("--metric %s: %d triggers would use this query, and can hardly have the same signal; name one: %s", name, len(several), strings.Join(keys, ", "))
		}
	}
	return nil
}
