package replay

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	names "k8s.io/apimachinery/pkg/util/validation"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// A Conversion says how HPAs and ScaledObjects are converted, and what PromQL may be.
type Conversion struct {
	// Metrics are queries of metrics and triggers, NAME=PROMQL.
	Metrics []string
	// Namespace is that of objects that name none, empty for the default.
	Namespace string
	// AdapterRules is the file with prometheus-adapter's rules, empty for none.
	AdapterRules string
	// AllowLoss converts objects without the metrics that cannot be converted.
	AllowLoss bool
	// Features are the experimental PromQL that queries may use.
	Features []string
}

// Queries are the PromQL of metrics that a Conversion has, and what asked for them.
type Queries struct {
	*Conversion
	// Queries are by the names of the metrics.
	Queries map[string]string
	used    map[string]bool
	// triggers has the triggers that use a query.
	triggers map[string][]string
	// known are the metrics that might have a query.
	known map[string]bool
	rules *convert.AdapterRules
}

// CheckFeatures refuses features of PromQL that there are not.
func CheckFeatures(features []string) error {
	if _, err := fake.ParseFeatures(features...); err != nil {
		return fmt.Errorf("--enable-feature: %w", err)
	}
	return nil
}

// Parse reads the options.
func (c *Conversion) Parse() (*Queries, error) {
	if c.Namespace != "" && names.IsDNS1123Label(c.Namespace) != nil {
		return nil, fmt.Errorf("--namespace %s: want the name of a namespace: lower case letters, digits and '-', at most 63", escape.Argument(c.Namespace))
	}
	if err := CheckFeatures(c.Features); err != nil {
		return nil, err
	}
	m := &Queries{Conversion: c, Queries: map[string]string{}, used: map[string]bool{}, triggers: map[string][]string{}, known: map[string]bool{}}
	for _, text := range c.Metrics {
		name, query, ok := cutMetric(text)
		if !ok {
			return nil, fmt.Errorf("--metric %q: want NAME=PROMQL", text)
		}
		if _, err := recording.Selectors(query); err != nil {
			return nil, fmt.Errorf("--metric %s: not PromQL: %w", name, err)
		}
		if _, twice := m.Queries[name]; twice {
			return nil, fmt.Errorf("--metric %s: %s is named twice", escape.Argument(text), name)
		}
		m.Queries[name] = query
	}
	if c.AdapterRules != "" {
		var err error
		if m.rules, err = readAdapterRules(c.AdapterRules); err != nil {
			return nil, fmt.Errorf("--adapter-rules %w", err)
		}
	}
	return m, nil
}

func readAdapterRules(path string) (*convert.AdapterRules, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Unwrap(err))
	}
	defer file.Close()
	text, err := manifest.ReadText(file, path)
	if err != nil {
		return nil, err
	}
	rules, err := convert.ParseAdapterRules(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rules, nil
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

// Options returns the options of conversions that use the queries.
func (m *Queries) Options() convert.Options {
	return convert.Options{Namespace: m.Namespace, Queries: m.Queries, Asked: m.asked, AllowLoss: m.AllowLoss, Parse: sim.QueryParser(m.Features...), AdapterRules: m.rules, Ruled: m.ruled}
}

// ruled keeps a query that a rule made, as if it had been given.
func (m *Queries) ruled(key, query string) { m.Queries[key], m.used[key] = query, true }

// asked follows which signal uses which query.
func (m *Queries) asked(a convert.Asked) {
	m.known[a.Name] = true
	if a.Key == "" {
		return
	}
	m.used[a.Key] = true
	if own := a.Object + " " + a.Name; a.Trigger && !slices.Contains(m.triggers[a.Key], own) {
		m.triggers[a.Key] = append(m.triggers[a.Key], own)
	}
}

// Unused refuses a query that no signal of the manifests has used, and one that
// several triggers have: it can be the query of one only.
func (m *Queries) Unused() error {
	for _, name := range slices.Sorted(maps.Keys(m.Queries)) {
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
