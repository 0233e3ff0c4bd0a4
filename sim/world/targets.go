package world

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/limit"
)

// A Timeline schedules the transitions of the world.
type Timeline interface {
	// Now is the current instant.
	Now() time.Time
	// At has f called at an instant that is not in the past; key orders
	// transitions of the same instant.
	At(at time.Time, key string, f func())
}

// A Target is an object with a scale subresource: spec.replicas as commanded,
// and status.replicas, which counts every pod at once, as Deployments do. Only
// those that are ready serve.
type Target struct {
	Ref    cycle.TargetRef
	Spec   int32
	Status int32
	// ReadyAfter is how long a new replica takes to become ready; for PendingFor of
	// it, it waits for a node.
	ReadyAfter, PendingFor time.Duration
	// Startup, if set, draws that for each new replica instead: how long it waits
	// for a node, and then boots.
	Startup func() (wait, boot time.Duration)
	// Changed, if set, is told every change of a count.
	Changed func(t *Target)

	// version counts changes; tag is its text, made once a change.
	version int
	tag     string
	// starting are replicas that are not ready yet, in the order in which they
	// were asked for.
	starting []batch
	// unready replicas are counted in Status and do not serve; waiting ones of
	// them have no node yet.
	unready, waiting int32
	// owner is the workload whose pods the replicas are, or nil.
	owner *Workload
	// served are the counts of ready replicas that were, up to servedFor ago; last
	// is that since then.
	served []served
	last   int32
	now    func() time.Time
	began  time.Time
	// count, if set, says how many replicas there are, whatever is commanded.
	count counts
	// delegate, if set, takes commands in the place of starting replicas; unset
	// says that spec.replicas is absent.
	delegate func(replicas int32)
	unset    bool
	// rolling replaces the old ones of the replicas, nil while nothing does.
	rolling *Rollout
	old     int32
}

// Begin sets the count with which the target begins; all replicas are ready.
func (t *Target) Begin(replicas int32) { t.Spec, t.Status, t.last = replicas, replicas, replicas }

// Delegate has somebody else carry out what the target is told. Until Observe
// says otherwise, spec.replicas is absent.
func (t *Target) Delegate(to func(replicas int32)) { t.delegate, t.unset = to, true }

// Delegated says whether somebody else carries out what the target is told.
func (t *Target) Delegated() bool { return t.delegate != nil }

// Observe sets the counts of a delegated target, of which all are ready.
func (t *Target) Observe(spec, status int32) { t.observe(spec, status, status) }

// Follow sets the counts to those that somebody else has made.
func (t *Target) Follow(spec, ready int32) { t.observe(spec, max(spec, ready), ready) }

// observe sets the counts of a target that others give.
func (t *Target) observe(spec, status, ready int32) {
	if !t.unset && t.Spec == spec && t.Status == status && t.Serving() == ready {
		return
	}
	t.unset, t.Spec, t.Status, t.unready = false, spec, status, status-ready
	t.changed()
}

// counts are given from outside the world; negative ones follow from the others.
type counts struct {
	given         bool
	status, ready int32
}

// Count has others say how many replicas there are and how many of them are
// ready. A negative status is spec.replicas, negative ready ones are status.
func (t *Target) Count(status, ready int32) {
	t.count = counts{given: true, status: status, ready: ready}
	t.recount()
}

// recount brings the counts in line with those that are given.
func (t *Target) recount() {
	status, ready := t.count.status, t.count.ready
	if status < 0 {
		status = t.Spec
	}
	if ready < 0 {
		ready = status
	}
	t.observe(t.Spec, status, ready)
}

// Serving is the number of replicas that are ready.
func (t *Target) Serving() int32 { return t.Status - t.unready }

// served is a count of ready replicas that there was until an instant.
type served struct {
	until time.Time
	count int32
}

// servedFor is how long counts of ready replicas are kept: longer than a sample can
// be old that still says something.
const servedFor = 10 * time.Minute

// keepServed keeps the count of ready replicas that has been replaced.
func (t *Target) keepServed() {
	if t.now == nil {
		return // it is in no world
	}
	now, count := t.now(), t.Serving()
	if t.last == count {
		return
	}
	if !now.After(t.began) {
		t.last = count // with which the target begins
		return
	}
	for len(t.served) > 0 && now.Sub(t.served[0].until) > servedFor {
		t.served = t.served[1:]
	}
	t.served = append(t.served, served{until: now, count: t.last})
	t.last = count
}

// servingSince is the number of ready replicas, and the fewest and the most since an
// instant. Of a node group's nodes only those of now are known, as in a cluster.
func (t *Target) servingSince(since time.Time) (now, least, most int32) {
	now = t.Serving()
	least, most = now, now
	for i := len(t.served) - 1; i >= 0 && t.delegate == nil && t.served[i].until.After(since); i-- {
		least, most = min(least, t.served[i].count), max(most, t.served[i].count)
	}
	return now, least, most
}

// PodByPod says whether each replica is simulated by itself, of which there can be
// limit.Pods.
func (t *Target) PodByPod() bool { return t.owner != nil || t.Startup != nil }

// Waiting is the number of replicas that wait for a node.
func (t *Target) Waiting() int32 { return t.waiting }

// A batch of replicas gets its nodes and becomes ready together.
type batch struct {
	count int32
	// old says that a rollout is to replace them.
	old bool
	// waits says that they have no node yet: until placed.
	waits         bool
	placed, ready time.Time
}

// Targets are the scale targets of a world, and its cycle.ScaleTargets.
type Targets struct {
	timeline Timeline
	byKey    map[cycle.TargetKey]*Target
	sorted   []*Target
}

// NewTargets returns an empty set whose transitions happen on a timeline.
func NewTargets(timeline Timeline) *Targets {
	return &Targets{timeline: timeline, byKey: map[cycle.TargetKey]*Target{}}
}

// Add adds a target; it is an error if the reference is taken.
func (w *Targets) Add(t *Target) error {
	if w.byKey[t.Ref.Key()] != nil {
		return fmt.Errorf("two owners of %s %s/%s", t.Ref.Kind, t.Ref.Namespace, t.Ref.Name)
	}
	t.now, t.began = w.timeline.Now, w.timeline.Now()
	w.byKey[t.Ref.Key()] = t
	w.sorted = append(w.sorted, t)
	slices.SortFunc(w.sorted, func(a, b *Target) int { return compareRefs(a.Ref, b.Ref) })
	return nil
}

// Find returns the target that a reference means, in whatever version of its
// API, or nil. A reference without API version means the kind of any group.
func (w *Targets) Find(ref cycle.TargetRef) *Target {
	if t := w.byKey[ref.Key()]; t != nil {
		return t
	}
	for _, t := range w.sorted {
		if ref.APIVersion == "" && t.Ref.Kind == ref.Kind && t.Ref.Namespace == ref.Namespace && t.Ref.Name == ref.Name {
			return t
		}
	}
	return nil
}

// Get implements cycle.ScaleTargets.
func (w *Targets) Get(_ context.Context, ref cycle.TargetRef, since time.Time) (cycle.Scale, error) {
	t := w.Find(ref)
	if t == nil {
		return cycle.Scale{}, fmt.Errorf("%s %s/%s: %w", ref.Kind, ref.Namespace, ref.Name, cycle.ErrNotFound)
	}
	if t.unset {
		return cycle.Scale{}, fmt.Errorf("%s %s/%s has no spec.replicas yet: %w", ref.Kind, ref.Namespace, ref.Name, cycle.ErrUnavailable)
	}
	s := cycle.Scale{Spec: t.Spec, Status: t.Status, Version: t.tag}
	if !since.IsZero() {
		s.Ready, s.ReadyLeast, s.ReadyMost = t.servingSince(since)
	}
	return s, nil
}

// Set implements cycle.ScaleTargets.
func (w *Targets) Set(_ context.Context, ref cycle.TargetRef, observed cycle.Scale, replicas int32) error {
	t := w.Find(ref)
	if t == nil {
		return fmt.Errorf("%s %s/%s: %w", ref.Kind, ref.Namespace, ref.Name, cycle.ErrNotFound)
	}
	if observed.Version != t.tag {
		return fmt.Errorf("%s %s/%s has changed: %w", ref.Kind, ref.Namespace, ref.Name, cycle.ErrConflict)
	}
	if t.PodByPod() && replicas > limit.Pods {
		return fmt.Errorf("%s %s/%s is simulated with at most %d replicas, not %d: %w", ref.Kind, ref.Namespace, ref.Name, limit.Pods, replicas, cycle.ErrLimit)
	}
	w.Scale(t, replicas)
	return nil
}

// Scale moves a target to a new count, whoever wants it. New replicas start; too many go, those
// that are still starting first.
func (w *Targets) Scale(t *Target, replicas int32) {
	delta := replicas - t.Spec
	t.Spec = replicas
	switch {
	case t.count.given:
		t.recount()
	case t.delegate != nil:
		t.delegate(replicas)
	case t.owner != nil:
		t.owner.scaled()
	case t.rolling != nil && t.rolling.Batch == 0:
		// The rollout follows the new count: what it adds is new, what goes is old.
	case delta > 0:
		w.add(t, delta)
	default:
		t.remove(-delta)
	}
	t.changed()
	w.roll(t)
}

// add has new replicas start.
func (w *Targets) add(t *Target, count int32) {
	t.Status += count
	if t.Startup == nil {
		w.launch(t, count, t.PendingFor, t.ReadyAfter-t.PendingFor)
		return
	}
	for range count {
		wait, boot := t.Startup()
		w.launch(t, 1, wait, boot)
	}
}

// remove takes replicas away: those that are starting, then those that serve, of
// which a rollout's old ones go first.
func (t *Target) remove(count int32) {
	old := t.fleet().oldUnready
	canceled := t.cancel(count, func(*batch) bool { return true })
	t.old -= old - t.fleet().oldUnready
	t.old = max(0, t.old-(count-canceled))
	t.Status = max(0, t.Status-count)
}

// launch has new replicas wait for a node and then boot.
func (w *Targets) launch(t *Target, count int32, wait, boot time.Duration) {
	if wait+boot <= 0 {
		return
	}
	placed := w.timeline.Now().Add(wait)
	b := batch{count: count, waits: wait > 0, placed: placed, ready: placed.Add(boot)}
	t.starting = append(t.starting, b)
	t.unready += count
	step := func() { w.start(t) }
	key := t.Ref.Kind + "/" + t.Ref.Namespace + "/" + t.Ref.Name
	if wait > 0 {
		t.waiting += count
		w.timeline.At(placed, key, step)
	}
	if boot > 0 {
		w.timeline.At(b.ready, key, step)
	}
}

// cancel takes away replicas of some that are starting, in a ReplicaSet's order: those
// without a node first, and of these and the others the youngest. It returns how many.
func (t *Target) cancel(count int32, of func(*batch) bool) (canceled int32) {
	for _, waits := range []bool{true, false} {
		for i := len(t.starting) - 1; i >= 0 && canceled < count; i-- {
			b := &t.starting[i]
			if b.waits != waits || !of(b) {
				continue
			}
			taken := min(count-canceled, b.count)
			b.count -= taken
			t.unready -= taken
			if waits {
				t.waiting -= taken
			}
			canceled += taken
		}
	}
	t.starting = slices.DeleteFunc(t.starting, func(b batch) bool { return b.count == 0 })
	return canceled
}

// start gives replicas their nodes and makes them ready where the time has come.
func (w *Targets) start(t *Target) {
	now := w.timeline.Now()
	unready, waiting := t.unready, t.waiting
	for i := range t.starting {
		if b := &t.starting[i]; b.waits && !b.placed.After(now) {
			b.waits = false
			t.waiting -= b.count
		}
	}
	t.starting = slices.DeleteFunc(t.starting, func(b batch) bool {
		if b.ready.After(now) {
			return false
		}
		t.unready -= b.count
		return true
	})
	switch {
	case t.unready != unready:
		t.changed()
		w.roll(t)
	case t.waiting != waiting && t.Changed != nil:
		t.Changed(t) // of which the object itself tells nothing
	}
}

func (t *Target) changed() {
	t.keepServed()
	t.version++
	t.tag = strconv.Itoa(t.version)
	if t.Changed != nil {
		t.Changed(t)
	}
}

func compareRefs(a, b cycle.TargetRef) int {
	for _, pair := range [][2]string{{a.Namespace, b.Namespace}, {a.Kind, b.Kind}, {a.Name, b.Name}, {a.APIVersion, b.APIVersion}} {
		if pair[0] != pair[1] {
			if pair[0] < pair[1] {
				return -1
			}
			return 1
		}
	}
	return 0
}
