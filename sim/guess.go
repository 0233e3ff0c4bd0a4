package sim

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// likelyPercent is the value above which a utilization is more likely percent than a
// ratio of what is requested.
const likelyPercent = 3

// A Guess is the PromQL of recorded series that most likely stand for something.
type Guess struct {
	// Query is the PromQL, empty where nothing stands out; Reason says why it is that one.
	Query, Reason string
	// Whole says that it is one because nothing else was recorded, and so of one signal
	// only.
	Whole bool
}

// GuessResource guesses which of the recorded series are the use of a resource, cpu or
// memory, by pods: as a ratio of what they request, averaged, or as a total.
func GuessResource(resource string, ratio bool, recorded []recording.Description) Guess {
	word := map[string]string{"memory": "mem"}[resource]
	if word == "" {
		word = resource
	}
	most := map[string]float64{}
	for i := range recorded {
		d := &recorded[i]
		if name := d.Series.Get(labels.MetricName); name != "" && !countsReplicas(name) {
			most[name] = max(most[name], zeroOf(d.Max))
		}
	}
	var named, all []string
	for name := range most {
		all = append(all, name)
		if strings.Contains(strings.ToLower(name), word) {
			named = append(named, name)
		}
	}
	slices.Sort(named)
	slices.Sort(all)
	from, reason, whole := named, fmt.Sprintf("its name has %s in it", word), len(named) == 0
	if whole {
		from, reason = all, "it is all that the recording has besides replicas"
	}
	selector := commonSelector(from)
	if selector == "" || len(named) == 0 && len(all) > 1 && !strings.HasPrefix(selector, "{") {
		return Guess{}
	}
	if !ratio {
		return Guess{"sum(" + selector + ")", reason, whole}
	}
	largest := 0.0
	for _, name := range from {
		largest = max(largest, most[name])
	}
	if largest > likelyPercent {
		return Guess{"avg(" + selector + ")/100", fmt.Sprintf("%s; values up to %.4g are percent", reason, largest), whole}
	}
	return Guess{"avg(" + selector + ")", reason, whole}
}

// GuessReplicas guesses which recorded series has the replicas of a target.
func GuessReplicas(recorded []recording.Description) Guess {
	var found []string
	for i := range recorded {
		name := recorded[i].Series.Get(labels.MetricName)
		if !countsReplicas(name) || len(found) > 0 && found[0] == name {
			continue
		}
		if found = append(found, name); len(found) > 1 {
			break
		}
	}
	if len(found) != 1 {
		return Guess{}
	}
	return Guess{Query: "sum(" + found[0] + ")", Reason: "its name says so"}
}

// countsReplicas says whether a series is a count of replicas by its name.
func countsReplicas(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"replica", "pod_count", "pods_count", "instances"}, func(word string) bool { return strings.Contains(name, word) }) ||
		slices.Contains([]string{"pods", "count", "instances", "nodes"}, name)
}

func zeroOf(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// commonSelector is the selector of several names: one name, or what begins like all of them, as
// the columns of pods do; empty if they have no beginning in common.
func commonSelector(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	common := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) < 3 {
		return ""
	}
	return fmt.Sprintf("{__name__=~%q}", regexp.QuoteMeta(common)+".*")
}

// quotedQuery is a guessed query for a shell; empty if there is none.
func quotedQuery(g Guess) string {
	if g.Query == "" {
		return ""
	}
	return "'" + g.Query + "'"
}

// describedMost is how many samples recordings may have to be looked at for a guess.
const describedMost = 5_000_000

// described are the series of the recordings; none where they are too many to look at.
func (in *Input) described() []recording.Description {
	var all []recording.Description
	for _, r := range in.recordings {
		if r.Info().Samples > describedMost {
			return nil
		}
		held, err := r.Describe(context.Background(), limit.DescribedSeries)
		if err != nil || held.More > 0 {
			return nil // what is wrong with it is told where it is read
		}
		all = append(all, held.Series...)
	}
	return all
}

// convertedResource is the resource of an HPA or ScaledObject that a query was made of,
// empty for every other query.
func (p *autoscalerRun) convertedResource(text string) string {
	if p.Doc.Written() == p.Doc {
		return ""
	}
	for resource, metric := range map[string]string{"cpu": "container_cpu_usage_seconds_total", "memory": "container_memory_working_set_bytes"} {
		if strings.Contains(text, metric) {
			return resource
		}
	}
	return ""
}

// noResource says which flag names the series that stand for a resource.
func (p *autoscalerRun) noResource(path, text, resource string) error {
	ratio := slices.ContainsFunc(p.Policy.Metrics, func(m policy.Metric) bool { return m.Query == text && m.Type == policy.Utilization })
	recorded := p.run.in.described()
	guess := GuessResource(resource, ratio, recorded)
	what := "the total use of all replicas"
	if ratio {
		what = "the mean ratio of use to requests"
	}
	unnamed := ""
	if guess.Query == "" && len(recorded) > 0 && !slices.ContainsFunc(recorded, func(d recording.Description) bool { return d.Series.Get(labels.MetricName) != "" }) {
		// They will have the name that the other flag gives.
		unnamed = fmt.Sprintf("--series '*=%s' ", resource)
		guess = GuessResource(resource, ratio, renamed(recorded, resource))
	}
	flag := fmt.Sprintf("--metric %s=PROMQL, with what yields %s", resource, what)
	if guess.Query != "" {
		flag = fmt.Sprintf("%s--metric %s='%s' (%s)", unnamed, resource, guess.Query, guess.Reason)
	}
	message := fmt.Sprintf("%s is read from series of cadvisor and kube-state-metrics that the recording does not have; it has %s: name what stands for it with %s", resource, p.run.in.names(resource), flag)
	if dependsOnReplicas(p.Policy, text) && p.object.Recorded.Source == "" {
		series := cmp.Or(quotedQuery(GuessReplicas(recorded)), "SERIES")
		message += fmt.Sprintf("; and how many replicas were ready with --replicas %s/%s/%s=%s (PromQL), or replay it as recorded with --open-loop", p.Target.Namespace, p.Target.Kind, p.Target.Name, series)
	}
	return p.Doc.Errorf(path, "%s", message)
}

// renamed are the descriptions with another metric name.
func renamed(recorded []recording.Description, name string) []recording.Description {
	out := slices.Clone(recorded)
	for i := range out {
		out[i].Series = labels.FromStrings(labels.MetricName, name)
	}
	return out
}

// notePercent notes a utilization whose values are more likely percent than ratios.
func (in *Input) notePercent(m policy.Metric, values []float64) {
	low, high, sum, n := math.Inf(1), math.Inf(-1), 0.0, 0
	for _, v := range values {
		if !math.IsNaN(v) {
			low, high, sum, n = min(low, v), max(high, v), sum+v, n+1
		}
	}
	if m.Type != policy.Utilization || n == 0 || sum/float64(n) <= likelyPercent {
		return
	}
	in.warn("%s yields %.4g to %.4g, which is %.0f %% to %.0f %% of what is requested: if these are percent, divide them by 100", m.Query, low, high, 100*low, 100*high)
}

// notePercents does so for all autoscalers of a replay.
func (in *Input) notePercents(autoscalers []Autoscaler) error {
	if in.File.Spec.Replay == nil {
		return nil
	}
	for i := range autoscalers {
		for _, m := range autoscalers[i].Policy.Metrics {
			if m.Type != policy.Utilization {
				continue
			}
			if evaluated, err := in.evaluated(m.Query); evaluated != nil || err != nil {
				continue // results, which the recorder's own policy read
			}
			if known, err := in.reads(m.Query); err != nil || !known {
				continue // it is told where the metric is played
			}
			g := in.worldGrid()
			values, err := in.evaluate([]string{m.Query}, g)
			if err != nil {
				return err
			}
			in.notePercent(m, on(values[0].Steps, g))
		}
	}
	return nil
}

// GuessMetric guesses which of the recorded series are a metric of this name: those of
// that name, else of one that has it, else all there are besides replicas.
func GuessMetric(name string, recorded []recording.Description) Guess {
	var names []string
	for i := range recorded {
		if n := recorded[i].Series.Get(labels.MetricName); n != "" && !countsReplicas(n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	plain := strings.Map(func(c rune) rune {
		if c == '_' || c == ':' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c
		}
		return '_'
	}, name)
	if slices.Contains(names, plain) {
		return Guess{Query: "sum(" + plain + ")", Reason: "the recording has it under this name"}
	}
	for _, n := range names {
		if plain != "" && (strings.Contains(strings.ToLower(n), strings.ToLower(plain)) || strings.Contains(strings.ToLower(plain), strings.ToLower(n))) {
			return Guess{Query: "sum(" + n + ")", Reason: "its name is the most similar"}
		}
	}
	if len(names) == 1 {
		return Guess{"sum(" + names[0] + ")", "it is all that the recording has besides replicas", true}
	}
	return Guess{}
}
