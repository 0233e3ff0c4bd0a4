package sink

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// flushBytes is how much is gathered while there is more to encode.
const flushBytes = 1 << 16

// Options say where the journal goes.
type Options struct {
	// Directory takes the files; empty for none.
	Directory string
	// Identity tells this process's files from those of others in the same
	// directory. It must be the same after a restart.
	Identity string
	// MaxBytes is how much the directory may hold; the oldest files make room.
	MaxBytes int64
	// Retention is how long a file is kept.
	Retention time.Duration
	// Stdout takes all lines as well, unless it is nil.
	Stdout io.Writer
	// Queue is how many lines may wait to be written.
	Queue int
	Clock clock.PassiveClock
	Log   logr.Logger
	// Registry takes the sink's metrics.
	Registry prometheus.Registerer
}

// A Sink is a cycle.Journal. Its methods may be called concurrently, none after
// Close.
type Sink struct {
	options Options
	entries chan entry
	closed  sync.WaitGroup
	files   *files
	stdout  *stream
	metrics *metrics
}

var _ cycle.Journal = (*Sink)(nil)

// An entry owns what it points to; one of the two is set.
type entry struct {
	record  *journal.Record
	outcome *journal.Outcome
}

// New opens the sink. It fails where the directory cannot be used.
func New(o Options) (*Sink, error) {
	s := &Sink{options: o, entries: make(chan entry, o.Queue)}
	var err error
	if s.metrics, err = newMetrics(o.Registry); err != nil {
		return nil, err
	}
	if o.Directory != "" {
		if s.files, err = openFiles(o, s.metrics); err != nil {
			return nil, fmt.Errorf("journal directory: %w", err)
		}
	}
	if o.Stdout != nil {
		s.stdout = newStream(o.Stdout)
	}
	s.closed.Add(1)
	go s.run()
	return s, nil
}

// Record implements cycle.Journal.
func (s *Sink) Record(r *journal.Record) {
	kept := *r
	kept.Metrics = append([]journal.Metric(nil), r.Metrics...)
	kept.Observed = append([]journal.Field(nil), r.Observed...)
	if r.Value != nil {
		kept.Value = append([]journal.Field{}, r.Value...)
	}
	if r.Command != nil {
		command := *r.Command
		kept.Command = &command
	}
	s.put(entry{record: &kept})
}

// Outcome implements cycle.Journal.
func (s *Sink) Outcome(o *journal.Outcome) {
	kept := *o
	s.put(entry{outcome: &kept})
}

func (s *Sink) put(e entry) {
	select {
	case s.entries <- e:
	default:
		s.metrics.dropped.Inc()
	}
}

// Close writes what is waiting and closes the file.
func (s *Sink) Close() {
	close(s.entries)
	s.closed.Wait()
}

// run is the only writer.
func (s *Sink) run() {
	defer s.closed.Done()
	for e := range s.entries {
		if s.files != nil {
			s.files.write(e)
		}
		if s.stdout != nil {
			s.stdout.add(e)
		}
		s.flush(len(s.entries) == 0)
	}
	if s.files != nil {
		s.files.close()
	}
}

// flush writes what has been gathered, if that is much or nothing else waits.
func (s *Sink) flush(idle bool) {
	if s.files != nil {
		s.files.flush(idle)
	}
	if s.stdout == nil || !idle && s.stdout.buffer.Len() < flushBytes {
		return
	}
	lines := s.stdout.lines
	if _, err := s.stdout.flush(); err != nil {
		s.metrics.dropped.Add(float64(lines))
	}
}

// A stream gathers lines for one writer.
type stream struct {
	out     io.Writer
	buffer  bytes.Buffer
	journal *journal.Writer
	// lines is how many are in the buffer.
	lines int
}

func newStream(out io.Writer) *stream {
	s := &stream{out: out}
	s.journal = journal.NewWriter(&s.buffer)
	return s
}

// add encodes an entry. Nothing can fail before the flush.
func (s *stream) add(e entry) {
	s.lines++
	if e.record != nil {
		_ = s.journal.Record(e.record)
		return
	}
	_ = s.journal.Outcome(e.outcome)
}

// flush writes the gathered lines in one piece and returns their size. They are
// lost where that fails.
func (s *stream) flush() (int64, error) {
	s.lines = 0
	return s.buffer.WriteTo(s.out)
}
