package producer

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// scheduleOf compiles a spec.scheduleSpec.
func scheduleOf(t testing.TB, text string) *policy.Schedule {
	t.Helper()
	spec := &v1alpha1.ScheduleSpec{}
	if err := yaml.UnmarshalStrict([]byte(text), spec); err != nil {
		t.Fatal(err)
	}
	p, errs := policy.CompileProducer(&v1alpha1.MetricsProducerSpec{Schedule: spec}, field.NewPath("spec"))
	if errs != nil {
		t.Fatal(errs)
	}
	return p.Schedule
}

// in is a time in a zone, as a slot.
func in(t testing.TB, zone, text string) slot.Slot {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, location)
	if err != nil {
		t.Fatal(err)
	}
	return slot.At(at)
}

// example is the schedule of v0.1's example.
func example(t testing.TB) *policy.Schedule {
	t.Helper()
	text, err := os.ReadFile("../api/v1alpha1/testdata/v0.1/scheduled-capacity.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, _, _ := strings.Cut(string(text), "\n---\n")
	var object v1alpha1.MetricsProducer
	if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
		t.Fatal(err)
	}
	p, errs := policy.CompileProducer(&object.Spec, field.NewPath("spec"))
	if errs != nil {
		t.Fatal(errs)
	}
	return p.Schedule
}

// TestExample is the timeline of the example that Karpenter v0.1 shipped, in
// each week of two years: no switch to or from summer time touches it.
func TestExample(t *testing.T) {
	s, err := NewSchedule(example(t))
	if err != nil {
		t.Fatal(err)
	}
	for week := range 104 {
		for _, c := range []struct {
			dayOfWeek int // from Monday
			clock     string
			want      int32
		}{
			{0, "08:59:59", 2}, {0, "09:00:00", 6}, {0, "12:00:00", 6}, {0, "17:00:00", 4}, {1, "03:00:00", 4},
			{4, "16:59:00", 6}, {4, "17:00:00", 2}, {5, "00:00:00", 2}, {6, "12:00:00", 2},
		} {
			date := time.Date(2026, 1, 5+7*week+c.dayOfWeek, 0, 0, 0, 0, time.UTC).Format("2006-01-02 ")
			if got := s.Value(in(t, "America/Los_Angeles", date+c.clock)); got != c.want {
				t.Errorf("%s%s: %d, want %d", date, c.clock, got, c.want)
			}
		}
	}
}

// TestScheduled holds the next value beside the current one.
func TestScheduled(t *testing.T) {
	la := "America/Los_Angeles"
	daily := `{timezone: Europe/Berlin, defaultReplicas: 1, behaviors: [{replicas: 5, start: {hours: "9"}, end: {hours: "17"}}]}`
	cases := map[string]struct {
		reason   string
		schedule *policy.Schedule
		zone, at string
		want     int32
		nextAt   string // empty where nothing changes any more
		next     int32
	}{
		"Weekend":       {"A covers it, although C is active too", example(t), la, "2026-01-10 12:00:00", 2, "2026-01-12 09:00:00", 6},
		"Night":         {"to the morning", example(t), la, "2026-01-06 03:00:00", 4, "2026-01-06 09:00:00", 6},
		"AtTheStart":    {"the first second belongs to the behavior", scheduleOf(t, daily), "Europe/Berlin", "2026-01-06 09:00:00", 5, "2026-01-06 17:00:00", 1},
		"BeforeTheEnd":  {"the last second too", scheduleOf(t, daily), "Europe/Berlin", "2026-01-06 16:59:59", 5, "2026-01-06 17:00:00", 1},
		"AtTheEnd":      {"the end does not", scheduleOf(t, daily), "Europe/Berlin", "2026-01-06 17:00:00", 1, "2026-01-07 09:00:00", 5},
		"Default":       {"without behaviors", scheduleOf(t, `{defaultReplicas: 3, behaviors: []}`), "UTC", "2026-01-06 09:00:00", 3, "", 0},
		"Same":          {"an identical start and end: always active, as in v0.1", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {hours: "9"}, end: {hours: "9"}}]}`), "UTC", "2026-01-06 12:00:00", 7, "", 0},
		"StartAtEach":   {"so is one that starts whenever it ends", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {hours: "9,12"}, end: {hours: "12"}}]}`), "UTC", "2026-01-06 10:00:00", 7, "", 0},
		"EndAtEach":     {"one that ends also at other times is not", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {hours: "9"}, end: {hours: "9,12"}}]}`), "UTC", "2026-01-06 10:00:00", 7, "2026-01-06 12:00:00", 3},
		"TwoStarts":     {"the first of two starts counts", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {hours: "9,10"}, end: {hours: "12"}}]}`), "UTC", "2026-01-06 09:30:00", 7, "2026-01-06 12:00:00", 3},
		"TwoEnds":       {"the first of two ends counts", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {hours: "9"}, end: {hours: "11,12"}}]}`), "UTC", "2026-01-06 11:30:00", 3, "2026-01-07 09:00:00", 7},
		"SameValue":     {"a behavior of the default's value changes nothing", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 3, start: {hours: "9"}, end: {hours: "12"}}]}`), "UTC", "2026-01-06 10:00:00", 3, "", 0},
		"Hidden":        {"a behavior behind one that always holds is not reached", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {}, end: {}}, {replicas: 9, start: {hours: "9"}, end: {hours: "12"}}]}`), "UTC", "2026-01-06 10:00:00", 7, "", 0},
		"LeapDay":       {"the 29th of February is worth a wait", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {days: "29", months: Feb}, end: {days: "1", months: Mar}}]}`), "UTC", "2026-01-06 10:00:00", 3, "2028-02-29 00:00:00", 7},
		"LeapCentury":   {"even of eight years", scheduleOf(t, `{defaultReplicas: 3, behaviors: [{replicas: 7, start: {days: "29", months: Feb}, end: {days: "1", months: Mar}}]}`), "UTC", "2096-03-01 00:00:00", 3, "2104-02-29 00:00:00", 7},
		"DayOrWeekday":  {"either suffices where both are given, as with cron", scheduleOf(t, `{defaultReplicas: 0, behaviors: [{replicas: 1, start: {days: "13", weekdays: fri}, end: {days: "14", weekdays: sat}}]}`), "UTC", "2026-01-06 00:00:00", 0, "2026-01-09 00:00:00", 1},
		"SpringForward": {"02:30 is skipped: it comes at 03:00, that very day", scheduleOf(t, `{timezone: America/Los_Angeles, defaultReplicas: 1, behaviors: [{replicas: 5, start: {hours: "2", minutes: "30"}, end: {hours: "5"}}]}`), la, "2026-03-08 01:59:59", 1, "2026-03-08 03:00:00", 5},
		"SpringSkipped": {"a behavior that lies in the gap does not come at all", scheduleOf(t, `{timezone: America/Los_Angeles, defaultReplicas: 1, behaviors: [{replicas: 5, start: {hours: "2"}, end: {hours: "2", minutes: "30"}}]}`), la, "2026-03-08 01:00:00", 1, "2026-03-09 02:00:00", 5},
		"FallBack":      {"01:00 comes twice; the first one counts, and nothing ends before 02:00", scheduleOf(t, `{timezone: America/Los_Angeles, defaultReplicas: 1, behaviors: [{replicas: 5, start: {hours: "1"}, end: {hours: "2"}}]}`), la, "2026-11-01 01:30:00", 5, "2026-11-01 02:00:00", 1},
		"Overnight":     {"over a switch, by the wall clock", scheduleOf(t, `{timezone: Europe/Berlin, defaultReplicas: 1, behaviors: [{replicas: 5, start: {hours: "22"}, end: {hours: "6"}}]}`), "Europe/Berlin", "2026-03-28 23:00:00", 5, "2026-03-29 06:00:00", 1},
		"LordHowe":      {"a gap of half an hour", scheduleOf(t, `{timezone: Australia/Lord_Howe, defaultReplicas: 1, behaviors: [{replicas: 5, start: {hours: "2", minutes: "15"}, end: {hours: "3"}}]}`), "Australia/Lord_Howe", "2026-10-04 01:59:59", 1, "2026-10-04 02:30:00", 5},
		"NoMidnight":    {"a zone that skips midnight", scheduleOf(t, `{timezone: Africa/Cairo, defaultReplicas: 1, behaviors: [{replicas: 5, start: {}, end: {hours: "1"}}]}`), "Africa/Cairo", "2026-04-23 23:59:59", 1, "2026-04-25 00:00:00", 5},
		"NoDay":         {"Samoa had no 30 December 2011", scheduleOf(t, `{timezone: Pacific/Apia, defaultReplicas: 1, behaviors: [{replicas: 5, start: {days: "30", months: Dec, hours: "12"}, end: {days: "31", months: Dec, hours: "12"}}]}`), "Pacific/Apia", "2011-12-29 23:59:59", 1, "2011-12-31 00:00:00", 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := NewSchedule(c.schedule)
			if err != nil {
				t.Fatal(err)
			}
			want := Scheduled{Value: c.want}
			if c.nextAt != "" {
				want = Scheduled{Value: c.want, Changes: true, NextAt: in(t, c.zone, c.nextAt), Next: c.next}
			}
			if diff := cmp.Diff(want, s.At(in(t, c.zone, c.at))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// TestTimeline is what a preview prints: three days of the example.
func TestTimeline(t *testing.T) {
	la := "America/Los_Angeles"
	got, err := Timeline(example(t), in(t, la, "2026-01-08 12:00:00"), in(t, la, "2026-01-12 09:00:00"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{in(t, la, "2026-01-08 12:00:00"), 6}, {in(t, la, "2026-01-08 17:00:00"), 4}, {in(t, la, "2026-01-09 09:00:00"), 6},
		{in(t, la, "2026-01-09 17:00:00"), 2}, {in(t, la, "2026-01-12 09:00:00"), 6},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTimelineAtTheEndOfLeapYears covers the day that package time leaves out of
// the bounds of a zone beyond its table.
func TestTimelineAtTheEndOfLeapYears(t *testing.T) {
	p := scheduleOf(t, `{timezone: Europe/Berlin, defaultReplicas: 0, behaviors: [{replicas: 4, start: {hours: "8"}, end: {hours: "18"}}]}`)
	for _, year := range []string{"2040", "2044", "2096"} {
		from := in(t, "Europe/Berlin", year+"-12-30 20:00:00")
		got, err := Timeline(p, from, from+3*86400)
		if err != nil || len(got) != 7 {
			t.Errorf("%s: three days have three mornings and evenings after the first value; got %v, %v", year, got, err)
		}
	}
}

// A journal may hold anything in the place of a schedule.
func TestForeignSchedules(t *testing.T) {
	clock := policy.Pattern{Minutes: []int{0}, Hours: []int{0}}
	for reason, foreign := range map[string]*policy.Schedule{
		"no such zone": {Timezone: "Mars/Olympus"},
		"no minute":    {Timezone: "UTC", Behaviors: []policy.Behavior{{Start: policy.Pattern{Hours: []int{0}}, End: clock}}},
		"no hour":      {Timezone: "UTC", Behaviors: []policy.Behavior{{Start: clock, End: policy.Pattern{Minutes: []int{0}}}}},
		"negative":     {Timezone: "UTC", Behaviors: []policy.Behavior{{Start: policy.Pattern{Minutes: []int{-1}, Hours: []int{0}}, End: clock}}},
		"beyond":       {Timezone: "UTC", Behaviors: []policy.Behavior{{Start: clock, End: policy.Pattern{Minutes: []int{0}, Hours: []int{0}, Months: []int{13}}}}},
	} {
		if _, err := Timeline(foreign, 0, 1); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}

var zones = []string{"America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "UTC"}

// The timeline over two years is that of a walk minute by minute.
func TestTimelineEqualsTwinOverYears(t *testing.T) {
	from, to := in(t, "UTC", "2025-06-01 00:00:00"), in(t, "UTC", "2027-06-01 00:00:00")
	for _, zone := range zones {
		location, _ := time.LoadLocation(zone)
		minutes := naiveMinutes(location, int64(from)-220*day, int64(to)+60)
		for _, behaviors := range []string{
			`[{replicas: 2, start: {weekdays: fri, hours: "17"}, end: {weekdays: mon, hours: "9"}}, {replicas: 6, start: {weekdays: "1,2,3,4,5", hours: "9"}, end: {weekdays: "1,2,3,4,5", hours: "17"}}]`,
			`[{replicas: 3, start: {hours: "2", minutes: "15"}, end: {hours: "2", minutes: "45"}}, {replicas: 5, start: {hours: "1,2,3", minutes: "30"}, end: {hours: "1,2,3", minutes: "50"}}]`,
			`[{replicas: 4, start: {days: "1,31", months: "1,3,10"}, end: {days: "15", weekdays: sun, hours: "2", minutes: "30"}}]`,
		} {
			p := scheduleOf(t, `{timezone: `+zone+`, defaultReplicas: 1, behaviors: `+behaviors+`}`)
			got, err := Timeline(p, from, to)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(naiveTimeline(p, int64(from), minutes), got); diff != "" {
				t.Errorf("%s: %s (-twin +got):\n%s", zone, behaviors, diff)
			}
		}
	}
}

// drawPattern has a minute of every few days, so that the twin's lead is short.
func drawPattern(t *rapid.T, label string) policy.Pattern {
	list := func(low, high, most int, name string) []int {
		values := rapid.SliceOfNDistinct(rapid.IntRange(low, high), 1, most, rapid.ID).Draw(t, label+name)
		return values
	}
	p := policy.Pattern{Minutes: list(0, 59, 3, "minutes"), Hours: list(0, 4, 3, "hours")}
	if rapid.Bool().Draw(t, label+"byWeekday") {
		p.Weekdays = list(0, 6, 4, "weekdays")
	}
	return p
}

// Any schedule around any switch to or from summer time is that of the twin.
func TestTimelineEqualsTwin(t *testing.T) {
	switches := map[string][]string{
		"America/Los_Angeles": {"2026-03-08", "2026-11-01"}, "Europe/Berlin": {"2026-03-29", "2026-10-25"},
		"Australia/Lord_Howe": {"2026-04-05", "2026-10-04"}, "UTC": {"2026-01-05"},
		"Africa/Cairo": {"2026-04-24", "2026-10-30"}, "Pacific/Apia": {"2011-12-30"}, "America/Havana": {"2026-03-08", "2026-11-01"},
	}
	names := append(zones[:len(zones):len(zones)], "Africa/Cairo", "Pacific/Apia", "America/Havana")
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(names).Draw(t, "zone")
		date, _ := time.Parse("2006-01-02", rapid.SampledFrom(switches[zone]).Draw(t, "date"))
		location, _ := time.LoadLocation(zone)
		p := &policy.Schedule{Timezone: zone}
		for i := range rapid.IntRange(1, 3).Draw(t, "behaviors") {
			p.Behaviors = append(p.Behaviors, policy.Behavior{Replicas: int32(i + 1), Start: drawPattern(t, "start"), End: drawPattern(t, "end")})
		}
		from, to := date.Unix()-2*day, date.Unix()+2*day
		got, err := Timeline(p, slot.Slot(from), slot.Slot(to))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(naiveTimeline(p, from, naiveMinutes(location, from-10*day, to+60)), got); diff != "" {
			t.Fatalf("%s %+v (-twin +got):\n%s", zone, p.Behaviors, diff)
		}
	})
}

func BenchmarkScheduleAt(b *testing.B) {
	s, err := NewSchedule(example(b))
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		s.At(slot.Slot(1767600000 + 5*i))
	}
}
