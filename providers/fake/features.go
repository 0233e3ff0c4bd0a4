package fake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/suggest"
)

// Features are the experimental parts of PromQL that a Prometheus takes where its
// flag --enable-feature says so. The zero value has none.
type Features struct {
	experimentalFunctions, fillModifiers, unquotedNames, delayedNameRemoval bool
}

// EveryFeature is for reading what was checked elsewhere: it takes all syntax there is.
var EveryFeature = Features{experimentalFunctions: true, fillModifiers: true, unquotedNames: true}

// The features that change what a query may be, or gives.
const (
	experimentalFunctions = "promql-experimental-functions"
	fillModifiers         = "promql-binop-fill-modifiers"
	unquotedNames         = "promql-unquoted-utf8-names"
	delayedNameRemoval    = "promql-delayed-name-removal"
)

// FeatureNames are the features that change what a query may be, or gives.
func FeatureNames() []string {
	return []string{fillModifiers, delayedNameRemoval, experimentalFunctions, unquotedNames}
}

// withoutEffect are Prometheus' other features: a list that was copied from its
// command line is taken as it is. Those of PromQL among them are always on.
var withoutEffect = []string{
	"promql-at-modifier", "promql-duration-expr", "promql-extended-range-selectors", "promql-negative-offset", "promql-per-step-stats",
	"agent", "auto-gomaxprocs", "auto-gomemlimit", "auto-reload-config", "concurrent-rule-eval", "created-timestamp-zero-ingestion", "delayed-compaction",
	"exemplar-storage", "expand-external-labels", "extra-scrape-metrics", "histograms-st-encoding", "memory-snapshot-on-shutdown", "metadata-wal-records",
	"native-histograms", "new-service-discovery-manager", "no-default-scrape-port", "no-scrape-default-port", "old-ui", "ooo-native-histograms", "openmetrics2",
	"otlp-deltatocumulative", "otlp-native-delta-ingestion", "otlp-write-receiver", "query-cost", "remote-write-receiver", "search-api", "st-storage",
	"st-synthesis", "type-and-unit-labels", "use-start-timestamps", "use-uncached-io", "utf8-names", "xor2-encoding", "zstd-scrape",
}

// ParseFeatures reads the names of --enable-feature, each of which may be several
// with commas between them.
func ParseFeatures(names ...string) (Features, error) {
	var f Features
	for _, list := range names {
		for _, name := range strings.Split(list, ",") {
			switch name = strings.TrimSpace(name); {
			case name == "", slices.Contains(withoutEffect, name):
			case name == experimentalFunctions:
				f.experimentalFunctions = true
			case name == fillModifiers:
				f.fillModifiers = true
			case name == unquotedNames:
				f.unquotedNames = true
			case name == delayedNameRemoval:
				f.delayedNameRemoval = true
			default:
				return f, unknownFeature(name)
			}
		}
	}
	return f, nil
}

func unknownFeature(name string) error {
	all := append(FeatureNames(), withoutEffect...)
	if near := suggest.Closest(name, all); near != "" {
		return fmt.Errorf("%q is no feature of Prometheus; did you mean %q?", name, near)
	}
	return fmt.Errorf("%q is no feature of Prometheus; those that change PromQL are %s", name, strings.Join(FeatureNames(), ", "))
}

// Parser is a PromQL parser that takes what the features allow. What others would
// allow is refused with the name of the feature.
func (f Features) Parser() parser.Parser {
	return featureParser{parser.NewParser(parser.Options{
		EnableExperimentalFunctions: f.experimentalFunctions,
		EnableBinopFillModifiers:    f.fillModifiers,
		EnableUnquotedUTF8Names:     f.unquotedNames,
	}), f}
}

// featureParser says which feature a text needs.
type featureParser struct {
	parser.Parser
	features Features
}

// ParseExpr implements parser.Parser.
func (p featureParser) ParseExpr(text string) (parser.Expr, error) {
	expr, err := p.Parser.ParseExpr(text)
	var list parser.ParseErrors
	if err == nil || !errors.As(err, &list) {
		return expr, err
	}
	name := p.features.missing(text)
	if name == "" {
		return expr, err
	}
	list = slices.Clone(list)
	list[0].Err = fmt.Errorf("%w; it is experimental, and allowed with --enable-feature=%s where the Prometheus that answers has it, too", list[0].Err, name)
	return expr, list
}

// missing is the feature with which a text could be parsed, empty if there is none.
func (f Features) missing(text string) string {
	for _, name := range FeatureNames() {
		more, _ := ParseFeatures(name)
		with := parser.Options{
			EnableExperimentalFunctions: f.experimentalFunctions || more.experimentalFunctions,
			EnableBinopFillModifiers:    f.fillModifiers || more.fillModifiers,
			EnableUnquotedUTF8Names:     f.unquotedNames || more.unquotedNames,
		}
		if _, err := parser.NewParser(with).ParseExpr(text); err == nil {
			return name
		}
	}
	return ""
}
