package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Line is one line of a journal: either a record or an outcome.
type Line struct {
	Number  int
	Text    []byte // without the newline
	Record  *Record
	Outcome *Outcome
}

// A LineError says which line of which journal is wrong.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap is the error without its place.
func (e *LineError) Unwrap() error { return e.Err }

// A Reader reads a journal line by line.
type Reader struct {
	lines *bufio.Reader
	name  string
	line  int
	torn  bool
	last  map[Object]slot.Slot
}

// NewReader reads the journal r, which errors call name. Compressed journals
// must be decompressed by the caller.
func NewReader(r io.Reader, name string) *Reader {
	return &Reader{lines: bufio.NewReaderSize(r, 1<<16), name: name, last: map[Object]slot.Slot{}}
}

// Torn says whether the last line was cut off, as a killed writer leaves it.
func (r *Reader) Torn() bool { return r.torn }

// Next returns the next line, io.EOF at the end, a *LineError where the line is
// wrong or its record does not come after those of the same object, or the error
// of the underlying reader with its place. A last line without its end is torn: it
// is passed over, and Torn reports it.
func (r *Reader) Next() (*Line, error) {
	text, err := r.read()
	r.line++
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%s:%d: %w", r.name, r.line, err)
	}
	if err != nil {
		// A writer ends every line, so what has no end was cut off; so was a
		// compressed stream without its trailer.
		r.torn = len(text) > 0 || errors.Is(err, io.ErrUnexpectedEOF)
		return nil, io.EOF
	}
	line := &Line{Number: r.line, Text: bytes.TrimSuffix(text, []byte("\n"))}
	if line.Record, line.Outcome, err = decode(line.Text); err == nil && line.Record != nil {
		err = r.follow(line.Record)
	}
	if err != nil {
		return nil, &LineError{r.name, r.line, err}
	}
	return line, nil
}

// read is ReadBytes('\n') for lines that a writer of records can have written.
func (r *Reader) read() ([]byte, error) {
	var text []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		text = append(text, part...)
		if err != bufio.ErrBufferFull {
			return text, err
		}
		if len(text) > limit.JournalLine {
			return nil, fmt.Errorf("a line longer than %d MiB; this is no decision journal", limit.JournalLine>>20)
		}
	}
}

// follow notes the slot of a record, which must be later than the one before.
func (r *Reader) follow(record *Record) error {
	last, found := r.last[record.Object]
	if found && record.Slot <= last {
		return fmt.Errorf("slot %s follows slot %s of the same object: lines are out of order, or stand twice", record.Slot, last)
	}
	r.last[record.Object] = record.Slot
	return nil
}

// wire mirrors the keys of a line.
type wire struct {
	V          int             `json:"v"`
	Kind       string          `json:"kind"`
	Namespace  string          `json:"namespace"`
	Name       string          `json:"name"`
	Generation int64           `json:"generation"`
	Slot       time.Time       `json:"slot"`
	Policy     string          `json:"policy"`
	PolicyBody json.RawMessage `json:"policyBody"`
	Scale      *struct {
		Spec   int32            `json:"spec"`
		Status int32            `json:"status"`
		Ready  *int32           `json:"ready"`
		Least  *int32           `json:"readyLeast"`
		Most   *int32           `json:"readyMost"`
		Error  observation.Code `json:"error"`
	} `json:"scale"`
	Metrics []struct {
		Query          string           `json:"query"`
		Source         string           `json:"source"`
		At             time.Time        `json:"at"`
		Value          float64          `json:"value"`
		Error          observation.Code `json:"error"`
		Fallback       bool             `json:"fallback"`
		Recommendation int32            `json:"recommendation"`
	} `json:"metrics"`
	Recommended *int32            `json:"recommended"`
	Stabilized  int32             `json:"stabilized"`
	Limited     int32             `json:"limited"`
	Desired     *int32            `json:"desired"`
	Observed    json.RawMessage   `json:"observed"`
	Command     *int32            `json:"command"`
	Value       json.RawMessage   `json:"value"`
	Reason      autoscaler.Reason `json:"reason"`
	LimitedBy   *struct {
		Stage     behavior.Stage     `json:"stage"`
		Direction behavior.Direction `json:"direction"`
		Policy    *int               `json:"policy"`
		Used      int32              `json:"used"`
		Left      int32              `json:"left"`
		Until     *time.Time         `json:"until"`
	} `json:"limitedBy"`
	DryRun bool `json:"dryRun"`
	Paused *struct {
		ScaleIn    bool       `json:"scaleIn"`
		ScaleOut   bool       `json:"scaleOut"`
		Unreadable bool       `json:"unreadable"`
		Replicas   *int32     `json:"replicas"`
		Until      *time.Time `json:"until"`
	} `json:"paused"`
	Prev      string  `json:"prev"`
	State     string  `json:"state"`
	StateBody *string `json:"stateBody"`
	Missed    int64   `json:"missed"`
	Chain     string  `json:"chain"`
	Digest    string  `json:"digest"`
	// Of outcomes.
	Of       string    `json:"of"`
	Result   string    `json:"result"`
	At       time.Time `json:"at"`
	Lateness int64     `json:"latenessMilliseconds"`
}

// decode reads one line and checks its digest.
func decode(text []byte) (*Record, *Outcome, error) {
	var w wire
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return nil, nil, fmt.Errorf("no decision record: %w", err)
	}
	if d.More() {
		return nil, nil, errors.New("no decision record: something follows the object")
	}
	if w.V != Version {
		return nil, nil, fmt.Errorf("schema version %d: this program reads version %d", w.V, Version)
	}
	if w.Kind == OutcomeKind {
		o := &Outcome{Object: Object{w.Of, w.Namespace, w.Name}, Slot: slot.At(w.Slot), Result: w.Result, Lateness: w.Lateness}
		if !w.At.IsZero() {
			o.At = w.At.UnixMilli()
		}
		return nil, o, nil
	}
	if err := checkDigest(text, w.Digest); err != nil {
		return nil, nil, err
	}
	r, err := w.record()
	return r, nil, err
}

// checkDigest recomputes the digest of a line from the line without it.
func checkDigest(text []byte, digest string) error {
	if bytes.HasSuffix(text, []byte("\r")) {
		return errors.New("the line ends in CR LF, a journal's in LF: something converted the file")
	}
	tail := []byte(`,"digest":"` + digest + `"}`)
	if digest == "" || !bytes.HasSuffix(text, tail) {
		return errors.New("no digest at the end of the line")
	}
	body := append(bytes.Clone(text[:len(text)-len(tail)]), '}')
	sum := sha256.Sum256(body)
	if got := hex.EncodeToString(sum[:]); got != digest {
		n := 12
		if len(digest) > n && digest[:n] == got[:n] {
			n = len(got) // they differ further on
		}
		return fmt.Errorf("the line was changed: its digest says %s, its bytes give %s", digest[:min(n, len(digest))], got[:n])
	}
	return nil
}

func (w *wire) record() (*Record, error) {
	r := &Record{
		Object: Object{w.Kind, w.Namespace, w.Name}, Generation: w.Generation, Slot: slot.At(w.Slot),
		Policy: w.Policy, PolicyBody: string(w.PolicyBody), Reason: w.Reason, DryRun: w.DryRun, Command: w.Command,
		Prev: w.Prev, State: w.State, Missed: w.Missed, Chain: w.Chain, Digest: w.Digest,
	}
	if w.StateBody != nil {
		r.Bodies, r.StateBody = true, *w.StateBody
	}
	if p := w.Paused; p != nil {
		r.Paused = autoscaler.Pause{Down: p.ScaleIn, Up: p.ScaleOut, Unreadable: p.Unreadable}
		if p.Replicas != nil {
			r.Paused.Fixed, r.Paused.Replicas = true, *p.Replicas
		}
		if p.Until != nil {
			r.Paused.Until = slot.At(*p.Until)
		}
	}
	switch w.Kind {
	case HorizontalAutoscaler:
		w.decision(r)
		return r, nil
	case ScalableNodeGroup, MetricsProducer:
		var err error
		if r.Observed, err = decodeFields(w.Observed); err != nil {
			return nil, fmt.Errorf("observed: %w", err)
		}
		if w.Value != nil {
			if r.Value, err = decodeFields(w.Value); err != nil {
				return nil, fmt.Errorf("value: %w", err)
			}
		}
		return r, nil
	}
	return nil, fmt.Errorf("unknown kind %q", w.Kind)
}

func (w *wire) decision(r *Record) {
	if w.Scale != nil {
		r.Scale = autoscaler.Scale{Spec: w.Scale.Spec, Status: w.Scale.Status, Code: w.Scale.Error}
		if w.Scale.Ready != nil {
			r.Scale.Ready, r.Scale.Counted = *w.Scale.Ready, true
			if w.Scale.Least != nil {
				r.Scale.Fewer = max(0, r.Scale.Ready-*w.Scale.Least)
			}
			if w.Scale.Most != nil {
				r.Scale.More = max(0, *w.Scale.Most-r.Scale.Ready)
			}
		}
	}
	for _, m := range w.Metrics {
		r.Metrics = append(r.Metrics, Metric{Source: m.Source, Query: m.Query, At: slot.At(m.At), Value: m.Value, Code: m.Error, Recommendation: m.Recommendation, Fallback: m.Fallback})
	}
	if w.Recommended != nil {
		r.Recommending, r.Recommended = true, *w.Recommended
	}
	if w.Desired != nil {
		r.Known, r.Stabilized, r.Limited, r.Desired = true, w.Stabilized, w.Limited, *w.Desired
	}
	if l := w.LimitedBy; l != nil {
		r.LimitedBy = behavior.Limit{Stage: l.Stage, Direction: l.Direction, Policy: -1, Used: l.Used, Left: l.Left}
		if l.Policy != nil {
			r.LimitedBy.Policy = *l.Policy
		}
		if l.Until != nil {
			r.LimitedBy.Until = slot.At(*l.Until)
		}
	}
}

// decodeFields keeps the order in which the names stand.
func decodeFields(text []byte) ([]Field, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.New("want an object of numbers")
	}
	fields := []Field{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := d.Token()
		if err != nil {
			return nil, err
		}
		f := Field{Name: name.(string)}
		switch v := value.(type) {
		case float64:
			f.Value = v
		case string:
			f.Code = observation.Code(v)
		default:
			return nil, fmt.Errorf("%s: want a number or a code", f.Name)
		}
		fields = append(fields, f)
	}
	return fields, nil
}
