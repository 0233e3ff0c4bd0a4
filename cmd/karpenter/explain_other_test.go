package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// otherJournal has decisions of a node group and of a producer.
func otherJournal(t *testing.T) string {
	t.Helper()
	var file bytes.Buffer
	w := journal.NewWriter(&file)
	group := journal.Object{Kind: journal.ScalableNodeGroup, Namespace: "default", Name: "workers"}
	hours := journal.Object{Kind: journal.MetricsProducer, Namespace: "default", Name: "hours"}
	four := int32(4)
	for i := range slot.Slot(6) {
		r := &journal.Record{Object: group, Generation: 1, Slot: 1767600000 + 10*i, Reason: autoscaler.Unchanged,
			Observed: []journal.Field{{Name: "desired", Value: 3}, {Name: "ready", Value: 3}}}
		switch i {
		case 2:
			r.Reason, r.Command = autoscaler.ScaledUp, &four
		case 3:
			r.Reason, r.Observed[1] = autoscaler.TargetUnavailable, journal.Field{Name: "ready", Code: observation.Throttled}
		}
		p := &journal.Record{Object: hours, Generation: 1, Slot: r.Slot, Reason: autoscaler.Unchanged,
			Observed: []journal.Field{}, Value: []journal.Field{{Name: "replicas", Value: float64(2 + i/3)}}}
		for _, record := range []*journal.Record{r, p} {
			if err := w.Record(record); err != nil {
				t.Fatal(err)
			}
		}
	}
	return file.String()
}

func TestExplainOtherKinds(t *testing.T) {
	text := otherJournal(t)
	for name, c := range map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"Command": {"what a node group's provider is told", []string{"sng/workers", "--at", "08:00:20"}, `ScaledUp: desired = 3, ready = 3

  observed           desired = 3
  observed           ready = 3
  command         4  is what the provider is told
`},
		"Failed": {"what could not be observed", []string{"sng/workers", "--at", "08:00:30"}, `TargetUnavailable: ready: Throttled

  observed           desired = 3
  observed           ready: Throttled, the server asked to slow down
  command            nothing: the provider is left as it is
`},
		"Group": {"a node group's course", []string{"sng/workers", "--from", "08:00", "--to", "08:00:30"}, `FROM      TO        DESIRED  REASON             WHY
08:00:00  08:00:10  -        Unchanged          desired = 3, ready = 3
08:00:20  08:00:20  4        ScaledUp           desired = 3, ready = 3
08:00:30  08:00:30  -        TargetUnavailable  ready: Throttled
`},
		"Producer": {"a producer's values", []string{"mp/hours"}, `AT        UNTIL     DESIRED  REASON     WHY
08:00:00  08:00:20  -        Unchanged  replicas = 2
08:00:30  08:00:50  -        Unchanged  replicas = 3
`},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, text, append([]string{"explain", "-"}, c.args...)...)
			if got.code != exitOK || !strings.Contains(got.stdout, c.want) {
				t.Errorf("%s: code %d, got\n%s%swant in it\n%s", c.reason, got.code, got.stdout, got.stderr, c.want)
			}
		})
	}
	call(t, text, "compare", "-").refused(t, "<stdin>: no HorizontalAutoscaler's decisions in it")
}
