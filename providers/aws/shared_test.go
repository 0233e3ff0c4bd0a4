package aws

import (
	"context"
	"errors"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// A gate is a read that waits until it is told what to return.
type gate struct {
	entered chan []string
	result  chan func(keys []string) (map[string]int, error)
}

func (g *gate) read(ctx context.Context, keys []string) (map[string]int, error) {
	g.entered <- keys
	select {
	case result := <-g.result:
		return result(keys)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func newGate(size int) (*gate, *shared[int], *clocktesting.FakePassiveClock) {
	g := &gate{entered: make(chan []string), result: make(chan func([]string) (map[string]int, error))}
	clock := clocktesting.NewFakePassiveClock(time.Unix(1767600000, 0))
	return g, newShared(clock, 3*time.Second, size, g.read), clock
}

type outcome struct {
	value int
	found bool
	err   error
}

func start(ctx context.Context, s *shared[int], key string) chan outcome {
	done := make(chan outcome, 1)
	go func() {
		value, found, err := s.get(ctx, key)
		done <- outcome{value, found, err}
	}()
	return done
}

func all(value int) func([]string) (map[string]int, error) {
	return func(keys []string) (map[string]int, error) {
		values := map[string]int{}
		for _, key := range keys {
			values[key] = value
		}
		return values, nil
	}
}

func TestSharedOneFlight(t *testing.T) {
	g, s, _ := newGate(10)
	first := start(t.Context(), s, "a")
	<-g.entered
	second := start(t.Context(), s, "a")
	g.result <- all(7)
	for _, done := range []chan outcome{first, second} {
		if got := <-done; got != (outcome{value: 7, found: true}) {
			t.Errorf("whoever asks during a call gets its answer: %+v", got)
		}
	}
}

func TestSharedLeaderGivesUp(t *testing.T) {
	g, s, _ := newGate(10)
	ctx, cancel := context.WithCancel(t.Context())
	first := start(ctx, s, "a")
	<-g.entered
	second := start(t.Context(), s, "a")
	cancel()
	if got := <-first; !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %+v", got)
	}
	<-g.entered // the second asks for itself
	g.result <- all(7)
	if got := <-second; got != (outcome{value: 7, found: true}) {
		t.Errorf("that another gave up is no failure: %+v", got)
	}
}

func TestSharedFollowerGivesUp(t *testing.T) {
	g, s, _ := newGate(10)
	first := start(t.Context(), s, "a")
	<-g.entered
	ctx, cancel := context.WithCancel(t.Context())
	second := start(ctx, s, "a")
	cancel()
	if got := <-second; !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %+v", got)
	}
	g.result <- all(7)
	if got := <-first; got.value != 7 {
		t.Errorf("got %+v", got)
	}
}

func TestSharedForgetDuringFlight(t *testing.T) {
	g, s, _ := newGate(10)
	before := start(t.Context(), s, "a")
	<-g.entered
	s.forget("a") // a resize; the answer under way may be from before it
	after := start(t.Context(), s, "a")
	<-g.entered
	g.result <- all(1)
	g.result <- all(1)
	<-before
	<-after
	s.forget("a")
	again := start(t.Context(), s, "a")
	<-g.entered
	g.result <- all(2)
	if got := <-again; got.value != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestSharedIdleKeys(t *testing.T) {
	g, s, clock := newGate(10)
	for _, key := range []string{"a", "b"} {
		done := start(t.Context(), s, key)
		<-g.entered
		g.result <- all(1)
		<-done
		clock.SetTime(clock.Now().Add(idle / 2))
	}
	done := start(t.Context(), s, "b")
	if keys := <-g.entered; len(keys) != 1 || keys[0] != "b" {
		t.Errorf("a key that nobody asks for any more is read no more: %v", keys)
	}
	g.result <- all(1)
	<-done
	if _, kept := s.entries["a"]; kept {
		t.Error("a key that nobody asks for any more is kept")
	}
}
