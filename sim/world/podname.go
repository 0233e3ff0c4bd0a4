package world

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"

	"github.com/karpenter-sim/karpenter/engine/convert"
)

// A naming gives the pods of a workload the names and owners that Kubernetes gives
// them: NAME-HASH-RANDOM of a Deployment, whose ReplicaSets own them, NAME-ORDINAL of
// a StatefulSet, NAME-RANDOM of anything else.
type naming struct {
	kind, name string
	random     *rand.Rand
	// replicaSet is the name of the ReplicaSet of a Deployment's next pods; empty for other kinds.
	replicaSet string
	// given are all names that were drawn.
	given map[string]bool
	// own matches the names that the pods can have.
	own *regexp.Regexp
}

// alphabet has the characters that Kubernetes draws names from: no vowels, and nothing that looks
// like another character.
const alphabet = "bcdfghjklmnpqrstvwxz2456789"

// How long what is drawn is, and how long a name before it can be.
const (
	hashLength    = 10
	suffixLength  = 5
	longestPrefix = 58
)

func newNaming(kind, name string, random *rand.Rand) *naming {
	pattern, _ := convert.PodNames(kind, name)
	n := &naming{kind: kind, name: name, random: random, given: map[string]bool{}, own: regexp.MustCompile("^(?:" + pattern + ")$")}
	n.revise()
	return n
}

// revise begins another revision of a Deployment.
func (n *naming) revise() {
	if n.kind == "Deployment" || n.kind == "Rollout" {
		n.replicaSet = n.name + "-" + n.draw(hashLength)
	}
}

func (n *naming) draw(length int) string {
	text := make([]byte, length)
	for i := range text {
		text[i] = alphabet[n.random.IntN(len(alphabet))]
	}
	return string(text)
}

// owner is the kind and name of what owns the next pod.
func (n *naming) owner() (kind, name string) {
	if n.replicaSet != "" {
		return "ReplicaSet", n.replicaSet
	}
	return n.kind, n.name
}

// next is the name of another pod beside these, and its ordinal. The ordinal of a
// StatefulSet's is the lowest that is free; these are in the order of theirs.
func (n *naming) next(pods []*Pod) (name string, ordinal int) {
	if n.kind == "StatefulSet" {
		ordinal = sort.Search(len(pods), func(i int) bool { return pods[i].ordinal > i })
		return fmt.Sprintf("%s-%d", n.name, ordinal), ordinal
	}
	_, prefix := n.owner()
	prefix += "-"
	prefix = prefix[:min(len(prefix), longestPrefix)]
	for {
		name := prefix + n.draw(suffixLength)
		if !n.given[name] {
			n.given[name] = true
			return name, 0
		}
	}
}

// insert puts a pod behind those that came before it; the pods of a StatefulSet are
// in the order of their ordinals, so that the highest one is the last.
func insert(pods []*Pod, p *Pod) []*Pod {
	return slices.Insert(pods, sort.Search(len(pods), func(i int) bool { return pods[i].ordinal > p.ordinal }), p)
}
