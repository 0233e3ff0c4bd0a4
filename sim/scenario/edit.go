package scenario

// An Edit changes objects of our kinds during the run, as kubectl patch would.
type Edit struct {
	// At is the instant, before its decisions. Required.
	At *Duration `json:"at"`
	// Object is the only object that is changed, as [NAMESPACE/]KIND/NAME; every
	// HorizontalAutoscaler if absent.
	Object string `json:"object,omitempty"`
	// Set are the changes, in helm's syntax. Of an autoscaler neither the target,
	// nor the interval, nor a query can be changed, of a node group neither type
	// nor id, of a producer not what it measures.
	Set Assignments `json:"set"`
}

// Reference is the only object that is changed; kubectl's short names will do.
func (e *Edit) Reference() (Reference, error) { return ParseReference(e.Object) }

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
		if _, err := parseOwn(e.Object); err != nil {
			v.fail(at+".object", "%v", err)
		}
	}
}
