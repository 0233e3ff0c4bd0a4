package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// walk visits the object's decisions in the order of their slots, whatever the
// order of the files.
func (o *indexedObject) walk(visit func(file *journalFile, step *journal.Step) error) error {
	parts := slices.Clone(o.parts)
	slices.SortStableFunc(parts, func(a, b *journalPart) int { return int(a.first - b.first) })
	for len(parts) > 0 {
		n, last := 1, parts[0].last
		for n < len(parts) && parts[n].first <= last {
			last = max(last, parts[n].last)
			n++
		}
		if err := o.merge(parts[:n], visit); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

// A head is the next decision of one file.
type head struct {
	part *journalPart
	step *journal.Step
	next func() (*journal.Step, error, bool)
}

// advance goes on to the file's next decision; step is nil at the end.
func (h *head) advance() error {
	step, err, ok := h.next()
	if !ok {
		step = nil
	}
	h.step = step
	return err
}

// merge visits the decisions of files whose times overlap, as those of two
// processes do that led in turn. One slot decided twice is not one history.
func (o *indexedObject) merge(parts []*journalPart, visit func(file *journalFile, step *journal.Step) error) error {
	heads := make([]*head, len(parts))
	for i, part := range parts {
		next, stop := iter.Pull2(o.steps(part))
		defer stop()
		heads[i] = &head{part: part, next: next}
		if err := heads[i].advance(); err != nil {
			return err
		}
	}
	for {
		var first *head
		for _, h := range heads {
			switch {
			case h.step == nil:
			case first == nil || h.step.Record.Slot < first.step.Record.Slot:
				first = h
			case h.step.Record.Slot == first.step.Record.Slot:
				return fmt.Errorf("%s and %s both have decisions of %s at %s; give the journals of one history",
					first.part.file.name, h.part.file.name, o, h.step.Record.Slot)
			}
		}
		if first == nil {
			return nil
		}
		if err := visit(first.part.file, first.step); err != nil {
			return err
		}
		if err := first.advance(); err != nil {
			return err
		}
	}
}

// errStopped ends the reading of a file whose rest nobody wants.
var errStopped = errors.New("stopped")

// steps are the object's decisions in one file.
func (o *indexedObject) steps(part *journalPart) iter.Seq2[*journal.Step, error] {
	return func(yield func(*journal.Step, error) bool) {
		err := part.file.read(func(r io.Reader) error {
			return journal.Walk(r, part.file.name, func(step *journal.Step) error {
				if step.Record.Object == o.Object && !yield(step, nil) {
					return errStopped
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}
