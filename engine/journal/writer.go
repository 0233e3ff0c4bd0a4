package journal

import "io"

// A Writer writes the records of one file. It seals and chains them, and
// decides which carry the bodies that make the file stand alone.
type Writer struct {
	w       io.Writer
	objects map[Object]*written
	buffer  []byte
}

// written is what the file already says of an object.
type written struct {
	chain, state, policy string
	generation           int64
}

// NewWriter writes a new journal file to w, one Write a record.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, objects: map[Object]*written{}}
}

// Record writes one record. PolicyBody and StateBody must be set in every
// record; they reach the file with the object's first record, on a change of
// generation or policy, and where the state before is not the one that the
// file's last record left behind (a restart, a lost line). An error of the
// underlying writer is returned as it is; the line must then be taken as lost.
func (w *Writer) Record(r *Record) error {
	o := w.objects[r.Object]
	if o == nil {
		o = &written{}
		w.objects[r.Object] = o
		r.Bodies = true
	} else {
		r.Bodies = o.generation != r.Generation || o.policy != r.Policy || o.state != r.Prev
	}
	r.Chain = o.chain
	w.buffer, r.Digest = Append(w.buffer[:0], r)
	if _, err := w.w.Write(w.buffer); err != nil {
		delete(w.objects, r.Object)
		return err
	}
	o.chain, o.state, o.policy, o.generation = r.Digest, r.State, r.Policy, r.Generation
	return nil
}

// Outcome writes what came of a decision.
func (w *Writer) Outcome(o *Outcome) error {
	w.buffer = AppendOutcome(w.buffer[:0], o)
	_, err := w.w.Write(w.buffer)
	return err
}
