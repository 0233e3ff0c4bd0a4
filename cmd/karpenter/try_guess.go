package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

// A reading holds what the manifests would be converted to with the flags so far.
type reading struct {
	set         *manifest.Set
	conversions []sim.Conversion
	// asked are the signals that --metric can give a query of.
	asked []convert.Asked
}

func (t *attempt) reading() (*reading, error) {
	if slices.Contains(t.Manifests, stdinPath) {
		return nil, errors.New("-f -: try reads the manifests several times; write them to a file first")
	}
	given, err := t.Conversion.Parse()
	if err != nil {
		return nil, err
	}
	r := &reading{}
	if r.set, err = manifest.LoadIn(given.Namespace, t.Manifests, nil); err != nil {
		return nil, err
	}
	o := given.Options()
	o.Asked = func(a convert.Asked) {
		if !slices.ContainsFunc(r.asked, func(other convert.Asked) bool { return other.Object == a.Object && other.Name == a.Name }) {
			r.asked = append(r.asked, a)
		}
	}
	r.conversions = sim.Adopt(r.set, o)
	return r, nil
}

// resources are the resources that the manifests scale by and no flag has a query of.
func (t *attempt) resources() []string {
	r, err := t.reading()
	if err != nil {
		return nil // it is told where the manifests are read
	}
	found := map[string]bool{}
	for _, a := range r.asked {
		if (a.Name == "cpu" || a.Name == "memory") && a.Key == "" {
			found[a.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// guessMetrics guesses the queries of signals that read nothing that was recorded, and
// where the counts of replicas are.
func (t *attempt) guessMetrics(recorded []recording.Description) error {
	r, err := t.reading()
	if err != nil {
		return err
	}
	whole := map[string]bool{} // the objects that all of a recording went to
	for _, a := range r.asked {
		if a.Key != "" || !r.needs(a, recorded) {
			continue
		}
		guess := t.guessSignal(r, a, recorded)
		if guess.Query == "" || guess.Whole && whole[a.Object] {
			continue // replay says what is missing
		}
		whole[a.Object] = whole[a.Object] || guess.Whole
		flag := a.Name + "=" + guess.Query
		if slices.Contains(t.Metrics, flag) {
			continue
		}
		t.Metrics = append(t.Metrics, flag)
		t.guess("--metric", flag, guess.Reason)
	}
	if r, err = t.reading(); err != nil {
		return err
	}
	if !t.AllowLoss && sim.LeftOut(r.conversions) != nil {
		t.AllowLoss = true
		with, err := t.reading()
		if err != nil {
			return err
		}
		if t.AllowLoss = len(with.set.Autoscalers) > len(r.set.Autoscalers); t.AllowLoss {
			r = with
			t.guess("--allow-loss", "", "without what cannot be converted; the notes name it")
		}
	}
	t.guessReplicas(r, recorded)
	return nil
}

// needs says whether a signal has no query, or one that reads nothing that was recorded.
func (r *reading) needs(a convert.Asked, recorded []recording.Description) bool {
	for i := range r.conversions {
		c := &r.conversions[i]
		if c.Object == a.Object && c.Err != nil {
			return true
		}
	}
	return slices.ContainsFunc(r.queriesOf(a), func(m v1alpha1.Metric) bool { return !reads(m.Prometheus.Query, recorded) })
}

// queriesOf are the metrics that a signal was converted to, as far as its name shows.
func (r *reading) queriesOf(a convert.Asked) []v1alpha1.Metric {
	word := map[string]string{"cpu": "container_cpu_usage_seconds_total", "memory": "container_memory_working_set_bytes"}[a.Name]
	if word == "" {
		word, _, _ = strings.Cut(a.Name, "{")
	}
	var found []v1alpha1.Metric
	for i := range r.conversions {
		if r.conversions[i].Object != a.Object {
			continue
		}
		for _, object := range r.conversions[i].Made {
			ha, ok := object.(*v1alpha1.HorizontalAutoscaler)
			if !ok {
				continue
			}
			for _, m := range ha.Spec.Metrics {
				if a.Trigger || strings.Contains(m.Prometheus.Query, word) {
					found = append(found, m)
				}
			}
		}
	}
	return found
}

// reads says whether a query selects anything that was recorded.
func reads(query string, recorded []recording.Description) bool {
	selectors, err := recording.Selectors(query)
	if err != nil || len(selectors) == 0 {
		return true // told elsewhere; a number needs nothing
	}
	return slices.ContainsFunc(recorded, func(d recording.Description) bool {
		return slices.ContainsFunc(selectors, func(s recording.Selector) bool {
			return !slices.ContainsFunc(s.Matchers, func(m *labels.Matcher) bool { return !m.Matches(d.Series.Get(m.Name)) })
		})
	})
}

// guessSignal guesses the query of one signal.
func (t *attempt) guessSignal(r *reading, a convert.Asked, recorded []recording.Description) sim.Guess {
	if a.Name == "cpu" || a.Name == "memory" {
		ratio := slices.ContainsFunc(r.queriesOf(a), func(m v1alpha1.Metric) bool { return m.Prometheus.Target.Type == v1alpha1.UtilizationMetricType })
		return sim.GuessResource(a.Name, ratio, recorded)
	}
	name, _, _ := strings.Cut(a.Name, "{")
	if a.Trigger {
		_, name, _ = strings.Cut(a.Name, "/")
	}
	return sim.GuessMetric(name, recorded)
}

// guessReplicas guesses how many replicas ran, which metrics per replica need.
func (t *attempt) guessReplicas(r *reading, recorded []recording.Description) {
	if t.OpenLoop || t.Demand != "" {
		return
	}
	for _, e := range r.set.Autoscalers {
		target := e.Object.Spec.ScaleTargetRef
		dependent := slices.ContainsFunc(e.Object.Spec.Metrics, func(m v1alpha1.Metric) bool {
			return m.Prometheus != nil && m.Prometheus.Target.Type != v1alpha1.AverageValueMetricType
		})
		object := fmt.Sprintf("%s/%s/%s", e.Object.Namespace, target.Kind, target.Name)
		if !dependent || slices.ContainsFunc(t.Replicas, func(r string) bool {
			given, _, _ := strings.Cut(r, "=")
			ref, err := replay.ScaleTarget(setOf(e), given)
			return err == nil && ref.String() == object
		}) || slices.ContainsFunc(recording.ContextSelectors(target.Kind, e.Object.Namespace, target.Name), func(s recording.Selector) bool {
			return strings.Contains(s.String(), "replicas") && slices.ContainsFunc(recorded, func(d recording.Description) bool {
				return !slices.ContainsFunc(s.Matchers, func(m *labels.Matcher) bool { return !m.Matches(d.Series.Get(m.Name)) })
			})
		}) {
			continue
		}
		if guess := sim.GuessReplicas(recorded); guess.Query != "" {
			flag := object + "=" + guess.Query
			t.Replicas = append(t.Replicas, flag)
			t.guess("--replicas", flag, guess.Reason)
			continue
		}
		t.OpenLoop = true
		t.guess("--open-loop", "", "no series says how many replicas ran, so values are replayed as recorded; --replicas "+object+"=PROMQL says it")
		return
	}
}

// setOf is a set with one autoscaler.
func setOf(e manifest.Autoscaler) *manifest.Set {
	return &manifest.Set{Autoscalers: []manifest.Autoscaler{e}}
}
