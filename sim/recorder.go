package sim

import (
	"bufio"
	"io"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// batchSize is how many records travel together from the driver to the encoder.
const batchSize = 256

// A recorder is a cycle.Journal that encodes on a goroutine of its own, in the
// order in which it was told.
type recorder struct {
	current *batch
	full    chan *batch
	free    chan *batch
	done    chan error
	// observe is called with each record, on the encoder's goroutine.
	observe func(*journal.Record)
	out     *bufio.Writer
	writer  *journal.Writer
	golden  *journal.GoldenDigest
	// closed says that the encoder has ended, err how.
	closed bool
	err    error
}

// A batch owns its records and what they point to.
type batch struct {
	entries []entry
	metrics []journal.Metric
}

type entry struct {
	record  journal.Record
	outcome *journal.Outcome
}

func newRecorder(w io.Writer, observe func(*journal.Record)) *recorder {
	r := &recorder{
		current: &batch{},
		full:    make(chan *batch, 4),
		free:    make(chan *batch, 5),
		done:    make(chan error, 1),
		observe: observe,
		out:     bufio.NewWriterSize(w, 1<<16),
		golden:  journal.NewGoldenDigest(),
	}
	r.writer = journal.NewWriter(r.out)
	go r.encode()
	return r
}

// Record implements cycle.Journal.
func (r *recorder) Record(record *journal.Record) {
	r.current.keep(record)
	r.flush()
}

// keep adds a record, which the driver uses again.
func (b *batch) keep(record *journal.Record) {
	b.entries = append(b.entries, entry{record: *record})
	kept := &b.entries[len(b.entries)-1].record
	start := len(b.metrics)
	b.metrics = append(b.metrics, record.Metrics...)
	kept.Metrics = b.metrics[start:len(b.metrics):len(b.metrics)]
	kept.Observed, kept.Value = slices.Clone(record.Observed), slices.Clone(record.Value)
}

// applied is the result of a change that went as it should.
const applied = "Applied"

// Outcome implements cycle.Journal. In a simulation only what went wrong is
// worth a line.
func (r *recorder) Outcome(outcome *journal.Outcome) {
	if outcome.Result == applied {
		return
	}
	r.current.entries = append(r.current.entries, entry{outcome: outcome})
	r.flush()
}

func (r *recorder) flush() {
	if len(r.current.entries) < batchSize {
		return
	}
	r.full <- r.current
	select {
	case r.current = <-r.free:
		r.current.entries, r.current.metrics = r.current.entries[:0], r.current.metrics[:0]
	default:
		r.current = &batch{}
	}
}

// encode writes batches until there are no more.
func (r *recorder) encode() {
	var failed error
	for b := range r.full {
		for i := range b.entries {
			if failed == nil {
				failed = r.write(&b.entries[i])
			}
		}
		select {
		case r.free <- b:
		default:
		}
	}
	if failed == nil {
		failed = r.out.Flush()
	}
	r.done <- failed
}

func (r *recorder) write(e *entry) error {
	if e.outcome != nil {
		return r.writer.Outcome(e.outcome)
	}
	if r.observe != nil {
		r.observe(&e.record)
	}
	r.golden.Add(&e.record)
	return r.writer.Record(&e.record)
}

// close waits until everything is written, and returns the golden digest.
func (r *recorder) close() (string, error) {
	if !r.closed {
		r.closed = true
		r.full <- r.current
		close(r.full)
		r.err = <-r.done
	}
	return r.golden.String(), r.err
}
