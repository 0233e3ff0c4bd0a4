package fault

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// Hits says whether the fault hits an operation on an object at an instant, in
// Unix milliseconds. Chance is a function of the seed, the fault, the object, the
// instant and the operation, a query's text or the name of a call: a controller
// that meets a conflict asks again, one that was restarted since does not, and
// neither may change what the other meets, then or later.
func (f *Fault) Hits(now int64, object scenario.Reference, operation string) bool {
	if !f.Active(now, object) {
		return false
	}
	if !f.byChance() {
		return true
	}
	return world.Random(f.seed, fmt.Sprintf("%s %s %d %s", f.Name, object, now, operation)).Float64() < *f.Probability
}

func (f *Fault) byChance() bool { return f.Probability != nil && *f.Probability < 1 }

// An operation is one of those that are attempted several times at an instant.
type operation struct {
	object scenario.Reference
	name   string
}

// attempts counts the calls of one operation at an instant, in Unix milliseconds.
type attempts struct {
	at    int64
	count int
}

// hitsAttempt says whether the fault hits an attempt at an operation. At each
// instant chance is drawn anew for as long as it hits; after that every attempt
// gets through. So an attempt is known by how many failed before it, which a
// restarted controller shares with one that was not, and not by how many calls
// were made: one that holds an old version, say, needs a call more.
func (f *Fault) hitsAttempt(now int64, object scenario.Reference, name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	failed := f.attemptsAt(now, object, name)
	hit := f.Hits(now, object, fmt.Sprintf("%s %d", name, failed.count))
	if hit {
		failed.count++
		f.attempts[operation{object, name}] = failed
	}
	return hit
}

// HitsBoot says whether the fault hits the next node that a group boots at an
// instant.
func (f *Fault) HitsBoot(now int64, group scenario.Reference) bool {
	const boot = "boot"
	f.mu.Lock()
	defer f.mu.Unlock()
	booted := f.attemptsAt(now, group, boot)
	hit := f.Hits(now, group, fmt.Sprintf("%s %d", boot, booted.count))
	booted.count++
	f.attempts[operation{group, boot}] = booted
	return hit
}

// attemptsAt returns the attempts that were counted at an instant.
func (f *Fault) attemptsAt(now int64, object scenario.Reference, name string) attempts {
	if a := f.attempts[operation{object, name}]; a.at == now {
		return a
	}
	return attempts{at: now}
}
