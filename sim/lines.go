package sim

import (
	"encoding/binary"
	"math"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Lines keep the decisions of a run, and what came of them, in memory: what a
// journal would give whoever reads it once, without the cost of writing and reading
// it. They have no digests and no states, so that nothing can be verified by them. A
// record of one metric takes about 60 bytes.
type Lines struct {
	packed
	// most is how many bytes are kept, 0 for any number; beyond it nothing is, and full
	// says so.
	most int
	full bool
	size int
	// blocks are the lines one after another, none divided.
	blocks [][]byte
	// policies are the digests of the last policies, whose body stands in the first
	// record of each, as in a journal.
	policies map[journal.Object]string
}

// blockSize is how many bytes of lines stand together.
const blockSize = 1 << 18

// Record implements cycle.Journal.
func (l *Lines) Record(r *journal.Record) {
	if l.full {
		return
	}
	body := r.PolicyBody
	if l.policies == nil {
		l.policies = map[journal.Object]string{}
	}
	if l.policies[r.Object] == r.Policy {
		body = ""
	}
	l.policies[r.Object] = r.Policy
	l.open()
	l.appendRecord(r, body)
	l.close()
}

// Outcome implements cycle.Journal; of those, a simulation keeps what went wrong.
func (l *Lines) Outcome(o *journal.Outcome) {
	if o.Result == applied || l.full {
		return
	}
	l.open()
	l.appendOutcome(o)
	l.close()
}

// open has the next line written behind the last one, or into a block of its own.
func (l *Lines) open() {
	if n := len(l.blocks); n == 0 || len(l.blocks[n-1]) > blockSize*3/4 {
		l.blocks = append(l.blocks, make([]byte, 0, blockSize))
	}
	l.b = l.blocks[len(l.blocks)-1]
}

// close takes over the line that was written.
func (l *Lines) close() {
	last := &l.blocks[len(l.blocks)-1]
	l.size += len(l.b) - len(*last)
	*last = l.b
	if l.most > 0 && l.size > l.most {
		l.full, l.blocks, l.size = true, nil, 0
	}
}

// Each yields the lines in order, and stops at the first error.
func (l *Lines) Each(yield func(*journal.Line) error) error {
	for _, block := range l.blocks {
		r := unpacker{b: block, texts: l.texts}
		for len(r.b) > 0 {
			if err := yield(r.line()); err != nil {
				return err
			}
		}
	}
	return nil
}

// A packed writes lines as numbers; texts are numbered as they come.
type packed struct {
	b      []byte
	texts  []string
	number map[string]uint64
}

func (p *packed) text(s string) {
	n, ok := p.number[s]
	if !ok {
		if p.number == nil {
			p.number = map[string]uint64{}
		}
		n = uint64(len(p.texts))
		p.number[s] = n
		p.texts = append(p.texts, s)
	}
	p.b = binary.AppendUvarint(p.b, n)
}

func (p *packed) int(v int64) { p.b = binary.AppendVarint(p.b, v) }

func (p *packed) float(v float64) { p.b = binary.LittleEndian.AppendUint64(p.b, math.Float64bits(v)) }

// flags writes up to eight truths.
func (p *packed) flags(list ...bool) {
	bits := byte(0)
	for i, yes := range list {
		if yes {
			bits |= 1 << i
		}
	}
	p.b = append(p.b, bits)
}

func (p *packed) object(o journal.Object) {
	p.text(o.Kind)
	p.text(o.Namespace)
	p.text(o.Name)
}

func (p *packed) appendOutcome(o *journal.Outcome) {
	p.flags(true)
	p.object(o.Object)
	p.int(int64(o.Slot))
	p.text(o.Result)
	p.int(o.At)
	p.int(o.Lateness)
}

func (p *packed) appendRecord(r *journal.Record, body string) {
	paused, limited := r.Paused != (autoscaler.Pause{}), r.LimitedBy != (behavior.Limit{})
	p.flags(false, r.Recommending, r.Known, r.DryRun, paused, limited, r.Scale.Counted, r.Command != nil)
	p.object(r.Object)
	p.int(r.Generation)
	p.int(int64(r.Slot))
	p.text(r.Policy)
	p.text(body)
	for _, n := range []int32{r.Scale.Spec, r.Scale.Status, r.Scale.Ready, r.Scale.Fewer, r.Scale.More, r.Recommended, r.Stabilized, r.Limited, r.Desired} {
		p.int(int64(n))
	}
	p.text(string(r.Scale.Code))
	p.text(string(r.Reason))
	p.int(r.Missed)
	if paused {
		p.flags(r.Paused.Down, r.Paused.Up, r.Paused.Fixed, r.Paused.Unreadable)
		p.int(int64(r.Paused.Replicas))
		p.int(int64(r.Paused.Until))
	}
	if limited {
		p.text(string(r.LimitedBy.Stage))
		p.text(string(r.LimitedBy.Direction))
		p.int(int64(r.LimitedBy.Policy))
		p.int(int64(r.LimitedBy.Used))
		p.int(int64(r.LimitedBy.Left))
		p.int(int64(r.LimitedBy.Until))
	}
	if r.Command != nil {
		p.int(int64(*r.Command))
	}
	p.int(int64(len(r.Metrics)))
	for i := range r.Metrics {
		m := &r.Metrics[i]
		p.flags(m.Fallback)
		p.text(m.Source)
		p.text(m.Query)
		p.int(int64(m.At))
		value := m.Value
		if math.IsNaN(value) || math.IsInf(value, 0) {
			value = 0 // a journal has no number for it, only the code
		}
		p.float(value)
		p.text(string(m.Code))
		p.int(int64(m.Recommendation))
	}
	for _, fields := range [][]journal.Field{r.Observed, r.Value} {
		if fields == nil {
			p.int(-1)
			continue
		}
		p.int(int64(len(fields)))
		for _, f := range fields {
			p.text(f.Name)
			p.float(f.Value)
			p.text(string(f.Code))
		}
	}
}

// An unpacker reads what packed wrote.
type unpacker struct {
	b     []byte
	texts []string
}

func (u *unpacker) text() string {
	n, size := binary.Uvarint(u.b)
	u.b = u.b[size:]
	return u.texts[n]
}

func (u *unpacker) int() int64 {
	v, size := binary.Varint(u.b)
	u.b = u.b[size:]
	return v
}

func (u *unpacker) float() float64 {
	v := math.Float64frombits(binary.LittleEndian.Uint64(u.b))
	u.b = u.b[8:]
	return v
}

// flags reads truths; the function tells each by its place.
func (u *unpacker) flags() func(i int) bool {
	bits := u.b[0]
	u.b = u.b[1:]
	return func(i int) bool { return bits&(1<<i) != 0 }
}

func (u *unpacker) object() journal.Object {
	return journal.Object{Kind: u.text(), Namespace: u.text(), Name: u.text()}
}

// line reads the next line.
func (u *unpacker) line() *journal.Line {
	flag := u.flags()
	if flag(0) {
		return &journal.Line{Outcome: &journal.Outcome{
			Object: u.object(), Slot: slot.Slot(u.int()), Result: u.text(), At: u.int(), Lateness: u.int(),
		}}
	}
	r := &journal.Record{Recommending: flag(1), Known: flag(2), DryRun: flag(3), Object: u.object()}
	r.Generation, r.Slot = u.int(), slot.Slot(u.int())
	r.Policy, r.PolicyBody = u.text(), u.text()
	r.Scale.Counted = flag(6)
	for _, n := range []*int32{&r.Scale.Spec, &r.Scale.Status, &r.Scale.Ready, &r.Scale.Fewer, &r.Scale.More, &r.Recommended, &r.Stabilized, &r.Limited, &r.Desired} {
		*n = int32(u.int())
	}
	r.Scale.Code, r.Reason = observation.Code(u.text()), autoscaler.Reason(u.text())
	r.Missed = u.int()
	if flag(4) {
		pause := u.flags()
		r.Paused = autoscaler.Pause{Down: pause(0), Up: pause(1), Fixed: pause(2), Unreadable: pause(3), Replicas: int32(u.int()), Until: slot.Slot(u.int())}
	}
	if flag(5) {
		r.LimitedBy = behavior.Limit{
			Stage: behavior.Stage(u.text()), Direction: behavior.Direction(u.text()), Policy: int(u.int()),
			Used: int32(u.int()), Left: int32(u.int()), Until: slot.Slot(u.int()),
		}
	}
	if flag(7) {
		command := int32(u.int())
		r.Command = &command
	}
	r.Metrics = u.metrics()
	r.Observed, r.Value = u.fields(), u.fields()
	return &journal.Line{Record: r}
}

func (u *unpacker) metrics() []journal.Metric {
	n := u.int()
	if n == 0 {
		return nil
	}
	list := make([]journal.Metric, n)
	for i := range list {
		list[i] = journal.Metric{
			Fallback: u.flags()(0), Source: u.text(), Query: u.text(), At: slot.Slot(u.int()), Value: u.float(),
			Code: observation.Code(u.text()), Recommendation: int32(u.int()),
		}
	}
	return list
}

func (u *unpacker) fields() []journal.Field {
	n := u.int()
	if n < 0 {
		return nil
	}
	list := make([]journal.Field, n)
	for i := range list {
		list[i] = journal.Field{Name: u.text(), Value: u.float(), Code: observation.Code(u.text())}
	}
	return list
}
