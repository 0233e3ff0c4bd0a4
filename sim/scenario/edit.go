package scenario

// An Edit changes objects during the run, as kubectl patch would: objects of our kinds,
// or how many replicas a target or workload has.
type Edit struct {
	// At is the instant, before its decisions. Required.
	At *Duration `json:"at"`
	// Every makes the edit again so much later, and so on: somebody who resets what
	// others change.
	Every Duration `json:"every,omitzero"`
	// For is how long an edit is made again; to the end if absent.
	For Duration `json:"for,omitzero"`
	// Object is the only object that is changed, as [NAMESPACE/]KIND/NAME; every
	// HorizontalAutoscaler if absent.
	Object string `json:"object,omitempty"`
	// Set are the changes, in helm's syntax. Of an autoscaler neither the target,
	// nor the interval, nor a query can be changed, of a node group neither type
	// nor id, of a producer not what it measures, of a target only spec.replicas.
	Set Assignments `json:"set"`
}

// mostEdits is how often an edit can be made in one run.
const mostEdits = 100_000

// Reference is the only object that is changed; kubectl's short names will do.
func (e *Edit) Reference() (Reference, error) { return ParseReference(e.Object) }

// OfTarget says whether the edit is of a scale target, and of no object of our kinds.
func (e *Edit) OfTarget() bool {
	if e.Object == "" {
		return false
	}
	ref, err := e.Reference()
	return err == nil && !ref.own()
}

// Instants are the instants at which the edit is made in a run of a duration.
func (e *Edit) Instants(run Duration) []Duration {
	all := []Duration{*e.At}
	end := run
	if e.For > 0 {
		end = min(run, *e.At+e.For)
	}
	for at := *e.At + e.Every; e.Every > 0 && at < end; at += e.Every {
		all = append(all, at)
	}
	return all
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
		v.checkRepeated(at, e)
		if len(e.Set) == 0 {
			v.fail(at+".set", "required: changes such as spec.maxReplicas=20")
		}
		if e.Object == "" {
			continue
		}
		if _, err := e.Reference(); err != nil {
			v.fail(at+".object", "%v", err)
		}
	}
}

// checkRepeated checks how often an edit is made.
func (v *validation) checkRepeated(at string, e *Edit) {
	switch {
	case e.Every == 0 && v.doc.Has(at+".every"):
		v.fail(at+".every", "must be more than 0s")
	case e.Every == 0 && v.doc.Has(at+".for"):
		v.fail(at+".for", "says for how long an edit is made again; every is missing, such as every: 3m")
	case e.For == 0 && v.doc.Has(at+".for"):
		v.fail(at+".for", "must be more than 0s")
	case e.Every > 0 && v.spec.Duration/e.Every > mostEdits:
		v.fail(at+".every", "%s is %d times in a run of %s; at most %d are allowed", e.Every, v.spec.Duration/e.Every, v.spec.Duration, mostEdits)
	}
}
