package scenario

import (
	"encoding/json"
	"fmt"
)

// A StartUp is how long a new replica takes from being asked for to being ready.
type StartUp struct {
	// Fixed is the time that every replica takes, unless Recorded says otherwise.
	Fixed Duration
	// Recorded has each replica take as long as one of the recorded pods, drawn
	// with the scenario's seed.
	Recorded bool
}

// asRecorded is how a StartUp that is recorded is written.
const asRecorded = "recorded"

// ParseStartUp reads a duration such as 90s, or "recorded".
func ParseStartUp(text string) (StartUp, error) {
	if text == asRecorded {
		return StartUp{Recorded: true}, nil
	}
	var s StartUp
	if err := s.Fixed.UnmarshalJSON(fmt.Appendf(nil, "%q", text)); err != nil {
		return StartUp{}, fmt.Errorf("want a duration such as 90s, or recorded, got %q", text)
	}
	return s, nil
}

// String returns what ParseStartUp reads.
func (s StartUp) String() string {
	if s.Recorded {
		return asRecorded
	}
	return s.Fixed.String()
}

// UnmarshalJSON reads a duration or "recorded".
func (s *StartUp) UnmarshalJSON(data []byte) error {
	text := string(data)
	if json.Unmarshal(data, &text) != nil {
		text = string(data) // a 0 without quotes
	}
	var err error
	*s, err = ParseStartUp(text)
	return err
}

// MarshalJSON writes what UnmarshalJSON reads.
func (s StartUp) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
