package autoscaler

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// stateVersion opens the text form, so that a later form can be told apart.
const stateVersion = "1"

// AppendText appends the text form of the state, one line of seven fields:
//
//	1 10/3 300/60 1764000000 5:0-290,7:300 +4:300,-2:310 300:5>9
//
// the version, interval/phase, window/period, a base slot, the runs as
// value:first-last (the open one without last), the events as delta:slot, and
// the last command as slot:from>to. Slots are seconds after the base; "-" stands
// for nothing. Fields with a name follow where there is something to say:
// active=SINCE, or idle=LAST, the last slot that was active, of targets that may
// sleep, which alone stands in a state that was lost; and failed=KEY:SINCE,... of
// metrics that fail and have a fallback, KEY in hex. The text is at most 16 KiB, and
// under 2 KiB with default windows. The zero State is the empty text.
func (s *State) AppendText(b []byte) ([]byte, error) {
	if s.Grid.Interval == 0 {
		return b, nil
	}
	base := s.base()
	b = append(b, stateVersion+" "...)
	b = appendPair(b, int64(s.Grid.Interval), '/', int64(s.Grid.Phase))
	b = appendPair(append(b, ' '), int64(s.Window), '/', int64(s.Period))
	b = strconv.AppendInt(append(b, ' '), int64(base), 10)
	b = append(b, ' ')
	for i, run := range s.Runs {
		b = appendPair(separate(b, i), int64(run.Value), ':', int64(run.First-base))
		if i < len(s.Runs)-1 {
			b = strconv.AppendInt(append(b, '-'), int64(run.Last-base), 10)
		}
	}
	b = append(orNothing(b, len(s.Runs)), ' ')
	for i, event := range s.Events {
		b = separate(b, i)
		if event.Delta >= 0 {
			b = append(b, '+')
		}
		b = appendPair(b, int64(event.Delta), ':', int64(event.Slot-base))
	}
	b = append(orNothing(b, len(s.Events)), ' ')
	if s.Last == (Command{}) {
		b = append(b, '-')
	} else {
		b = appendPair(b, int64(s.Last.Slot-base), ':', int64(s.Last.From))
		b = strconv.AppendInt(append(b, '>'), int64(s.Last.To), 10)
	}
	switch {
	case s.Activity.On:
		b = strconv.AppendInt(append(b, " active="...), int64(s.Activity.Since-base), 10)
	case s.Activity != Activity{}:
		b = strconv.AppendInt(append(b, " idle="...), int64(s.Activity.Last-base), 10)
	}
	for i, failure := range s.Failures {
		if i == 0 {
			b = append(b, " failed="...)
		}
		b = strconv.AppendUint(separate(b, i), uint64(failure.Metric), 16)
		b = strconv.AppendInt(append(b, ':'), int64(failure.Since-base), 10)
	}
	return b, nil
}

// MarshalText is AppendText to a new slice.
func (s *State) MarshalText() ([]byte, error) { return s.AppendText(nil) }

func (s *State) base() slot.Slot {
	switch {
	case len(s.Runs) > 0:
		return s.Runs[0].First
	case len(s.Events) > 0:
		return s.Events[0].Slot
	}
	return s.Last.Slot
}

func appendPair(b []byte, x int64, between byte, y int64) []byte {
	b = strconv.AppendInt(b, x, 10)
	return strconv.AppendInt(append(b, between), y, 10)
}

func separate(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func orNothing(b []byte, n int) []byte {
	if n == 0 {
		return append(b, '-')
	}
	return b
}

// UnmarshalText reads the form that AppendText writes. An error says which
// field is wrong; the state is then unchanged.
func (s *State) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = State{}
		return nil
	}
	fields := strings.Split(string(text), " ")
	if len(fields) < 7 || fields[0] != stateVersion {
		return fmt.Errorf("state: want 7 fields of version %s, got %d of version %q", stateVersion, len(fields), fields[0])
	}
	var r State
	d := stateDecoder{}
	interval, phase := d.pair("grid", fields[1], "/")
	window, period := d.pair("horizons", fields[2], "/")
	r.Grid = slot.Grid{Interval: d.int32(interval), Phase: d.int32(phase)}
	r.Window, r.Period = d.int32(window), d.int32(period)
	base := slot.Slot(d.int("base", fields[3]))
	d.list(fields[4], func(item string, last bool) {
		span := item
		var end int64
		if !last {
			i := strings.LastIndexByte(item, '-')
			if i < 0 {
				d.fail("runs", item)
				return
			}
			span, end = item[:i], d.int("runs", item[i+1:])+int64(base)
		}
		value, first := d.pair("runs", span, ":")
		r.Runs = append(r.Runs, behavior.Run{Value: d.int32(value), First: base + slot.Slot(first), Last: slot.Slot(end)})
	})
	d.list(fields[5], func(item string, _ bool) {
		delta, at := d.pair("events", item, ":")
		r.Events = append(r.Events, behavior.Event{Slot: base + slot.Slot(at), Delta: d.int32(delta)})
	})
	if fields[6] != "-" {
		at, move, _ := strings.Cut(fields[6], ":")
		from, to := d.pair("last", move, ">")
		r.Last = Command{Slot: base + slot.Slot(d.int("last", at)), From: d.int32(from), To: d.int32(to)}
	}
	for _, field := range fields[7:] {
		d.named(&r, field, base)
	}
	if d.err == nil && (r.Grid.Interval < 1 || len(r.Runs) == 0 && r.Activity == Activity{}) {
		d.err = errors.New("state: a state has an interval, and a run or an activity")
	}
	if d.err != nil {
		return d.err
	}
	*s = r
	return nil
}

// stateDecoder keeps the first error, so that the decoding reads as the form does.
type stateDecoder struct{ err error }

func (d *stateDecoder) fail(field, text string) {
	if d.err == nil {
		d.err = fmt.Errorf("state: %s: cannot read %q", field, text)
	}
}

// named reads a field with a name, each of which may stand once.
func (d *stateDecoder) named(s *State, text string, base slot.Slot) {
	name, value, _ := strings.Cut(text, "=")
	switch {
	case name == "active" && s.Activity == Activity{}:
		s.Activity = Activity{On: true, Since: base + slot.Slot(d.int(name, value))}
	case name == "idle" && s.Activity == Activity{}:
		s.Activity = Activity{Last: base + slot.Slot(d.int(name, value))}
	case name == "failed" && s.Failures == nil:
		d.list(value, func(item string, _ bool) {
			key, since, _ := strings.Cut(item, ":")
			metric, err := strconv.ParseUint(key, 16, 32)
			if err != nil {
				d.fail(name, item)
			}
			s.Failures = append(s.Failures, Failure{uint32(metric), base + slot.Slot(d.int(name, since))})
		})
	default:
		d.fail("named field", text)
	}
}

func (d *stateDecoder) int(field, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		d.fail(field, text)
	}
	return n
}

func (d *stateDecoder) int32(n int64) int32 {
	if int64(int32(n)) != n {
		d.fail("number", strconv.FormatInt(n, 10))
	}
	return int32(n)
}

func (d *stateDecoder) pair(field, text, between string) (x, y int64) {
	a, b, ok := strings.Cut(text, between)
	if !ok {
		d.fail(field, text)
		return 0, 0
	}
	return d.int(field, a), d.int(field, b)
}

func (d *stateDecoder) list(text string, read func(item string, last bool)) {
	if text == "-" {
		return
	}
	items := strings.Split(text, ",")
	for i, item := range items {
		read(item, i == len(items)-1)
	}
}
