package convert

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A calendar has the instants of a cron expression.
type calendar struct {
	fields [len(cronFields)]uint64
	stars  [len(cronFields)]bool
}

// newCalendar reads an expression that cron has accepted.
func newCalendar(expression string) (calendar, error) {
	var c calendar
	for i, text := range strings.Fields(expression) {
		var err error
		if c.fields[i], c.stars[i], err = cronFields[i].parse(text); err != nil {
			return calendar{}, err
		}
	}
	return c, nil
}

// on says whether a day has instants. Of two fields for days that are both
// restricted, one suffices.
func (c *calendar) on(day time.Time) bool {
	date := c.fields[2]>>day.Day()&1 == 1
	weekday := c.fields[4]>>int(day.Weekday())&1 == 1
	if c.stars[2] || c.stars[4] {
		date = date && weekday
	} else {
		date = date || weekday
	}
	return date && c.fields[3]>>int(day.Month())&1 == 1
}

// at says whether a minute of such a day is an instant.
func (c *calendar) at(minute int) bool {
	return c.fields[1]>>(minute/60)&1 == 1 && c.fields[0]>>(minute%60)&1 == 1
}

// A window is a time in which KEDA takes a cron trigger for active and a schedule
// here does not, or the other way round, in minutes from the start of a year.
type window struct {
	from, to int
	// keda says that it is KEDA's that is active.
	keda bool
}

// firstDay is the first of the year over which windows are compared: a leap year
// that begins with a Monday.
var firstDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

const minutesOfDay = 24 * 60

// windows are the times of a year in which KEDA and a schedule disagree. To KEDA a
// trigger is active if its next end comes before its next start; here, if its last
// start came after its last end.
func windows(start, end *calendar) []window {
	var found []window
	last, lastStarted := -1, false
	for day := range 366 {
		date := firstDay.AddDate(0, 0, day)
		starts, ends := start.on(date), end.on(date)
		if !starts && !ends {
			continue
		}
		for minute := range minutesOfDay {
			started, ended := starts && start.at(minute), ends && end.at(minute)
			if !started && !ended {
				continue
			}
			now := day*minutesOfDay + minute
			if keda, here := ended, lastStarted; last >= 0 && keda != here {
				if n := len(found); n > 0 && found[n-1].to == last && found[n-1].keda == keda {
					found[n-1].to = now
				} else {
					found = append(found, window{last, now, keda})
				}
			}
			last, lastStarted = now, started
		}
	}
	return found
}

// noteWindow notes where a schedule differs from what KEDA makes of the same
// expressions.
func (c *converter) noteWindow(startText, endText string, path *field.Path) {
	start, err := newCalendar(startText)
	if err != nil {
		return
	}
	end, err := newCalendar(endText)
	if err != nil {
		return
	}
	found := windows(&start, &end)
	if len(found) == 0 {
		return
	}
	layout := "Mon 15:04"
	if !start.stars[2] || !end.stars[2] || !start.stars[3] || !end.stars[3] {
		layout = "2 Jan 15:04"
	}
	show := func(minute int) string { return firstDay.Add(time.Duration(minute) * time.Minute).Format(layout) }
	first, times := found[0], ""
	if len(found) > 1 {
		times = fmt.Sprintf(" (%d such times in a year)", len(found))
	}
	keda, here := "active", "inactive"
	if !first.keda {
		keda, here = here, keda
	}
	c.lost(path, "KEDA takes the trigger for %s from %s to %s%s, as it compares the next start with the next end; here it is %s then, as the last start and the last end have it", keda, show(first.from), show(first.to), times, here)
}
