package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// DocumentedSeries has every series that a simulation publishes by itself: those of the
// world, and those that the controller exports.
func DocumentedSeries() []world.Series {
	object := []string{"namespace", "name"}
	list := world.Documented()
	for _, row := range []struct{ source, meaning string }{
		{"reservedCapacity", "of a `reservedCapacity` producer, also for extended resources by their names"},
		{"pendingCapacity", "of a `pendingCapacity` producer: the nodes its group should have, the pods that count for it, those that no node of it could take"},
		{"queue", "of a `queue` producer"},
		{"scheduleSpec", "of a `scheduleSpec` producer"},
	} {
		list = append(list, world.Series{Names: gaugesOf[row.source], Labels: object, Meaning: row.meaning})
	}
	list = append(list, world.Series{Names: []string{desiredReplicas, currentReplicas}, Labels: object, Meaning: "the autoscaler's status"})
	for _, name := range journal.AutoscalerSeries() {
		labels, meaning := object, journal.GaugeHelp[name]
		if label := journal.GaugeLabel(name); label != "" {
			labels = append(slices.Clone(object), label)
		}
		switch name {
		case journal.LastScaleGauge:
			meaning = "Unix time of the last change that the target took"
		case journal.MissedCounter:
			meaning = "slots without a decision since the controller's last start"
		case journal.HeldCounter:
			meaning = "time under decisions that had nothing to go by, since the controller's last start"
		}
		list = append(list, world.Series{Names: []string{name}, Labels: labels, Meaning: meaning})
	}
	for _, name := range groupNames() {
		labels := object
		switch name {
		case nodegroup.Trouble:
			labels = append(slices.Clone(object), "code")
		case nodegroup.Failures:
			labels = append(slices.Clone(object), "call", "code")
		}
		list = append(list, world.Series{Names: []string{name}, Labels: labels, Meaning: nodegroup.Help(name)})
	}
	return list
}

// SeriesTable is DocumentedSeries as a table in Markdown.
func SeriesTable() string {
	var b strings.Builder
	b.WriteString("| series | labels | value |\n|---|---|---|\n")
	for _, s := range DocumentedSeries() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", quoted(s.Names), quoted(s.Labels), strings.TrimSuffix(s.Meaning, "."))
	}
	return b.String()
}

// quoted is a list of names in Markdown.
func quoted(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }
