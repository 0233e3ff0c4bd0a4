package journal

import "io"

// A Writer writes the records of one file. It seals and chains them, and
// decides which carry the bodies that make the file stand alone.
type Writer struct {
	w       io.Writer
	objects map[Object]*written
	buffer  []byte
}

// written holds what the file already says of an object.
type written struct {
	chain, state, policy string
	generation           int64
	repeat               bool // whether the next record carries the bodies again
	since                int  // records after the one that carried them last
}

// bodiesEvery is how many records of an object the bodies serve at most. Where a
// line is lost, verification resumes with the next ones.
const bodiesEvery = 256

// NewWriter writes a new journal file to w, one Write a record.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, objects: map[Object]*written{}}
}

// Record writes one record. PolicyBody and StateBody must be set in every
// record; they reach the file with the object's first record, every 256 records, on
// a change of generation or policy, and where the state before is not the one that
// the file's last record left behind (a restart, a lost line). An error of the
// underlying writer is returned as it is; the line must then be taken as lost.
func (w *Writer) Record(r *Record) error {
	o := w.objects[r.Object]
	if o == nil {
		o = &written{}
		w.objects[r.Object] = o
		r.Bodies = true
	} else {
		r.Bodies = o.repeat || o.since >= bodiesEvery-1 || o.generation != r.Generation || o.policy != r.Policy || o.state != r.Prev
	}
	r.Chain = o.chain
	w.buffer, r.Digest = Append(w.buffer[:0], r)
	if _, err := w.w.Write(w.buffer); err != nil {
		w.Lose(r.Object)
		return err
	}
	since := o.since + 1
	if r.Bodies {
		since = 0
	}
	*o = written{chain: r.Digest, state: r.State, policy: r.Policy, generation: r.Generation, since: since}
	return nil
}

// Lose says that a record of an object was lost before it came here. The next
// begins a new chain, which is how a reader sees the gap, and carries the bodies,
// from which it goes on.
func (w *Writer) Lose(o Object) { delete(w.objects, o) }

// Repeat has the next record of every object carry the bodies again, for readers
// of a stream without a beginning. The chains go on.
func (w *Writer) Repeat() {
	for _, o := range w.objects {
		o.repeat = true
	}
}

// Outcome writes what came of a decision.
func (w *Writer) Outcome(o *Outcome) error {
	w.buffer = AppendOutcome(w.buffer[:0], o)
	_, err := w.w.Write(w.buffer)
	return err
}
