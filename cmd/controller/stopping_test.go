package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
)

// TestStopping holds that a stop that was asked for logs no error about the lease,
// and that everything else stays the error that it is.
func TestStopping(t *testing.T) {
	const message = "error received after stop sequence was engaged"
	for _, c := range []struct {
		reason, err string
		stopped     bool
		want        string
	}{
		{"a deliberate stop gives the lease back", leadershipLost, true, `"level":"INFO","msg":"the lease is given back"`},
		{"a lease that is lost is an error", leadershipLost, false, `"level":"ERROR","msg":"` + message},
		{"so is what else goes wrong during a stop", "disk full", true, `"level":"ERROR","msg":"` + message},
	} {
		ctx, stop := context.WithCancel(context.Background())
		if c.stopped {
			stop()
		}
		var out bytes.Buffer
		log := logr.FromSlogHandler(&stopping{Handler: slog.NewJSONHandler(&out, nil), stopped: ctx})
		log.WithName("manager").Error(errors.New(c.err), message)
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: got %s, want %s", c.reason, out.String(), c.want)
		}
		stop()
	}
}
