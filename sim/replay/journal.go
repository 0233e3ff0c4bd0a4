package replay

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Journal holds what a journal says of one autoscaler, slot by slot. A replay takes it
// as its recording, and its last policy as the candidate that acts.
type Journal struct {
	Object journal.Object
	// Policy is the last one.
	Policy *policy.Autoscaler
	// Longest is the longest interval of all policies, in seconds.
	Longest int32
	// Slots are in the order of time.
	Slots []JournalSlot
}

// A JournalSlot holds what was observed at one slot.
type JournalSlot struct {
	Slot slot.Slot
	// Spec, Ready and All replicas, ready or not, are NaN where they were not observed.
	Spec, Ready, All float64
	Metrics          []journal.Metric
}

// Series of a journal as a recording: its counts, and the values of its metrics by
// their number. Those of schedules keep their name, by which they are known.
const (
	journalReady = "karpenter_journal_ready_replicas"
	journalAll   = "karpenter_journal_replicas"
	journalValue = "karpenter_journal_value"
	metricLabel  = "metric"
)

// Scenario writes the journal as a recording into a directory and makes the replay of
// it by the candidate, which acts in it. New replicas are ready after readyAfter, or,
// if that is empty, after as long as the journal shows.
func (j *Journal) Scenario(dir, readyAfter string) (*scenario.File, error) {
	if j.Policy == nil {
		return nil, errors.New("the journal has no policy that decided")
	}
	if query := j.valueless(); query != "" {
		return nil, fmt.Errorf("its metric %s never had a value", query)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal.om"), j.openMetrics(), 0o600); err != nil {
		return nil, err
	}
	object, err := j.candidate()
	if err != nil {
		return nil, err
	}
	first, last := j.Slots[0].Slot, j.Slots[len(j.Slots)-1].Slot
	s := &scenario.Scenario{APIVersion: scenario.APIVersion, Kind: scenario.Kind}
	s.Metadata.Name = "alone"
	spec := &s.Spec
	spec.Seed = 1
	spec.Start = scenario.Time{Time: first.Time()}
	spec.Duration = scenario.Duration(time.Duration(last-first)*time.Second + time.Duration(j.Policy.Interval)*time.Second)
	spec.Controller.Phase = scenario.Aligned
	lookback := scenario.Duration(time.Duration(j.Longest) * time.Second)
	spec.Prometheus.LookbackDelta = &lookback
	spec.Prometheus.EnableFeatures = fake.FeatureNames() // the server has answered already
	spec.Recordings = []scenario.Recording{{File: filepath.Join(dir, "journal.om"), Format: scenario.OpenMetrics}}
	target := object.Spec.ScaleTargetRef
	ref := scenario.Reference{Namespace: j.Object.Namespace, Kind: target.Kind, Name: target.Name}
	delay := scenario.Duration(j.bootDelay())
	if readyAfter != "" {
		if delay, err = ParseDuration("--ready-after", readyAfter); err != nil {
			return nil, err
		}
	}
	spec.Replay = &scenario.Replay{Replicas: map[string]string{ref.String(): journalReady}, ReadyAfter: &scenario.StartUp{Fixed: delay}}
	spec.Yardstick = j.capacities(ref)
	if n, ok := j.begins(); ok {
		spec.Targets = []scenario.Target{{APIVersion: target.APIVersion, Kind: target.Kind, Namespace: ref.Namespace, Name: ref.Name, Replicas: &n}}
	}
	text, err := scenario.Write(s, object)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, sim.ScenarioFile)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	return scenario.Load(path, scenario.Options{})
}

// capacities say what was needed by the Utilization metrics of the policy: a replica
// has the capacity of its request. A journal tells of no saturation: where replicas
// showed more than that they had too much to do.
func (j *Journal) capacities(ref scenario.Reference) scenario.Yardsticks {
	var list scenario.Yardsticks
	for i, m := range j.Policy.Metrics {
		if m.Type == policy.Utilization {
			list = append(list, scenario.Yardstick{
				Target: ref.String(), Expr: fmt.Sprintf("(%s) * scalar(%s)", j.selector(i), j.sharedBy(m.Query)), PerReplica: 1, Kind: result.Capacity,
			})
		}
	}
	return list
}

// sharedBy is the count that a share is of: of the ready replicas, or of all, where
// the query divides by what those request that are starting, too. It is the one with
// which share x count changes less where the counts change.
func (j *Journal) sharedBy(query string) string {
	var ready, all float64
	last := JournalSlot{Ready: math.NaN()}
	var share float64
	for _, s := range j.Slots {
		i := slices.IndexFunc(s.Metrics, func(m journal.Metric) bool { return m.Query == query && m.Code == observation.OK })
		if i < 0 || !(s.Ready > 0) || !(s.Metrics[i].Value > 0) {
			last.Ready = math.NaN()
			continue
		}
		value := s.Metrics[i].Value
		if last.Ready > 0 && (s.Ready != last.Ready || s.All != last.All) {
			ready += math.Abs(math.Log(value * s.Ready / (share * last.Ready)))
			all += math.Abs(math.Log(value * s.All / (share * last.All)))
		}
		last, share = s, value
	}
	if all < ready {
		return journalAll
	}
	return journalReady
}

// begins is the first count observed.
func (j *Journal) begins() (int32, bool) {
	for _, s := range j.Slots {
		if !math.IsNaN(s.Spec) {
			return int32(s.Spec), true
		}
	}
	return 0, false
}

// bootDelay is how long replicas took from being asked for to serving.
func (j *Journal) bootDelay() time.Duration {
	var asked, ready result.Steps
	for _, s := range j.Slots {
		asked.Append(int64(s.Slot), s.Spec)
		ready.Append(int64(s.Slot), s.Ready)
	}
	return time.Duration(result.BootDelay(asked, ready)) * time.Second
}

// openMetrics are the journal's counts and the values of its metrics.
func (j *Journal) openMetrics() []byte {
	series := map[string]*strings.Builder{}
	var names []string
	add := func(name string, at slot.Slot, v float64) {
		b := series[name]
		if b == nil {
			b = &strings.Builder{}
			series[name], names = b, append(names, name)
		}
		fmt.Fprintf(b, "%s %s %d\n", name, strconv.FormatFloat(v, 'g', -1, 64), int64(at))
	}
	for _, s := range j.Slots {
		if !math.IsNaN(s.Ready) {
			add(journalReady, s.Slot, s.Ready)
			add(journalAll, s.Slot, s.All)
		}
		for _, m := range s.Metrics {
			if i := j.metric(m.Query); i >= 0 && m.Code == observation.OK {
				add(j.selector(i), s.Slot, m.Value)
			}
		}
	}
	var out strings.Builder
	for _, name := range names {
		out.WriteString(series[name].String())
	}
	out.WriteString("# EOF\n")
	return []byte(out.String())
}

// valueless is the first query of the policy without a value in the journal.
func (j *Journal) valueless() string {
	for _, m := range j.Policy.Metrics {
		if !slices.ContainsFunc(j.Slots, func(s JournalSlot) bool {
			return slices.ContainsFunc(s.Metrics, func(o journal.Metric) bool { return o.Query == m.Query && o.Code == observation.OK })
		}) {
			return m.Query
		}
	}
	return ""
}

// metric is the first of the policy's metrics with a query, negative where none
// has it.
func (j *Journal) metric(query string) int {
	for i := range j.Policy.Metrics {
		if j.Policy.Metrics[i].Query == query {
			return i
		}
	}
	return -1
}

// selector is the series that stands for a metric's query.
func (j *Journal) selector(i int) string {
	name := journalValue
	selectors, err := recording.Selectors(j.Policy.Metrics[i].Query)
	if err == nil && len(selectors) == 1 && strings.HasPrefix(selectors[0].String(), producer.ScheduledReplicas+"{") {
		name = producer.ScheduledReplicas
	}
	return fmt.Sprintf("%s{%s=\"%d\"}", name, metricLabel, i)
}
