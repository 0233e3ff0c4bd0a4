package world

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// TestPodNames: pods are named and owned as Kubernetes does it, and converted queries
// find them by these names, and no others'.
func TestPodNames(t *testing.T) {
	for _, tc := range []struct {
		reason, kind, name, pattern, owner string
	}{
		{"a Deployment's pods belong to its ReplicaSet", "Deployment", "web", `^web-[b-z2-9]{10}-[b-z2-9]{5}$`, "ReplicaSet"},
		{"a StatefulSet numbers them", "StatefulSet", "web", `^web-[0-9]+$`, "StatefulSet"},
		{"others draw a suffix", "ReplicaSet", "web", `^web-[b-z2-9]{5}$`, "ReplicaSet"},
		{"a kind that is not known", "Worker", "web", `^web-[b-z2-9]{5}$`, "Worker"},
		{"a long name is cut before the suffix", "Deployment", strings.Repeat("w", 52), `^w{52}-[b-z2-9]{5}[b-z2-9]{5}$`, "ReplicaSet"},
		{"a longer one has nothing of the hash", "Deployment", strings.Repeat("w", 60), `^w{58}[b-z2-9]{5}$`, "ReplicaSet"},
		{"of any kind", "ReplicaSet", strings.Repeat("w", 60), `^w{58}[b-z2-9]{5}$`, "ReplicaSet"},
	} {
		l := newLine()
		w := &Workload{Capacity: 1, Demand: Constant(0), Startup: Fixed(0)}
		targets := NewTargets(l)
		w.Target = &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: tc.kind, Namespace: "default", Name: tc.name}, Spec: 3}
		if err := targets.Add(w.Target); err != nil {
			t.Fatal(err)
		}
		ws := NewWorkloads(l)
		ws.Add(w)
		ws.Start()
		pattern, _ := convert.PodNames(tc.kind, tc.name)
		queried := regexp.MustCompile("^(?:" + pattern + ")$")
		names := map[string]bool{}
		for _, p := range w.pods {
			names[p.Name] = true
			if !regexp.MustCompile(tc.pattern).MatchString(p.Name) || p.OwnerKind != tc.owner || !queried.MatchString(p.Name) || !w.names.own.MatchString(p.Name) {
				t.Errorf("%s: pod %s of %s; want %s of a %s, and found by %s", tc.reason, p.Name, p.OwnerKind, tc.pattern, tc.owner, pattern)
			}
		}
		if len(names) != 3 {
			t.Errorf("%s: two pods have one name: %v", tc.reason, names)
		}
		for _, stranger := range []string{tc.name + "-worker-7f9c5d6b8f-b4x2k", tc.name + "er-7f9c5d6b8f-b4x2k"} {
			if _, exact := convert.PodNames(tc.kind, tc.name); exact && queried.MatchString(stranger) {
				t.Errorf("%s: %s finds %s", tc.reason, pattern, stranger)
			}
		}
	}
}

// TestStatefulSetOrdinals: the highest ordinals go first, and come back.
func TestStatefulSetOrdinals(t *testing.T) {
	l := newLine()
	w := &Workload{Capacity: 1, Demand: Constant(0), Startup: Fixed(0)}
	targets := NewTargets(l)
	w.Target = &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: "default", Name: "db"}, Spec: 4}
	if err := targets.Add(w.Target); err != nil {
		t.Fatal(err)
	}
	ws := NewWorkloads(l)
	ws.Add(w)
	ws.Start()
	w.pods[1].Evict()
	for _, step := range []struct {
		replicas int32
		want     []string
	}{{2, []string{"db-0", "db-1"}}, {3, []string{"db-0", "db-1", "db-2"}}} {
		w.Target.Spec = step.replicas
		w.scaled()
		var got []string
		for _, p := range w.pods {
			got = append(got, p.Name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%d replicas, -want +got:\n%s", step.replicas, diff)
		}
	}
}
