package scenario

import (
	"fmt"
	"time"
)

// ParseZone reads the name of a time zone. The machine's own, Local, is none: what is
// written would differ from machine to machine.
func ParseZone(name string) (*time.Location, error) {
	location, err := time.LoadLocation(name)
	if err != nil || name == "" || location == time.Local {
		return nil, fmt.Errorf("%s: unknown time zone; want a name such as Europe/Berlin or UTC", name)
	}
	return location, nil
}
