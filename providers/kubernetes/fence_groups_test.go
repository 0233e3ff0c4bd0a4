package kubernetes

import (
	"context"
	"errors"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// sizes counts what a cloud is asked and told.
type sizes struct{ observed, set int }

func (s *sizes) Observe(context.Context, cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	s.observed++
	return cycle.NodeGroup{}, nil
}

func (s *sizes) Resize(context.Context, cycle.NodeGroupRef, int32) error {
	s.set++
	return nil
}

// A process whose lease is over may look at a cloud, and changes nothing there,
// even where the fence closed after the decision was committed.
func TestFencedGroups(t *testing.T) {
	over := errors.New("the lease is over")
	var closed error
	cloud := &sizes{}
	groups := fenced(map[string]cycle.NodeGroups{"G": cloud}, func() error { return closed })["G"]
	ref := cycle.NodeGroupRef{Type: "G", ID: "g"}
	if err := groups.Resize(context.Background(), ref, 3); err != nil || cloud.set != 1 {
		t.Errorf("in charge: %v, set %d times", err, cloud.set)
	}
	closed = over
	if err := groups.Resize(context.Background(), ref, 4); !errors.Is(err, over) || cloud.set != 1 {
		t.Errorf("deposed: %v, set %d times", err, cloud.set)
	}
	if _, err := groups.Observe(context.Background(), ref); err != nil || cloud.observed != 1 {
		t.Errorf("looking: %v, %d times", err, cloud.observed)
	}
}
