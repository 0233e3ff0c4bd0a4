package nodegroup

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// State is the command that has not landed yet. The zero State is that of a
// group whose provider aims for what is wanted.
type State struct {
	// Slot is when the last command was sent, To the size it set.
	Slot slot.Slot
	To   int32
	// Attempt counts commands since one landed, or since a new size was wanted
	// with no failure in the way, from 1.
	Attempt int32
	// Code tells what the last command failed with; OK while it merely has not landed.
	Code observation.Code
	// Generation is that of the spec behind the last command.
	Generation int64
	// Until is the first slot at which the next attempt may be made.
	Until slot.Slot
}

// A class of failures has its own delays, in seconds.
type class struct{ first, longest int64 }

var (
	transient = class{first: 10, longest: 300}
	limited   = class{first: 60, longest: 600}
	final     = class{first: 600, longest: 600}
)

// classOf sorts a command's failure by what can cure it.
func classOf(code observation.Code) class {
	switch code {
	case observation.LimitReached:
		return limited
	case observation.NotFound, observation.Forbidden, observation.Invalid:
		return final
	}
	return transient
}

// Final says whether only another spec, or somebody's help, can cure a failure.
func Final(code observation.Code) bool { return classOf(code) == final }

// Delay is how many seconds after the n-th attempt at the slot s the next one
// may be made: doubling from attempt to attempt up to the longest of the code's
// class, less up to half of it by a hash of name, slot and attempt.
func Delay(name string, s slot.Slot, attempt int32, code observation.Code) int64 {
	c := classOf(code)
	delay := c.longest
	if attempt < 10 { // beyond, any doubling is longer
		delay = min(c.longest, c.first<<(max(attempt, 1)-1))
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d/%d", name, int64(s), attempt)
	return delay - int64(h.Sum64()%uint64(delay/2+1))
}

// settle is the state once it is seen whether the provider aims for what is
// wanted. The delay of a transient failure outlives that: it protects the
// provider, not the group.
func (s State) settle(now slot.Slot, landed bool) State {
	if !landed || now < s.Until && s.Code != observation.OK && classOf(s.Code) == transient {
		return s
	}
	return State{}
}

// waits says whether the command for wanted must wait.
func (s State) waits(in *Input, wanted int32) bool {
	if in.Slot >= s.Until {
		return false
	}
	switch {
	case s.Code == observation.OK:
		return wanted == s.To
	case classOf(s.Code) == final:
		return in.Generation == s.Generation
	case classOf(s.Code) == limited:
		return wanted >= s.To
	}
	return true
}

// send is the state after a command. What is neither refused nor seen to land is
// repeated at the next slot, and then ever more slowly: the provider may answer
// late, or somebody else may set it back.
func (s State) send(in *Input, wanted int32) State {
	if s.Code == observation.OK && s.To != wanted {
		s.Attempt = 0
	}
	next := State{Slot: in.Slot, To: wanted, Generation: in.Generation, Attempt: min(s.Attempt, 1<<30) + 1, Until: in.Slot + 1}
	if next.Attempt > 1 {
		next.Until = in.Slot + slot.Slot(Delay(in.Name, in.Slot, next.Attempt-1, observation.OK))
	}
	return next
}

// Failed is the state once the command of the slot was refused with a code.
func (s State) Failed(name string, code observation.Code) State {
	s.Code = code
	s.Until = s.Slot + slot.Slot(Delay(name, s.Slot, s.Attempt, code))
	return s
}

// stateVersion opens the text form, so that a later form can be told apart.
const stateVersion = "1"

// AppendText appends the text form of the state, seven fields:
//
//	1 1764000000 9 2 3 1764000030 Throttled
//
// the version, slot, to, attempt, generation, until and the code or "-". The
// zero State is the empty text.
func (s State) AppendText(b []byte) ([]byte, error) {
	if s == (State{}) {
		return b, nil
	}
	code := string(s.Code)
	if code == "" {
		code = "-"
	}
	return fmt.Appendf(b, "%s %d %d %d %d %d %s", stateVersion, int64(s.Slot), s.To, s.Attempt, s.Generation, int64(s.Until), code), nil
}

// MarshalText is AppendText to a new slice.
func (s State) MarshalText() ([]byte, error) { return s.AppendText(nil) }

// UnmarshalText reads the form that AppendText writes. An error says which
// field is wrong; the state is then unchanged.
func (s *State) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = State{}
		return nil
	}
	fields := strings.Split(string(text), " ")
	if len(fields) != 7 || fields[0] != stateVersion {
		return fmt.Errorf("state: want 7 fields of version %s, got %d of version %q", stateVersion, len(fields), fields[0])
	}
	var numbers [5]int64
	for i, name := range []string{"slot", "to", "attempt", "generation", "until"} {
		bits := 64
		if name == "to" || name == "attempt" {
			bits = 32
		}
		n, err := strconv.ParseInt(fields[i+1], 10, bits)
		if err != nil {
			return fmt.Errorf("state: %s: cannot read %q", name, fields[i+1])
		}
		numbers[i] = n
	}
	r := State{
		Slot: slot.Slot(numbers[0]), To: int32(numbers[1]), Attempt: int32(numbers[2]),
		Generation: numbers[3], Until: slot.Slot(numbers[4]),
	}
	if fields[6] != "-" {
		r.Code = observation.Code(fields[6])
	}
	if r.Attempt < 1 || r.To < 0 || fields[6] == "" {
		return fmt.Errorf("state: a command has a size, an attempt and a code or -")
	}
	*s = r
	return nil
}
