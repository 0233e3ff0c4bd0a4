package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// noteMissing names what was asked for and is not there, while it can still be
// recorded again: what queries read, and what a replay knows the replicas by.
func (a *app) noteMissing(ctx context.Context, dir string, plan recording.Plan) error {
	temporary, err := os.MkdirTemp("", "karpenter-record-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	r, err := recording.Open(ctx, recording.Spec{Path: dir}, func() (string, error) { return temporary, nil })
	if err != nil {
		return err
	}
	defer r.Close()
	var read []string
	for _, query := range plan.Queries {
		selectors, err := recording.Selectors(query)
		if err != nil {
			return err
		}
		for _, s := range selectors {
			read = append(read, s.Text())
		}
		short, err := sim.ShortRanges(query, r)
		if err != nil {
			return err
		}
		for _, line := range short {
			a.note("warning: %s", line)
		}
	}
	var queried, other []string
	for _, s := range plan.Selectors {
		series, err := r.Series([][]*labels.Matcher{s.Matchers})
		if err != nil {
			return err
		}
		list := &other
		if slices.Contains(read, s.Text()) {
			list = &queried
		}
		if len(series) == 0 && !slices.Contains(*list, s.Text()) {
			*list = append(*list, s.Text())
		}
	}
	if len(queried) > 0 {
		a.note("no series of %s: the queries that read it cannot be replayed", strings.Join(queried, ", "))
	}
	if len(other) > 0 {
		a.note("no series of %s", strings.Join(other, ", "))
	}
	return nil
}
