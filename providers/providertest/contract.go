package providertest

import "testing"

// A contract is one thing that implementations of a port must hold, as a check of
// a harness H.
type contract[H any] struct {
	name, reason string
	check        func(t *testing.T, h H) error
}

// run checks each contract on a harness of its own.
func run[H any](t *testing.T, build func(t *testing.T) H, contracts []contract[H]) {
	t.Helper()
	for _, c := range contracts {
		t.Run(c.name, func(t *testing.T) {
			if err := c.check(t, build(t)); err != nil {
				t.Errorf("%s: %v", c.reason, err)
			}
		})
	}
}
