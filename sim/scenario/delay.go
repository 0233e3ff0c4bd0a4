package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Delay is a duration, or a distribution of durations: uniform between Min
// and Max, or log-normal with the percentiles P50 and P95.
type Delay struct {
	// Fixed is the duration of a delay without distribution.
	Fixed Duration
	// Min and Max bound a uniform delay; Max is 0 for every other.
	Min, Max Duration
	// P50 and P95 are percentiles of a log-normal delay; P50 is 0 for every other.
	P50, P95 Duration
}

type delayFields struct {
	Min *Duration `json:"min,omitempty"`
	Max *Duration `json:"max,omitempty"`
	P50 *Duration `json:"p50,omitempty"`
	P95 *Duration `json:"p95,omitempty"`
}

var errDelay = errors.New("want a duration such as 30s, {min: 20s, max: 1m} or {p50: 30s, p95: 2m}")

// UnmarshalJSON reads a duration or one of the two mappings.
func (d *Delay) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] != '{' {
		*d = Delay{}
		if d.Fixed.UnmarshalJSON(data) != nil {
			return fmt.Errorf("%w, got %s", errDelay, data)
		}
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var f delayFields
	if err := decoder.Decode(&f); err != nil {
		return fmt.Errorf("%w (%w)", errDelay, err)
	}
	uniform, percentiles := f.Min != nil && f.Max != nil, f.P50 != nil && f.P95 != nil
	switch {
	case uniform && f.P50 == nil && f.P95 == nil:
		*d = Delay{Min: *f.Min, Max: *f.Max}
		if d.Min > d.Max || d.Max == 0 {
			return fmt.Errorf("min: %s, max: %s: want max above 0s and not below min", d.Min, d.Max)
		}
	case percentiles && f.Min == nil && f.Max == nil:
		*d = Delay{P50: *f.P50, P95: *f.P95}
		if d.P50 == 0 || d.P50 > d.P95 {
			return fmt.Errorf("p50: %s, p95: %s: want p50 above 0s and p95 not below it", d.P50, d.P95)
		}
	default:
		return errDelay
	}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (d Delay) MarshalJSON() ([]byte, error) {
	switch {
	case d.Max > 0:
		return json.Marshal(delayFields{Min: &d.Min, Max: &d.Max})
	case d.P50 > 0:
		return json.Marshal(delayFields{P50: &d.P50, P95: &d.P95})
	}
	return json.Marshal(d.Fixed)
}

// IsZero says whether there is no delay.
func (d Delay) IsZero() bool { return d == Delay{} }

// Middle is the median.
func (d Delay) Middle() time.Duration {
	switch {
	case d.Max > 0:
		return time.Duration(d.Min+d.Max) / 2
	case d.P50 > 0:
		return time.Duration(d.P50)
	}
	return time.Duration(d.Fixed)
}
