package scenario

import (
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// Defaults.
const (
	defaultInterval           = Duration(15 * time.Second)
	defaultScrapeInterval     = Duration(15 * time.Second)
	defaultEvaluationInterval = Duration(15 * time.Second)
)

// ParseText parses the one Scenario of a file's text and leaves its manifests
// and all other files alone. It returns manifest.Errors.
func ParseText(file string, text []byte) (*Scenario, error) {
	docs, err := manifest.Parse(file, text)
	if err != nil {
		return nil, err
	}
	doc, _, err := separate(file, docs)
	if err != nil {
		return nil, err
	}
	return parse(doc)
}

// parse takes a document as it was read.
func parse(doc *manifest.Document, features ...string) (*Scenario, error) {
	set, err := manifest.Collect([]*manifest.Document{doc})
	if err != nil {
		return nil, err
	}
	return Parse(set.Scenarios[0], features...)
}

// Parse decodes a Scenario document of a manifest.Set, checks everything that
// the document itself can tell and fills in defaults. The features of PromQL come
// besides its own. It returns manifest.Errors.
func Parse(doc *manifest.Document, features ...string) (*Scenario, error) {
	s := &Scenario{}
	if err := doc.Decode(s); err != nil {
		return nil, err
	}
	for _, f := range features {
		if !slices.Contains(s.Spec.Prometheus.EnableFeatures, f) {
			s.Spec.Prometheus.EnableFeatures = append(s.Spec.Prometheus.EnableFeatures, f)
		}
	}
	v := &validation{doc: doc, spec: &s.Spec}
	v.check(s)
	if err := manifest.Join(v.errs); err != nil {
		return nil, err
	}
	s.Spec.fillDefaults()
	return s, nil
}

func (s *Spec) fillDefaults() {
	if s.Controller.Phase == "" {
		s.Controller.Phase = Hashed
	}
	if s.Interval == 0 {
		s.Interval = defaultInterval
	}
	if s.Prometheus.ScrapeInterval == 0 {
		s.Prometheus.ScrapeInterval = defaultScrapeInterval
	}
	if s.Prometheus.EvaluationInterval == 0 {
		s.Prometheus.EvaluationInterval = defaultEvaluationInterval
	}
	for i := range s.Targets {
		t := &s.Targets[i]
		if t.Namespace == "" {
			t.Namespace = manifest.DefaultNamespace
		}
		if t.APIVersion == "" {
			t.APIVersion = apiVersions[t.Kind]
		}
		for k := range t.Rollouts {
			t.Rollouts[k].fillDefaults()
		}
	}
	s.fillWorld()
}
