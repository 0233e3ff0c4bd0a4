package kubernetes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func request(namespace string, i int) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}}
}

// TestTurns holds how many workers a namespace has, at first and when its
// objects have turned out to be slow.
func TestTurns(t *testing.T) {
	var called []reconcile.Request
	turns := NewTurns(16, func(r reconcile.Request) { called = append(called, r) })
	taken := func(namespace string, n int) (busy []reconcile.Request) {
		for i := range n {
			if r := request(namespace, i); turns.take(r) {
				busy = append(busy, r)
			}
		}
		return busy
	}
	first := taken("tenant", 10)
	if len(first) != 4 {
		t.Fatalf("one namespace has %d of 16 workers, want a quarter", len(first))
	}
	if others := taken("shop", 3); len(others) != 3 {
		t.Errorf("another namespace has %d workers for 3 objects", len(others))
	}
	turns.take(request("tenant", 9)) // it waits once, however often it is woken up
	for _, r := range first {
		turns.pass(r, 5*time.Second)
	}
	if want := []reconcile.Request{request("tenant", 4), request("tenant", 5), request("tenant", 6), request("tenant", 7), request("tenant", 8), request("tenant", 9)}; !slices.Equal(called, want) {
		t.Errorf("called are %v, want those that waited, in the order of arrival", called)
	}
	if again := taken("tenant", 4); len(again) != 2 {
		t.Errorf("slow objects have %d of their namespace's 4 workers, want half", len(again))
	}
	if quick := turns.take(request("tenant", 20)); !quick {
		t.Error("slow objects take the worker of one that is not")
	}
}

// TestTurnsOfAll holds that everybody gets a turn, whoever is slow: no request is
// lost or called twice at a time, and the shares are kept.
func TestTurnsOfAll(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		var queue, busy []reconcile.Request
		turns := NewTurns(1+random.IntN(20), func(r reconcile.Request) { queue = append(queue, r) })
		for i := range 200 {
			queue = append(queue, request(string(rune('a'+random.IntN(6))), i))
		}
		done, waited := map[reconcile.Request]int{}, 0
		for len(done) < 200 {
			switch {
			case len(queue) > 0 && (len(busy) == 0 || random.IntN(2) == 0):
				r := queue[0]
				queue = queue[1:]
				if turns.take(r) {
					busy = append(busy, r)
				}
			case len(busy) > 0:
				i := random.IntN(len(busy))
				r := busy[i]
				busy = slices.Delete(busy, i, i+1)
				turns.pass(r, time.Duration(random.IntN(2))*2*time.Second)
				if done[r]++; done[r] < 3 {
					queue = append(queue, r)
				}
			default:
				t.Fatalf("seed %d: %d requests wait and nobody calls them", seed, 200-len(done))
			}
			if waited++; waited > 100_000 {
				t.Fatalf("seed %d: no end", seed)
			}
		}
	}
}
