package main

import (
	"context"
	"log/slog"
)

// leadershipLost is the error of controller-runtime's manager whenever its lease ends,
// also where it gives the lease back because it was told to stop.
const leadershipLost = "leader election lost"

// A stopping is a slog.Handler by which a stop that was asked for logs no error: the
// end of the lease is a part of it then.
type stopping struct {
	slog.Handler
	// stopped is done once the process was told to stop.
	stopped context.Context
}

// Handle implements slog.Handler.
func (s *stopping) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError && s.stopped.Err() != nil && lostLeadership(r) {
		released := slog.NewRecord(r.Time, slog.LevelInfo, "the lease is given back", r.PC)
		return s.Handler.Handle(ctx, released)
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s *stopping) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &stopping{s.Handler.WithAttrs(attrs), s.stopped}
}

// WithGroup implements slog.Handler.
func (s *stopping) WithGroup(name string) slog.Handler {
	return &stopping{s.Handler.WithGroup(name), s.stopped}
}

// lostLeadership says whether a line tells of the end of the lease.
func lostLeadership(r slog.Record) bool {
	found := false
	r.Attrs(func(a slog.Attr) bool {
		err, is := a.Value.Any().(error)
		found = is && err.Error() == leadershipLost
		return !found
	})
	return found
}
