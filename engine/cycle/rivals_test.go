package cycle

import "testing"

func TestRivalOf(t *testing.T) {
	const ours = "HorizontalAutoscaler"
	cases := map[string]struct {
		reason string
		owners []Owner
		want   string
	}{
		"Alone":         {"nobody is one's own rival", []Owner{{Kind: ours, Name: "web"}}, ""},
		"Other":         {"the first by name is named, however they are listed", []Owner{{Kind: ours, Name: "web"}, {Kind: ours, Name: "z"}, {Kind: ours, Name: "a"}}, ours + " a"},
		"DryRunSelf":    {"in dry run one acts on nothing", []Owner{{Kind: ours, Name: "web", DryRun: true}, {Kind: ours, Name: "a"}}, ""},
		"DryRunOther":   {"another one in dry run acts on nothing", []Owner{{Kind: ours, Name: "web"}, {Kind: ours, Name: "a", DryRun: true}}, ""},
		"KEDABeforeHPA": {"KEDA's own HPA is named by what it was made of", []Owner{{Kind: HorizontalPodAutoscaler, Name: "keda-hpa-web"}, {Kind: ScaledObject, Name: "web"}, {Kind: ours, Name: "web"}}, "ScaledObject web"},
		"NamesakeHPA":   {"another kind of the same name is somebody else", []Owner{{Kind: ours, Name: "web"}, {Kind: HorizontalPodAutoscaler, Name: "web"}}, "HorizontalPodAutoscaler web"},
		"NotListed":     {"an autoscaler that a cache does not have yet has rivals, too", []Owner{{Kind: ours, Name: "a"}}, ours + " a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Rival(c.owners, "web"); got != c.want {
				t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
			}
		})
	}
}

func TestTargetKey(t *testing.T) {
	rollout := TargetRef{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Namespace: "shop", Name: "web"}
	cases := []struct {
		reason string
		other  TargetRef
		same   bool
	}{
		{"another version is the same object", TargetRef{"argoproj.io/v1", "Rollout", "shop", "web"}, true},
		{"API servers find a kind in lower case", TargetRef{"argoproj.io/v1alpha1", "rollout", "shop", "web"}, true},
		{"another group is another object", TargetRef{"example.com/v1", "Rollout", "shop", "web"}, false},
		{"the core group is none of the others", TargetRef{"v1", "Rollout", "shop", "web"}, false},
		{"another namespace is another object", TargetRef{"argoproj.io/v1", "Rollout", "lab", "web"}, false},
	}
	for _, c := range cases {
		if got := rollout.Key() == c.other.Key(); got != c.same {
			t.Errorf("%s: %v and %v", c.reason, rollout.Key(), c.other.Key())
		}
	}
	if a, b := (TargetRef{"v1", "ReplicationController", "shop", "web"}), (TargetRef{"", "ReplicationController", "shop", "web"}); a.Key() != b.Key() {
		t.Errorf("the core group: %v and %v", a.Key(), b.Key())
	}
}
