package sim

import (
	"time"

	"k8s.io/utils/clock"
)

// A Clock shows simulated time. Only the event queue moves it.
type Clock struct{ now time.Time }

var _ clock.PassiveClock = (*Clock)(nil)

// Now is the current instant of the simulation.
func (c *Clock) Now() time.Time { return c.now }

// Since is the simulated time since t.
func (c *Clock) Since(t time.Time) time.Duration { return c.now.Sub(t) }
