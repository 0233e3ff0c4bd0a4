package suggest

import "testing"

func TestClosest(t *testing.T) {
	kinds := []string{"Deployment", "StatefulSet", "ReplicaSet"}
	for name, c := range map[string]struct{ reason, name, want string }{
		"Swapped": {"two neighbours changed places", "Deploymnet", "Deployment"},
		"Case":    {"letters' case does not count", "statefulset", "StatefulSet"},
		"Missing": {"a letter is missing", "ReplcaSet", "ReplicaSet"},
		"Far":     {"more than a third of the letters differ", "Service", ""},
		"Empty":   {"nothing was written", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Closest(c.name, kinds); got != c.want {
				t.Errorf("%s: Closest(%q) = %q, want %q", c.reason, c.name, got, c.want)
			}
		})
	}
}
