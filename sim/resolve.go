package sim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// An Autoscaler is a HorizontalAutoscaler that is fit to run.
type Autoscaler struct {
	Object *v1alpha1.HorizontalAutoscaler
	// Policy is the compiled spec, with the queries that are asked.
	Policy *policy.Autoscaler
	// Written is the same with the queries as written: Policy itself where no label
	// is enforced.
	Written *policy.Autoscaler
	Target  cycle.TargetRef
	Doc     *manifest.Document
}

// Name is the autoscaler's namespace and name.
func (a *Autoscaler) Name() types.NamespacedName { return nameOf(a.Object) }

// TargetField names the field of spec.metrics[i].prometheus.target that has the
// target of the policy's metric i.
func (a *Autoscaler) TargetField(i int) string {
	t := &a.Object.Spec.Metrics[i].Prometheus.Target
	switch {
	case a.Policy.Metrics[i].Type == policy.AverageValue && t.AverageValue != nil:
		return "averageValue"
	case a.Policy.Metrics[i].Type == policy.Utilization && t.AverageUtilization != nil:
		return "averageUtilization"
	}
	return "value"
}

// Resolve compiles the autoscalers of a set, sorted by namespace and name, so
// that the order of documents does not show. It returns manifest.Errors that
// name every violation with its place, and everything else that the controller
// would only find out while running: queries that do not parse or are of the
// wrong type, or that the label to be enforced does not allow. The features are those
// of PromQL that queries may use.
func Resolve(set *manifest.Set, enforce promql.Label, features ...string) ([]Autoscaler, error) {
	var out []Autoscaler
	var errs []error
	allowed, err := fake.ParseFeatures(features...)
	if err != nil {
		return nil, err
	}
	for _, entry := range set.Autoscalers {
		compiled, list := policy.CompileAutoscaler(&entry.Object.Spec, field.NewPath("spec"))
		if len(list) > 0 {
			errs = append(errs, manifest.Positioned(entry.Doc, list))
			continue
		}
		asked, wrong := enforced(&entry, compiled, enforce, allowed)
		errs = append(errs, wrong...)
		if err := checkTarget(compiled.Target); err != nil {
			errs = append(errs, entry.Doc.Errorf("spec.scaleTargetRef.apiVersion", "%v", err))
		}
		target := cycle.TargetRef{APIVersion: compiled.Target.APIVersion, Kind: compiled.Target.Kind, Namespace: entry.Object.Namespace, Name: compiled.Target.Name}
		out = append(out, Autoscaler{Object: entry.Object, Policy: asked, Written: compiled, Target: target, Doc: entry.Doc})
	}
	slices.SortStableFunc(out, func(a, b Autoscaler) int { return compareNames(a.Name(), b.Name()) })
	return out, manifest.Join(errs...)
}

// enforced is a policy with the queries that are asked.
func enforced(entry *manifest.Autoscaler, written *policy.Autoscaler, label promql.Label, features fake.Features) (*policy.Autoscaler, []error) {
	var errs []error
	asked := *written
	asked.Metrics = slices.Clone(written.Metrics)
	for i := range asked.Metrics {
		query, err := asked.Metrics[i].Query, error(nil)
		if _, err = isScalar(query, features); err == nil {
			asked.Metrics[i].Query, err = label.Enforce(query, entry.Object.Namespace)
		}
		if err != nil {
			errs = append(errs, entry.Doc.Errorf(fmt.Sprintf("spec.metrics[%d].prometheus.query", i), "%v", err))
		}
	}
	if label == "" {
		return written, errs
	}
	return &asked, errs
}

// checkTarget refuses what can never be scaled: anything of the core group, which
// is meant without an apiVersion, but ReplicationControllers.
func checkTarget(t policy.Target) error {
	if strings.Contains(t.APIVersion, "/") || t.Kind == "ReplicationController" {
		return nil
	}
	return fmt.Errorf("%q means the core group, of which only ReplicationController can be scaled; want GROUP/VERSION, such as apps/v1 of a Deployment", t.APIVersion)
}

// Rivals say which autoscalers share a target, one for each after the first.
// That is legal, and both hold. In a dry run an autoscaler is nobody's rival.
func Rivals(autoscalers []Autoscaler) manifest.Errors {
	var list manifest.Errors
	first := map[cycle.TargetKey]*Autoscaler{}
	for i := range autoscalers {
		a := &autoscalers[i]
		if a.Policy.DryRun {
			continue
		}
		other := first[a.Target.Key()]
		if other == nil {
			first[a.Target.Key()] = a
			continue
		}
		list = append(list, a.Doc.Errorf("spec.scaleTargetRef", "%s %s scales %s %s/%s, and so does %s %s: %s",
			a.Doc.Kind, a.Name(), a.Target.Kind, a.Target.Namespace, a.Target.Name, other.Doc.Kind, other.Name(), rivalry(a.Doc.Kind, other.Doc.Kind)))
	}
	return list
}

// rivalry says what becomes of a target that two objects of these kinds scale.
func rivalry(one, other string) string {
	const own = "HorizontalAutoscaler"
	const hold = "until one of them is gone or in dryRun"
	if one == own {
		one, other = other, one
	}
	if one == own || other != own {
		return "both hold " + hold
	}
	return fmt.Sprintf("both hold here %s; in a cluster the %s acts and the %s holds", hold, one, own)
}

// QueryParser returns what conversions check queries with: it says whether one that gives
// one sample, or none, gives a scalar. The features are those of PromQL that a query
// may use.
func QueryParser(features ...string) func(query string) (scalar bool, err error) {
	allowed, err := fake.ParseFeatures(features...)
	return func(query string) (bool, error) {
		if err != nil {
			return false, err
		}
		return isScalar(query, allowed)
	}
}

// variable is a variable of a dashboard in a query, which only the dashboard replaces.
var variable = regexp.MustCompile(`\$(__\w+|\{\w+[^}]*\})|\[\$\w+`)

// dashboardVariable is the cure of a query that a dashboard has not filled in, behind a
// semicolon; empty for others.
func dashboardVariable(query string) string {
	found := strings.TrimPrefix(variable.FindString(query), "[")
	if found == "" {
		return ""
	}
	return "; " + found + " is a variable of a dashboard: write what it stands for, e.g. 5m for a range"
}

// isScalar says whether a query that gives one sample, or none, gives a scalar, which
// is always there. It refuses what can never give one sample.
func isScalar(query string, features fake.Features) (bool, error) {
	expr, err := features.Parser().ParseExpr(query)
	var list parser.ParseErrors
	if errors.As(err, &list) && len(list) > 0 {
		return false, fmt.Errorf("PromQL, character %d: %w%s", list[0].PositionRange.Start+1, list[0].Err, dashboardVariable(query))
	}
	if err != nil {
		return false, fmt.Errorf("PromQL: %w", err)
	}
	switch expr.Type() {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
		return expr.Type() == parser.ValueTypeScalar, fake.CheckSubqueries(expr)
	case parser.ValueTypeMatrix:
		return false, errors.New("PromQL: a range vector is no number; want an instant vector of one sample, e.g. rate(...) of it")
	}
	return false, fmt.Errorf("PromQL: a %s is no number; want an instant vector of one sample", expr.Type())
}
