package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// ran says what ran before the slot of a record, and whether that is known.
// Records come in the order of their slots.
type ran func(r *journal.Record) (float64, bool, error)

// whatRan finds the source of what ran; closing releases it.
func (a *app) whatRan(ctx context.Context, o *indexedObject, flags *compareFlags) (source ran, closing func(), err error) {
	switch {
	case flags.with == "":
		return observedSpec, func() {}, nil
	case flags.recording != "":
		return recordedRan(ctx, flags)
	}
	source, err = serverRan(ctx, o, flags)
	return source, func() {}, err
}

func observedSpec(r *journal.Record) (float64, bool, error) {
	return float64(r.Scale.Spec), r.Scale.Code == observation.OK, nil
}

// recordedRan asks a recording.
func recordedRan(ctx context.Context, flags *compareFlags) (source ran, closing func(), err error) {
	selectors, err := recording.Selectors(flags.with)
	if err != nil {
		return nil, nil, fmt.Errorf("--with: %w", err)
	}
	dir, err := os.MkdirTemp("", "karpenter-compare-")
	if err != nil {
		return nil, nil, internal(err)
	}
	remove := func() { os.RemoveAll(dir) }
	rec, err := recording.Open(ctx, recording.Spec{Path: flags.recording}, func() (string, error) {
		converted := filepath.Join(dir, "converted")
		return converted, os.Mkdir(converted, 0o700)
	})
	if err != nil {
		remove()
		return nil, nil, err
	}
	prometheus := fake.NewPrometheus(fake.Options{Lookback: recording.Lookback(rec), Features: fake.EveryFeature})
	closing = func() {
		// Nothing was written through either of them.
		_ = prometheus.Close()
		_ = rec.Close()
		remove()
	}
	feed, err := rec.Feed(recording.Matchers(selectors), math.MinInt64, math.MaxInt64)
	if err != nil {
		closing()
		return nil, nil, err
	}
	prometheus.Attach(feed)
	if err := prometheus.Retain(flags.with); err != nil {
		closing()
		return nil, nil, fmt.Errorf("--with: %w", err)
	}
	return func(r *journal.Record) (float64, bool, error) {
		at := r.Slot.Time()
		if err := prometheus.Advance(at.UnixMilli()); err != nil {
			return 0, false, err
		}
		result, err := prometheus.Query(ctx, flags.with, at)
		switch {
		case err != nil:
			return 0, false, fmt.Errorf("--with: %w", err)
		case result.Samples > 1:
			return 0, false, fmt.Errorf("--with %s: %d samples at %s; want one, e.g. by sum(...)", flags.with, result.Samples, r.Slot)
		}
		return result.Value, result.Samples == 1 && !math.IsNaN(result.Value), nil
	}, closing, nil
}

// serverRan asks a server for all slots of the journals, a day of them at once.
func serverRan(ctx context.Context, o *indexedObject, flags *compareFlags) (ran, error) {
	client, err := flags.server.client()
	if err != nil {
		return nil, err
	}
	server, err := recording.NewQueryAPI(flags.server.address, client)
	if err != nil {
		return nil, err
	}
	step, err := spacing(o)
	if err != nil {
		return nil, err
	}
	values := map[slot.Slot]float64{}
	const most = 8640
	for first := o.first; first <= o.last; first += slot.Slot(most * step) {
		count := min(most, int64(o.last-first)/step+1)
		matrix, err := server.Evaluate(ctx, flags.with, int64(first)*1000, step*1000, count)
		if err != nil {
			return nil, fmt.Errorf("--with: %w", err)
		}
		if len(matrix) > 1 {
			return nil, fmt.Errorf("--with %s: %d series; want one, e.g. by sum(...)", flags.with, len(matrix))
		}
		for _, stream := range matrix {
			for _, pair := range stream.Values {
				values[slot.At(time.UnixMilli(int64(pair.Timestamp)))] = float64(pair.Value)
			}
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s: %s has no sample between %s and %s", server.Address(), flags.with, o.first, o.last)
	}
	return func(r *journal.Record) (float64, bool, error) {
		value, ok := values[r.Slot]
		return value, ok && !math.IsNaN(value), nil
	}, nil
}

// spacing is the widest step, in seconds, that reaches all slots of an object.
func spacing(o *indexedObject) (int64, error) {
	var step int64
	err := o.walk(func(_ *journalFile, s *journal.Step) error {
		step = divisor(step, int64(s.Record.Slot-o.first))
		return nil
	})
	if step == 0 {
		return 0, errors.Join(err, fmt.Errorf("%s: one decision only; nothing to compare", o))
	}
	return step, err
}
