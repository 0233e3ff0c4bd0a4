package aws

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// idle is how long a key that nobody asks for is read along with others.
const idle = time.Minute

// A shared is a read of many keys at once whose answers are kept for a while.
// Whoever asks for a key makes one call for all keys that were lately asked
// for, unless the answer is young enough, or is on its way already.
type shared[V any] struct {
	clock clock.PassiveClock
	// ttl is how long an answer, or a failure, is good for.
	ttl time.Duration
	// size is the most keys of a call; with 1 only the key asked for is read.
	size int
	// read returns what there is of the keys, which are sorted.
	read func(ctx context.Context, keys []string) (map[string]V, error)

	mu      sync.Mutex
	entries map[string]*entry[V]
}

// An entry holds what is known of a key.
type entry[V any] struct {
	asked time.Time
	// flight is the call that is reading the key, or nil.
	flight *flight
	// read is when the answer was asked for; the zero time means there is none.
	read  time.Time
	value V
	found bool
	err   error
}

// A flight is a call on its way; done is closed at its end.
type flight struct {
	done chan struct{}
}

func newShared[V any](c clock.PassiveClock, ttl time.Duration, size int, read func(context.Context, []string) (map[string]V, error)) *shared[V] {
	return &shared[V]{clock: c, ttl: ttl, size: size, read: read, entries: map[string]*entry[V]{}}
}

// get is the value of a key, and whether there is one.
func (s *shared[V]) get(ctx context.Context, key string) (value V, found bool, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return value, false, err
		}
		s.mu.Lock()
		now := s.clock.Now()
		e := s.entries[key]
		if e == nil {
			e = &entry[V]{}
			s.entries[key] = e
		}
		e.asked = now
		switch {
		case !e.read.IsZero() && now.Sub(e.read) < s.ttl:
			defer s.mu.Unlock()
			return e.value, e.found, e.err
		case e.flight != nil:
			under := e.flight
			s.mu.Unlock()
			select {
			case <-under.done:
				continue // the answer is there, or this caller must ask
			case <-ctx.Done():
				return value, false, ctx.Err()
			}
		}
		keys, own := s.depart(key, now)
		s.mu.Unlock()
		answer := s.fetch(ctx, key, keys)
		s.land(ctx, now, own, answer)
		value, found = answer.values[key]
		return value, found, answer.err
	}
}

// depart marks the keys of the next call as being read: the one asked for, and
// those whose answers will be too old soon.
func (s *shared[V]) depart(key string, now time.Time) ([]string, *flight) {
	own := &flight{done: make(chan struct{})}
	keys := []string{}
	for k, e := range s.entries {
		switch {
		case k == key:
		case e.flight == nil && now.Sub(e.asked) >= idle:
			delete(s.entries, k)
			continue
		case e.flight != nil || s.size == 1 || now.Sub(e.read) < s.ttl/2:
			continue
		}
		e.flight = own
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys, own
}

// An answer holds what a call brought about some keys.
type answer[V any] struct {
	keys   []string
	values map[string]V
	err    error
}

// fetch reads the keys in batches. If a batch is refused as invalid, only the
// key that was asked for is read: nobody fails for another's name.
func (s *shared[V]) fetch(ctx context.Context, key string, keys []string) answer[V] {
	all := map[string]V{}
	for batch := range slices.Chunk(keys, s.size) {
		values, err := s.call(ctx, batch)
		if errors.Is(err, cycle.ErrInvalid) && len(keys) > 1 {
			values, err = s.call(ctx, []string{key})
			return answer[V]{keys: []string{key}, values: values, err: err}
		}
		if err != nil {
			return answer[V]{keys: keys, err: err}
		}
		maps.Copy(all, values)
	}
	return answer[V]{keys: keys, values: all}
}

func (s *shared[V]) call(ctx context.Context, keys []string) (map[string]V, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.read(ctx, keys)
}

// land keeps an answer and tells those who wait for it. Keys that were
// forgotten meanwhile stay so. That this caller gave up says nothing to the
// others: they ask again.
func (s *shared[V]) land(ctx context.Context, asked time.Time, own *flight, a answer[V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(own.done)
	for k, e := range s.entries {
		if e.flight != own {
			continue
		}
		e.flight = nil
		if ctx.Err() != nil || !slices.Contains(a.keys, k) {
			continue
		}
		e.read, e.err = asked, a.err
		e.value, e.found = a.values[k]
	}
}

// forget makes the next get of a key read it.
func (s *shared[V]) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		e.flight, e.read = nil, time.Time{}
	}
}
