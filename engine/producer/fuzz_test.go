package producer

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// FuzzSchedule feeds specs as YAML: what compiles has a value at any time, the same
// each time, and one of those that the spec names.
func FuzzSchedule(f *testing.F) {
	for _, spec := range []string{
		`{timezone: UTC, defaultReplicas: 1, behaviors: [{replicas: 2, start: {hours: "6"}, end: {hours: "20"}}]}`,
		`{timezone: Europe/Berlin, defaultReplicas: 0, behaviors: [{replicas: 3, start: {days: "31", months: "Feb"}, end: {weekdays: "Mon,7", minutes: "0,59"}}]}`,
		`{behaviors: []}`,
	} {
		f.Add(spec, int64(1767600000))
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		var spec v1alpha1.MetricsProducerSpec
		if yaml.Unmarshal([]byte("schedule: "+text), &spec) != nil || spec.Schedule == nil {
			return
		}
		p, errs := policy.CompileProducer(&spec, field.NewPath("spec"))
		if len(errs) > 0 || p.Schedule == nil {
			return
		}
		schedule, err := NewSchedule(p.Schedule)
		if err != nil {
			return
		}
		now := slot.Slot(at % (1 << 33))
		allowed := map[int32]bool{spec.Schedule.DefaultReplicas: true}
		for _, b := range spec.Schedule.Behaviors {
			allowed[b.Replicas] = true
		}
		if got := schedule.Value(now); !allowed[got] || schedule.Value(now) != got {
			t.Errorf("at %s: %d, which %s does not name", now, got, text)
		}
	})
}
