package convert

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

var cronPairs = map[string]struct{ start, end, note string }{
	"Daily":      {"0 8 * * *", "0 18 * * *", ""},
	"OverNight":  {"0 22 * * *", "0 6 * * *", ""},
	"Weekdays":   {"0 8 * * 1-5", "0 18 * * 1-5", ""},
	"Weekend":    {"30 6 * * 1-5", "0 22 * * *", "KEDA takes the trigger for active from Fri 22:00 to Sun 22:00 (52 such times in a year), as it compares the next start with the next end; here it is inactive then, as the last start and the last end have it"},
	"EveryStart": {"0 8-16 * * *", "0 18 * * *", "KEDA takes the trigger for inactive from Mon 08:00 to Mon 16:00 (366 such times in a year), as it compares the next start with the next end; here it is active then, as the last start and the last end have it"},
	"Monthly":    {"0 0 1 * *", "0 0 2 * *", ""},
	"MonthEnd":   {"0 0 1 * *", "0 0 2,3 * *", "KEDA takes the trigger for active from 2 Jan 00:00 to 3 Jan 00:00 (12 such times in a year), as it compares the next start with the next end; here it is inactive then, as the last start and the last end have it"},
	"OneInstant": {"0 8 * * *", "0 8,18 * * *", "KEDA takes the trigger for active from Mon 18:00 to Tue 08:00 (365 such times in a year), as it compares the next start with the next end; here it is inactive then, as the last start and the last end have it"},
}

func TestNoteWindow(t *testing.T) {
	for name, tc := range cronPairs {
		t.Run(name, func(t *testing.T) {
			c := &converter{}
			c.noteWindow(tc.start, tc.end, field.NewPath("spec"))
			got := ""
			for _, n := range c.notes {
				got += n.Message
			}
			if got != tc.note {
				t.Errorf("noteWindow(%q, %q):\ngot  %s\nwant %s", tc.start, tc.end, got, tc.note)
			}
		})
	}
}

// TestWindowsTwin compares the windows with KEDA's own rule over the cron library
// that it uses, and with the schedule that the trigger is converted to.
func TestWindowsTwin(t *testing.T) {
	for name, tc := range cronPairs {
		t.Run(name, func(t *testing.T) {
			c := &converter{}
			startPattern, err := c.cron(tc.start, nil)
			if err != nil {
				t.Fatal(err)
			}
			endPattern, err := c.cron(tc.end, nil)
			if err != nil {
				t.Fatal(err)
			}
			compiled, errs := policy.CompileProducer(&v1alpha1.MetricsProducerSpec{Schedule: &v1alpha1.ScheduleSpec{
				Behaviors: []v1alpha1.ScheduledBehavior{{Replicas: 1, Start: startPattern, End: endPattern}},
			}}, field.NewPath("spec"))
			if errs != nil {
				t.Fatal(errs)
			}
			schedule, err := producer.NewSchedule(compiled.Schedule)
			if err != nil {
				t.Fatal(err)
			}
			start, end := calendarOf(t, tc.start), calendarOf(t, tc.end)
			differ := windows(&start, &end)
			starts, ends := standard(t, tc.start), standard(t, tc.end)
			// The year's first and last month have instants outside of it as neighbours.
			for minute := 40*minutesOfDay + 1; minute < 300*minutesOfDay; minute += 7 {
				now := firstDay.Add(time.Duration(minute)*time.Minute + 30*time.Second)
				keda := !starts.Next(now).Before(ends.Next(now))
				here := schedule.Value(slot.Slot(now.Unix())) == 1
				listed := false
				for _, w := range differ {
					listed = listed || w.from <= minute && minute < w.to
				}
				if listed != (keda != here) {
					t.Fatalf("%s: KEDA %t, here %t, but told to differ %t", now, keda, here, listed)
				}
			}
		})
	}
}

func calendarOf(t *testing.T, expression string) calendar {
	t.Helper()
	c, err := newCalendar(expression)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func standard(t *testing.T, expression string) cron.Schedule {
	t.Helper()
	s, err := cron.ParseStandard("TZ=UTC " + expression)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
