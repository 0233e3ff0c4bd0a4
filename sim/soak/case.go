package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Case is one scenario with the objects that run in it.
type Case struct {
	// Seed is where the case came from; checks that choose use it too.
	Seed        uint64
	Scenario    scenario.Scenario
	Autoscalers []*v1alpha1.HorizontalAutoscaler
	NodeGroups  []*v1alpha1.ScalableNodeGroup
	// Calm is from when on nothing changes any more, counted from the start.
	Calm scenario.Duration
}

const calmAnnotation = "soak/calm"

// Text is the case as a scenario file. An error means that it is no valid one.
func (c *Case) Text() ([]byte, error) {
	s := c.clone().Scenario
	s.Metadata.Annotations = map[string]string{calmAnnotation: c.Calm.String(), "soak/seed": strconv.FormatUint(c.Seed, 10)}
	for i := range s.Spec.InputSeries {
		s.Spec.InputSeries[i].Values = fold(strings.Fields(s.Spec.InputSeries[i].Values))
	}
	var objects []runtime.Object
	for _, g := range c.NodeGroups {
		objects = append(objects, g)
	}
	for _, a := range c.Autoscalers {
		objects = append(objects, a)
	}
	return scenario.Write(&s, objects...)
}

// Read is the case of a file that Text wrote, or of another scenario file that
// has no more than a case can have.
func Read(path string, text []byte) (*Case, error) {
	file, err := load(path, text)
	if err != nil {
		return nil, err
	}
	spec := &file.Spec
	if len(spec.Manifests)+len(spec.Recordings)+len(spec.Prometheus.RuleFiles)+len(spec.Variants)+len(file.Manifests.Producers) > 0 {
		return nil, fmt.Errorf("%s: a case has no manifests or rules in other files, no recordings, variants or MetricsProducers", path)
	}
	c := &Case{Scenario: *file.Scenario, Calm: spec.Duration}
	if calm := file.Metadata.Annotations[calmAnnotation]; calm != "" {
		if err := json.Unmarshal([]byte(strconv.Quote(calm)), &c.Calm); err != nil {
			return nil, fmt.Errorf("%s: annotation %s: %w", path, calmAnnotation, err)
		}
	}
	c.Seed, _ = strconv.ParseUint(file.Metadata.Annotations["soak/seed"], 10, 64) // 0 will do
	for i := range c.Scenario.Spec.InputSeries {
		s := &c.Scenario.Spec.InputSeries[i]
		s.Values = strings.Join(unfold(strings.Fields(s.Values)), " ")
	}
	for _, a := range file.Manifests.Autoscalers {
		c.Autoscalers = append(c.Autoscalers, a.Object)
	}
	for _, g := range file.Manifests.NodeGroups {
		c.NodeGroups = append(c.NodeGroups, g.Object)
	}
	return c, nil
}

// load parses a scenario with inline manifests.
func load(path string, text []byte) (*scenario.File, error) {
	s, err := scenario.ParseText(path, text)
	if err != nil {
		return nil, err
	}
	docs, err := manifest.Parse(path, text)
	if err != nil {
		return nil, err
	}
	set, err := manifest.Collect(docs)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(docs, func(d *manifest.Document) bool { return d.Kind == scenario.Kind })
	return &scenario.File{Scenario: s, Path: path, Doc: docs[i], Manifests: set}, nil
}

// clone shares nothing with the case.
func (c *Case) clone() *Case {
	out := &Case{Seed: c.Seed, Calm: c.Calm}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(c.Scenario); err != nil {
		panic(err) // a scenario is made of what JSON can hold
	}
	if err := json.NewDecoder(&b).Decode(&out.Scenario); err != nil {
		panic(err)
	}
	for _, a := range c.Autoscalers {
		out.Autoscalers = append(out.Autoscalers, a.DeepCopy())
	}
	for _, g := range c.NodeGroups {
		out.NodeGroups = append(out.NodeGroups, g.DeepCopy())
	}
	return out
}

// fold writes values as promtool does: 40 40 40 is 40x2.
func fold(values []string) string {
	var out []string
	for i := 0; i < len(values); {
		n := 1
		for i+n < len(values) && values[i+n] == values[i] {
			n++
		}
		switch {
		case n == 1 || slices.Contains([]string{"stale", "NaN", "Inf"}, values[i]):
			out = append(out, values[i:i+n]...)
		case values[i] == "_":
			out = append(out, "_x"+strconv.Itoa(n))
		default:
			out = append(out, values[i]+"x"+strconv.Itoa(n-1))
		}
		i += n
	}
	return strings.Join(out, " ")
}

// unfold is the way back; a notation that it does not know stays as it is.
func unfold(values []string) []string {
	var out []string
	for _, v := range values {
		value, times, ok := strings.Cut(v, "x")
		n, err := strconv.Atoi(times)
		if !ok || err != nil || strings.ContainsAny(value, "+{") || strings.LastIndexByte(value, '-') > 0 {
			out = append(out, v)
			continue
		}
		if value != "_" {
			n++
		}
		out = append(out, slices.Repeat([]string{value}, n)...)
	}
	return out
}
