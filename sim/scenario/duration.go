package scenario

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
)

// A Duration is written in Prometheus' notation, e.g. 1h30m; its resolution is
// a millisecond and it is never negative.
type Duration time.Duration

// String is the shortest Prometheus notation.
func (d Duration) String() string { return model.Duration(d).String() }

// MarshalJSON writes the notation.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads the notation.
func (d *Duration) UnmarshalJSON(data []byte) error {
	parsed, err := parseDuration(data)
	if err != nil {
		return fmt.Errorf("want a duration such as 15s or 1h30m, got %s", data)
	}
	*d = parsed
	return nil
}

func parseDuration(data []byte) (Duration, error) {
	var text string
	// The only duration without a unit that Prometheus knows.
	if string(data) == "0" {
		return 0, nil
	}
	if err := json.Unmarshal(data, &text); err != nil {
		return 0, err
	}
	d, err := model.ParseDuration(text)
	return Duration(d), err
}

// A Time is an instant in whole seconds, written in RFC 3339.
type Time struct{ time.Time }

// lastYear is the last that a run may reach: slots, samples and event queues
// count in int64 nanoseconds, which end in 2262.
const lastYear = 2200

// MarshalJSON writes RFC 3339 in UTC.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format(time.RFC3339))
}

// UnmarshalJSON reads RFC 3339 with any offset.
func (t *Time) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf(`want a time such as "2026-01-05T08:00:00Z" (RFC 3339), got %s`, data)
	}
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf(`want a time such as "2026-01-05T08:00:00Z" (RFC 3339), got %s`, data)
	}
	if parsed.Nanosecond() != 0 {
		return fmt.Errorf("want a time in whole seconds, got %s", data)
	}
	if y := parsed.Year(); y < 1970 || y > lastYear {
		return fmt.Errorf("want a time from 1970 to %d, got %s", lastYear, data)
	}
	t.Time = parsed.UTC()
	return nil
}
