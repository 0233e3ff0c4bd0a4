package sim

import (
	"strings"
	"testing"
)

// TestDemandOfItsOwn: a demand that is no metric of the policy says what is
// needed, too.
func TestDemandOfItsOwn(t *testing.T) {
	text := strings.Replace(precomputedScenario, "replay: {readyAfter: 90s}", "replay: {readyAfter: 90s, demand: requests, capacity: 25}", 1)
	result, _ := playText(t, text)
	needed := result.Objects[0].Needed
	if len(needed.T) == 0 {
		t.Fatal("what is needed is never known")
	}
	at := needed.T[0]
	since := float64((at - 5 - 1767571200) / 15)
	if want := (100 + 3*since) / 25; needed.V[0] != want {
		t.Errorf("needed %v at %d, want %v: requests / capacity", needed.V[0], at, want)
	}
}
