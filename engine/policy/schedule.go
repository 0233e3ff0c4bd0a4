package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // so that zones do not depend on the machine having them

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// A Schedule yields the replicas of the first active behavior.
type Schedule struct {
	// Timezone is an IANA zone name.
	Timezone string `json:"timezone"`
	// Default is the value while no behavior is active, in replicas.
	Default   int32      `json:"default"`
	Behaviors []Behavior `json:"behaviors"`
}

// A Behavior is a value and when it holds.
type Behavior struct {
	Replicas int32   `json:"replicas"`
	Start    Pattern `json:"start"`
	End      Pattern `json:"end"`
}

// A Pattern is a set of minutes in the schedule's zone. Its lists are sorted
// and without repetition; days, months or weekdays that are nil are every one,
// and Sunday is 0. Where days and weekdays are both given, either suffices.
type Pattern struct {
	Minutes  []int `json:"minutes"`
	Hours    []int `json:"hours"`
	Days     []int `json:"days,omitempty"`
	Months   []int `json:"months,omitempty"`
	Weekdays []int `json:"weekdays,omitempty"`
}

// Zone loads an IANA zone. The zone of the machine is refused, because a
// schedule must mean the same everywhere.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no IANA zone", name)
	}
	return time.LoadLocation(name)
}

func (c *compiler) schedule(given *v1alpha1.ScheduleSpec, path *field.Path) *Schedule {
	s := &Schedule{Timezone: DefaultTimezone, Default: given.DefaultReplicas, Behaviors: []Behavior{}}
	if given.Timezone != nil {
		s.Timezone = *given.Timezone
	}
	if _, err := Zone(s.Timezone); err != nil {
		c.fail(field.Invalid(path.Child("timezone"), s.Timezone, "must be the name of an IANA zone, e.g. Europe/Paris or UTC"))
	}
	if s.Default < 0 {
		c.fail(field.Invalid(path.Child("defaultReplicas"), s.Default, "must be at least 0"))
	}
	if len(given.Behaviors) > MaxBehaviors {
		c.fail(field.TooMany(path.Child("behaviors"), len(given.Behaviors), MaxBehaviors))
		return s
	}
	for i := range given.Behaviors {
		s.Behaviors = append(s.Behaviors, c.behavior(&given.Behaviors[i], path.Child("behaviors").Index(i)))
	}
	return s
}

func (c *compiler) behavior(given *v1alpha1.ScheduledBehavior, path *field.Path) Behavior {
	if given.Replicas < 0 {
		c.fail(field.Invalid(path.Child("replicas"), given.Replicas, "must be at least 0"))
	}
	return Behavior{
		Replicas: given.Replicas,
		Start:    c.pattern(&given.Start, path.Child("start")),
		End:      c.pattern(&given.End, path.Child("end")),
	}
}

// A listField is one of the five fields of a pattern.
type listField struct {
	name, example string
	low, high     int
	// names has a name for each value from low on; three letters suffice.
	names []string
}

var (
	minuteField  = listField{name: "minutes", example: "0,30", high: 59}
	hourField    = listField{name: "hours", example: "9,17", high: 23}
	dayField     = listField{name: "days", example: "1,15", low: 1, high: 31}
	monthField   = listField{name: "months", example: "Jan,July", low: 1, high: 12, names: []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}}
	weekdayField = listField{name: "weekdays", example: "Mon,Friday", high: 7, names: []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}}
)

func (c *compiler) pattern(given *v1alpha1.Pattern, path *field.Path) Pattern {
	p := Pattern{
		Minutes:  c.list(minuteField, given.Minutes, path),
		Hours:    c.list(hourField, given.Hours, path),
		Days:     c.list(dayField, given.Days, path),
		Months:   c.list(monthField, given.Months, path),
		Weekdays: c.list(weekdayField, given.Weekdays, path),
	}
	if p.Minutes == nil {
		p.Minutes = []int{0}
	}
	if p.Hours == nil {
		p.Hours = []int{0}
	}
	if !p.possible() {
		c.fail(field.Invalid(path.Child("days"), *given.Days, "must be a day that one of the months has: there is no such date in any year"))
	}
	return p
}

// possible says whether any date fits: 30 February never comes, unless a
// weekday suffices.
func (p *Pattern) possible() bool {
	if p.Days == nil || p.Months == nil || p.Weekdays != nil {
		return true
	}
	return slices.ContainsFunc(p.Months, func(month int) bool {
		longest := time.Date(2024, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() // of a leap year
		return p.Days[0] <= longest
	})
}

// list reads a comma-separated list, sorted and without repetition; nil where it
// is absent or wrong.
func (c *compiler) list(f listField, given *string, path *field.Path) []int {
	if given == nil {
		return nil
	}
	path = path.Child(f.name)
	if len(*given) > MaxPatternBytes {
		c.fail(field.TooLong(path, "", MaxPatternBytes))
		return nil
	}
	var values []int
	for _, item := range strings.Split(*given, ",") {
		value, ok := f.value(strings.Trim(item, " "))
		if !ok {
			orNames := ""
			if f.names != nil {
				orNames = " or names"
			}
			c.fail(field.Invalid(path, *given, fmt.Sprintf(
				"must be a comma-separated list of numbers from %d to %d%s, e.g. %s; ranges, steps and * are not supported", f.low, f.high, orNames, f.example)))
			return nil
		}
		values = append(values, value)
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// value reads a number of at most two digits or a name in any case.
func (f listField) value(text string) (int, bool) {
	lower := strings.ToLower(text)
	for i, name := range f.names {
		if lower == name || lower == name[:3] {
			return f.low + i, true
		}
	}
	if len(text) < 1 || len(text) > 2 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	value, _ := strconv.Atoi(text)
	if value < f.low || value > f.high {
		return 0, false
	}
	if f.high == weekdayField.high && value == 7 {
		value = 0 // both are Sunday
	}
	return value, true
}

// Valid says whether a decoded schedule is one that could have been compiled, as
// far as its evaluation relies on it. It guards the verification of foreign journals.
func (s *Schedule) Valid() error {
	for i := range s.Behaviors {
		for _, p := range []*Pattern{&s.Behaviors[i].Start, &s.Behaviors[i].End} {
			if len(p.Minutes) == 0 || len(p.Hours) == 0 {
				return fmt.Errorf("policy: behaviors[%d]: a pattern has minutes and hours", i)
			}
			for _, list := range []struct {
				field  listField
				values []int
			}{{minuteField, p.Minutes}, {hourField, p.Hours}, {dayField, p.Days}, {monthField, p.Months}, {weekdayField, p.Weekdays}} {
				outside := func(value int) bool { return value < list.field.low || value > list.field.high }
				if slices.ContainsFunc(list.values, outside) {
					return fmt.Errorf("policy: behaviors[%d]: %s are numbers from %d to %d", i, list.field.name, list.field.low, list.field.high)
				}
			}
		}
	}
	return nil
}
