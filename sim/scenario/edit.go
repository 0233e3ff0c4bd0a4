package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// An Edit changes objects of our kinds during the run, as kubectl patch would, or the
// replicas of a scale target, as kubectl scale would.
type Edit struct {
	// At is the instant, before its decisions. Required.
	At *Duration `json:"at"`
	// Object is the only object that is changed, as [NAMESPACE/]KIND/NAME; every
	// HorizontalAutoscaler if absent.
	Object string `json:"object,omitempty"`
	// Set are the changes, in helm's syntax. Of an autoscaler neither the target,
	// nor the interval, nor a query can be changed, of a node group neither type
	// nor id, of a producer not what it measures. Of a scale target it is
	// spec.replicas=N.
	Set Assignments `json:"set"`
}

// Reference is the only object that is changed; kubectl's short names will do.
func (e *Edit) Reference() (Reference, error) { return ParseReference(e.Object) }

// Replicas is the count that an edit of a scale target sets.
func (e *Edit) Replicas() (int32, error) {
	if text, ok := strings.CutPrefix(e.Set[0], "spec.replicas="); ok && len(e.Set) == 1 {
		if replicas, err := strconv.ParseInt(text, 10, 32); err == nil && 0 <= replicas && replicas <= limit.Pods {
			return int32(replicas), nil
		}
	}
	return 0, fmt.Errorf("%q: of %s only spec.replicas=N can be set, a number from 0 to %d", strings.Join(e.Set, ","), e.Object, limit.Pods)
}

func (v *validation) checkEdits() {
	for i := range v.spec.Edits {
		e := &v.spec.Edits[i]
		at := index("spec.edits", i)
		switch {
		case e.At == nil:
			v.fail(at+".at", "required: the instant, counted from the start of the run")
		case *e.At >= v.spec.Duration && v.spec.Duration > 0:
			v.fail(at+".at", "%s is past the last decision; the run lasts %s", *e.At, v.spec.Duration)
		}
		if len(e.Set) == 0 {
			v.fail(at+".set", "required: changes such as spec.maxReplicas=20")
		}
		if e.Object == "" {
			continue
		}
		ref, err := ParseReference(e.Object)
		if err != nil {
			v.fail(at+".object", "%v", err)
			continue
		}
		if !ref.own() && len(e.Set) > 0 {
			if _, err := e.Replicas(); err != nil {
				v.fail(at+".set", "%v", err)
			}
		}
	}
}
