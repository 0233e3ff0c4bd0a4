package soak

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Options say what to look at.
type Options struct {
	// Seed is that of the first case; each further one has the next.
	Seed uint64
	Runs int
	// Play plays the cases; nil means Play.
	Play PlayFunc
	// Progress, if set, is told how many cases were checked. Calls may overlap.
	Progress func(checked int)
}

// A Finding is a case that breaks an invariant.
type Finding struct {
	// Seed is that of the case as it was drawn.
	Seed      uint64
	Invariant string
	// Err says what broke it; Case is as small as it could be made.
	Err  error
	Case *Case
}

// Error is the invariant and what broke it.
func (f *Finding) Error() string {
	return fmt.Sprintf("seed %d: %s: %v", f.Seed, f.Invariant, f.Err)
}

// Text is the scenario file, with what is wrong and how to see it again. path
// is where it will lie, from the repository's root.
func (f *Finding) Text(path string) ([]byte, error) {
	text, err := f.Case.Text()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Broken: %s.\n", f.Invariant)
	for line := range strings.Lines(f.Err.Error()) {
		fmt.Fprintf(&b, "#   %s\n", strings.TrimRight(line, "\n"))
	}
	fmt.Fprintf(&b, "# Repeat with: make soak FILE=%s (the case it was made from: make soak SEED=%d RUNS=1)\n", path, f.Seed)
	return append([]byte(b.String()), text...), nil
}

// Soak checks cases, as many at once as there are cores, and returns the
// finding of the lowest seed, already small, or nil.
func Soak(ctx context.Context, o Options) (*Finding, error) {
	if o.Play == nil {
		o.Play = Play
	}
	found := make([]*Finding, o.Runs)
	var checked atomic.Int64
	var stop atomic.Bool
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range o.Runs {
		if stop.Load() || running.Err() != nil {
			break
		}
		group.Go(func() error {
			seed := o.Seed + uint64(i)
			f, err := Check(running, Generate(seed), o.Play)
			if err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
			if found[i] = f; f != nil {
				stop.Store(true)
			}
			if n := checked.Add(1); o.Progress != nil {
				o.Progress(int(n))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, f := range found {
		if f != nil {
			return shrink(ctx, f, o.Play)
		}
	}
	return nil, ctx.Err()
}

// Check holds one case to all invariants and returns the first that is broken.
// An error means that the case could not be judged.
func Check(ctx context.Context, c *Case, play PlayFunc) (*Finding, error) {
	return check(ctx, c, play, Invariants)
}

func check(ctx context.Context, c *Case, play PlayFunc, invariants []Invariant) (*Finding, error) {
	run, err := play(ctx, c, false)
	if err == nil {
		for _, inv := range invariants {
			if err = inv.Check(ctx, c, run, play); err != nil {
				err = &broken{inv.Name, err}
				break
			}
		}
	}
	switch {
	case err == nil:
		return nil, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case isInvalid(err):
		return nil, fmt.Errorf("the case is no valid scenario: %w", err)
	}
	f := &Finding{Seed: c.Seed, Invariant: "a valid scenario can be played", Err: err, Case: c}
	var b *broken
	if errors.As(err, &b) {
		f.Invariant, f.Err = b.name, b.err
	}
	return f, nil
}

// broken is the error of an invariant.
type broken struct {
	name string
	err  error
}

func (b *broken) Error() string { return b.name + ": " + b.err.Error() }

// Unwrap returns what broke the invariant.
func (b *broken) Unwrap() error { return b.err }
