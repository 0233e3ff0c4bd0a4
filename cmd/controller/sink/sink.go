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

// A Sink is a cycle.Journal. Its methods may be called concurrently. What comes
// after Close is dropped: a leader that lost its lease does not wait for what it
// has begun.
type Sink struct {
	options Options
	entries chan entry
	closing chan struct{}
	closed  sync.WaitGroup
	files   *files
	stdout  *stream
	metrics *metrics
	// repeated is when stdout was last given what a file begins with.
	repeated time.Time

	// dropped are the objects whose last record was.
	mu      sync.Mutex
	dropped map[journal.Object]bool
}

var _ cycle.Journal = (*Sink)(nil)

// An entry owns what it points to; one of the two is set.
type entry struct {
	record  *journal.Record
	outcome *journal.Outcome
	// behind says that records of this object before this one were dropped.
	behind bool
}

// New opens the sink. It fails where the directory cannot be used.
func New(o Options) (*Sink, error) {
	s := &Sink{options: o, entries: make(chan entry, o.Queue), closing: make(chan struct{}), dropped: map[journal.Object]bool{}}
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
		s.stdout, s.repeated = newStream(o.Stdout), o.Clock.Now()
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
	// One object's records come one after the other.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.put(entry{record: &kept, behind: s.dropped[r.Object]}) {
		delete(s.dropped, r.Object)
	} else {
		s.dropped[r.Object] = true
	}
}

// Outcome implements cycle.Journal.
func (s *Sink) Outcome(o *journal.Outcome) {
	kept := *o
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(entry{outcome: &kept})
}

// put never waits. It says whether there was room. mu is held, so that what Close
// comes after is written.
func (s *Sink) put(e entry) bool {
	select {
	case <-s.closing:
		s.metrics.dropped.Inc()
		return false
	default:
	}
	select {
	case s.entries <- e:
		return true
	default:
		s.metrics.dropped.Inc()
		return false
	}
}

// Close writes what is waiting and closes the file.
func (s *Sink) Close() {
	s.mu.Lock()
	close(s.closing)
	s.mu.Unlock()
	s.closed.Wait()
}

// run is the only writer.
func (s *Sink) run() {
	defer s.closed.Done()
	for e, open := s.next(); open; e, open = s.next() {
		s.write(e, len(s.entries) == 0)
	}
	if s.files != nil {
		s.files.close()
	}
}

func (s *Sink) write(e entry, idle bool) {
	if s.files != nil {
		s.files.write(e)
	}
	if s.stdout != nil {
		s.stdout.add(e)
	}
	s.flush(idle)
}

// next waits for an entry. There is none once the sink is closing and nothing
// waits any more.
func (s *Sink) next() (e entry, open bool) {
	select {
	case e = <-s.entries:
		return e, true
	case <-s.closing:
	}
	select {
	case e = <-s.entries:
		return e, true
	default:
		return entry{}, false
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
	if now := s.options.Clock.Now(); now.Sub(s.repeated) >= maxAge {
		// Logs are rotated by others, who do not say when.
		s.stdout.journal.Repeat()
		s.repeated = now
	}
	if _, lost, err := s.stdout.flush(); err != nil {
		s.metrics.dropped.Add(float64(lost))
	}
}

// A stream gathers lines for one writer.
type stream struct {
	out     io.Writer
	buffer  bytes.Buffer
	journal *journal.Writer
	// torn says that out has the beginning of the line that the buffer begins in.
	torn bool
}

func newStream(out io.Writer) *stream {
	s := &stream{out: out}
	s.journal = journal.NewWriter(&s.buffer)
	return s
}

// add encodes an entry. Nothing can fail before the flush.
func (s *stream) add(e entry) {
	if e.record != nil {
		if e.behind {
			s.journal.Lose(e.record.Object)
		}
		_ = s.journal.Record(e.record)
		return
	}
	_ = s.journal.Outcome(e.outcome)
}

// flush writes the gathered lines in one piece. It returns how many bytes were
// written and, where that failed, how many lines are lost. Of a line that was
// written in part the rest is kept, so that the next begins where a line does.
func (s *stream) flush() (written int64, lost int, err error) {
	gathered := s.buffer.Bytes()
	n, err := s.out.Write(gathered)
	if err == nil {
		s.buffer.Reset()
		s.torn = false
		return int64(n), 0, nil
	}
	if n > 0 {
		s.torn = gathered[n-1] != '\n'
	}
	keep := 0
	if s.torn {
		keep = bytes.IndexByte(gathered[n:], '\n') + 1
	}
	lost = bytes.Count(gathered[n+keep:], []byte("\n"))
	s.buffer.Next(n)
	s.buffer.Truncate(keep)
	s.journal = journal.NewWriter(&s.buffer)
	return int64(n), lost, err
}
