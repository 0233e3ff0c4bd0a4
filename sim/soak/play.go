package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim"
)

// A Run is the outcome of playing a case.
type Run struct {
	// Journal and Series are what the run wrote, Digest its golden digest.
	Journal, Series []byte
	Digest          string
	// Steps are the decisions of the journal with their policies.
	Steps []*journal.Step
	// Retried are the slots that were decided, but not at the first attempt.
	Retried []Retry
}

// Play plays a case; backwards hands over its autoscalers in the opposite order.
func Play(ctx context.Context, c *Case, backwards bool) (*Run, error) {
	text, err := c.Text()
	if err != nil {
		return nil, &invalid{err}
	}
	file, err := load(c.Scenario.Metadata.Name+".yaml", text)
	if err != nil {
		return nil, &invalid{err}
	}
	in, err := sim.Open(ctx, file)
	if err != nil {
		return nil, &invalid{err}
	}
	defer in.Close()
	autoscalers, err := sim.Resolve(file.Manifests, "", file.Spec.Prometheus.EnableFeatures...)
	if err != nil {
		return nil, &invalid{err}
	}
	if backwards {
		slices.Reverse(autoscalers)
	}
	var decisions, series bytes.Buffer
	var retries retries
	result, err := in.Play(ctx, autoscalers, sim.Options{Journal: &decisions, Series: &series, Wakes: retries.note})
	if err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	run := &Run{Journal: decisions.Bytes(), Series: series.Bytes(), Digest: result.Digest}
	if err := run.read(); err != nil {
		return nil, err
	}
	run.Retried = retries.decided(run.Steps)
	return run, nil
}

// read takes the steps out of the journal.
func (r *Run) read() error {
	r.Steps = nil
	return journal.Walk(bytes.NewReader(r.Journal), "decisions.jsonl", func(s *journal.Step) error {
		r.Steps = append(r.Steps, s)
		return nil
	})
}

// invalid is the error of a case that no scenario file can say.
type invalid struct{ error }

func (i *invalid) Unwrap() error { return i.error }

func isInvalid(err error) bool {
	var i *invalid
	return errors.As(err, &i)
}
