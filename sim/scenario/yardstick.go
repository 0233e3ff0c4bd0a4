package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Yardstick says how many replicas a target needs, whoever scales it, by
// whatever policy: the value of Expr over PerReplica, without tolerance.
type Yardstick struct {
	// Target is the object, as [NAMESPACE/]KIND/NAME; every target of the
	// scenario if absent. Of several yardsticks of a target the largest need counts.
	Target string `json:"target,omitempty"`
	// Expr is the PromQL of the demand on all replicas together. Required.
	Expr string `json:"expr"`
	// PerReplica is how much of it one replica is for. Required.
	PerReplica float64 `json:"perReplica"`
	// Kind is capacity or target. Required.
	Kind result.Kind `json:"kind"`
	// Lag is how far before its instant lies the demand that Expr shows there: a rate
	// over a minute is what arrived half a minute ago on average. The demand counts so
	// much earlier, and its last value until the run ends. Expr may then read nothing
	// that the run itself makes. 0s if absent.
	Lag Duration `json:"lag,omitzero"`
}

// Yardsticks says how a scenario measures need: one as a mapping, or a list.
type Yardsticks []Yardstick

var errYardstick = errors.New("want {expr, perReplica, kind, lag}, or a list of them with target")

// UnmarshalJSON reads a mapping or a list of them.
func (y *Yardsticks) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if len(data) > 0 && data[0] == '{' {
		var one Yardstick
		if err := decoder.Decode(&one); err != nil {
			return fmt.Errorf("%w (%w)", errYardstick, err)
		}
		*y = Yardsticks{one}
		return nil
	}
	var list []Yardstick
	if err := decoder.Decode(&list); err != nil {
		return fmt.Errorf("%w (%w)", errYardstick, err)
	}
	*y = list
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (y Yardsticks) MarshalJSON() ([]byte, error) {
	if len(y) == 1 {
		return json.Marshal(y[0])
	}
	return json.Marshal([]Yardstick(y))
}

// Of are the yardsticks of a target: those that name it, else those for all.
func (y Yardsticks) Of(target Reference) Yardsticks {
	var named, all Yardsticks
	for _, s := range y {
		ref, err := ParseReference(s.Target)
		switch {
		case s.Target == "":
			all = append(all, s)
		case err == nil && ref == target:
			named = append(named, s)
		}
	}
	if len(named) > 0 {
		return named
	}
	return all
}

// Results are the yardsticks as they are reported.
func (y Yardsticks) Results() []result.Yardstick {
	var list []result.Yardstick
	for _, s := range y {
		list = append(list, result.Yardstick{Expr: s.Expr, PerReplica: s.PerReplica, Kind: s.Kind, Lag: lagText(s.Lag)})
	}
	return list
}

// lagText is a lag as it is reported; empty for none.
func lagText(lag Duration) string {
	if lag == 0 {
		return ""
	}
	return lag.String()
}

// checkLag checks how far behind an expression is.
func (v *validation) checkLag(path string, lag Duration) {
	if lag < 0 || time.Duration(lag)%time.Second != 0 {
		v.fail(path, "want whole seconds, 0s or more, got %s", lag)
	}
}

// yardstickPath is the field of a yardstick: a file has one as a mapping or as a
// list of one.
func yardstickPath(doc *manifest.Document, i int) string {
	if at := index("spec.yardstick", i); doc.Has(at) {
		return at
	}
	return "spec.yardstick"
}

// YardstickPath is the field of a yardstick in the file.
func (f *File) YardstickPath(i int) string { return yardstickPath(f.Doc, i) }

func (v *validation) checkYardstick() {
	kinds := map[string]result.Kind{}
	for i, y := range v.spec.Yardstick {
		at := yardstickPath(v.doc, i)
		target := ""
		if y.Target != "" {
			ref, err := ParseReference(y.Target)
			if err != nil {
				v.fail(at+".target", "%v", err)
				continue
			}
			target = ref.String()
		}
		switch {
		case y.Expr == "" && v.doc.Has(at+".perReplica"):
			v.fail(at+".expr", "required with perReplica: the PromQL of the demand on all replicas together")
		case y.Expr == "":
			v.fail(at+".expr", "required: the PromQL of the demand on all replicas together")
		default:
			v.checkQuery(at+".expr", y.Expr)
		}
		if !v.doc.Has(at + ".perReplica") {
			v.fail(at+".perReplica", "required: how much of the demand one replica is for")
		} else {
			v.checkFactor(at+".perReplica", &y.PerReplica)
		}
		v.checkLag(at+".lag", y.Lag)
		switch {
		case y.Kind == "":
			v.fail(at+".kind", "required: capacity, if perReplica is what one replica can serve, or target, if it is what one should")
			continue
		case !slices.Contains([]result.Kind{result.Capacity, result.Target}, y.Kind):
			v.fail(at+".kind", "unknown kind %q; allowed: capacity, target", y.Kind)
			continue
		}
		if before := kinds[target]; before != "" && before != y.Kind {
			v.fail(at+".kind", "another yardstick of the same target is of kind %s; want one kind", before)
		}
		kinds[target] = y.Kind
	}
}

// Phrase returns what is needed, in a line.
func (y Yardstick) Phrase() string {
	of := ""
	if ref, err := ParseReference(y.Target); err == nil {
		of = " of " + ref.Name
	}
	unit := "the target of one replica"
	if y.Kind == result.Capacity {
		unit = "the capacity of one replica"
	}
	behind := ""
	if y.Lag > 0 {
		behind = fmt.Sprintf("; what it shows was asked for %s before", y.Lag)
	}
	return fmt.Sprintf("replicas%s needed: %s over %v, %s%s", of, y.Expr, y.PerReplica, unit, behind)
}
