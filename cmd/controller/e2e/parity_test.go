package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// longest is how long a scenario may last to be played here as a whole.
const longest = 2 * time.Hour

// A part is what is played of a scenario that lasts longer: it starts later, and
// ends sooner.
type part struct{ after, span time.Duration }

// parts are those in which something happens; of other scenarios it is the
// beginning. v01-schedule is played around Monday's nine o'clock, after the
// night that is an hour shorter.
var parts = map[string]part{"v01-schedule": {31*time.Hour + 30*time.Minute, 2 * time.Hour}}

// TestParity plays every scenario twice: by the simulator, and by the real
// reconcilers against a real API server with Prometheus behind HTTP. The records
// must be the same, byte for byte, and so must the wake-ups and their causes.
// KARPENTER_PARITY=whole plays those as a whole
// that are otherwise played in part.
func TestParity(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	corpus, err := filepath.Glob("../../../scenarios/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range append(files, corpus...) {
		seeds := uint64(1)
		if i < len(files) {
			seeds = 2
		}
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", strings.TrimSuffix(filepath.Base(path), ".yaml"), seed), func(t *testing.T) {
				t.Parallel()
				servertest.Own(t)
				in, autoscalers := open(t, path)
				var simulated bytes.Buffer
				var wakes []string
				noted := func(object journal.Object, at time.Time, next cycle.Wake) {
					wakes = append(wakes, wakeLine(object, at, next))
				}
				if _, err := in.Play(context.Background(), autoscalers, sim.Options{Journal: &simulated, Wakes: noted}); err != nil {
					t.Fatal(err)
				}
				live, woken := playLive(t, in, autoscalers, seed)
				slices.Sort(wakes)
				slices.Sort(woken)
				if diff := cmp.Diff(wakes, woken); diff != "" {
					t.Errorf("wake-ups differ (-simulated +live):\n%s", diff)
				}
				want, got := records(t, simulated.Bytes()), records(t, live)
				if len(want) == 0 {
					t.Fatal("nothing was decided")
				}
				for i := range min(len(want), len(got)) {
					if diff := cmp.Diff(want[i], got[i]); diff != "" {
						t.Fatalf("record %d differs (-simulated +live):\n%s", i, diff)
					}
				}
				if len(want) != len(got) {
					t.Errorf("%d records simulated, %d live", len(want), len(got))
				}
			})
		}
	}
}

// wakeLine is a wake-up that follows a decision, or an attempt at one.
func wakeLine(object journal.Object, at time.Time, next cycle.Wake) string {
	return fmt.Sprintf("%s %s %s/%s: %s at %s", at.UTC().Format(time.RFC3339Nano), object.Kind, object.Namespace, object.Name, next.Cause, next.At.UTC().Format(time.RFC3339Nano))
}

// open loads a scenario as simulate does.
func open(t *testing.T, path string) (*sim.Input, []sim.Autoscaler) {
	t.Helper()
	file, err := scenario.Load(path, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.LeftOut(sim.Adopt(file.Manifests, convert.Options{})); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("KARPENTER_PARITY") != "whole" && time.Duration(file.Spec.Duration) > longest {
		cut(file)
	}
	autoscalers, err := sim.Resolve(file.Manifests, promql.Label(file.Spec.Controller.EnforceLabel))
	if err != nil {
		t.Fatal(err)
	}
	in, err := sim.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return in, autoscalers
}

// cut leaves a part of a scenario. Its expectations are of the whole.
func cut(f *scenario.File) {
	p, found := parts[strings.TrimSuffix(filepath.Base(f.Path), ".yaml")]
	if !found {
		p = part{span: longest}
	}
	f.Spec.Start.Time = f.Spec.Start.Add(p.after)
	f.Spec.Duration, f.Spec.Expect = scenario.Duration(p.span), nil
}

// records are the lines of a journal's records, sorted by slot, class, namespace
// and name.
func records(t *testing.T, text []byte) []string {
	t.Helper()
	type line struct {
		order string
		text  string
	}
	classes := map[string]int{journal.MetricsProducer: 0, journal.HorizontalAutoscaler: 1, journal.ScalableNodeGroup: 2}
	var lines []line
	reader := journal.NewReader(bytes.NewReader(text), "journal")
	for {
		l, err := reader.Next()
		if err != nil {
			break
		}
		if r := l.Record; r != nil {
			lines = append(lines, line{fmt.Sprintf("%d %d %s/%s", r.Slot, classes[r.Kind], r.Namespace, r.Name), string(l.Text)})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return strings.Compare(a.order, b.order) })
	sorted := make([]string, len(lines))
	for i, l := range lines {
		sorted[i] = l.text
	}
	return sorted
}
