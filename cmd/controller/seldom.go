package main

import (
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// quiet is the least time between two lines.
const quiet = time.Second

// seldom logs at most one line a second: when a server fails, all queries do.
type seldom struct {
	log   logr.Logger
	clock clock.PassiveClock

	mu      sync.Mutex
	last    time.Time
	omitted int
}

func (s *seldom) say(message string, keysAndValues ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if !s.last.IsZero() && now.Sub(s.last) < quiet {
		s.omitted++
		return
	}
	if s.omitted > 0 {
		keysAndValues = append(keysAndValues, "omittedSince", s.omitted)
	}
	s.log.Info(message, keysAndValues...)
	s.last, s.omitted = now, 0
}
