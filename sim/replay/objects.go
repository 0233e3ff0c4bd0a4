package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// scaledBy is the API version by which an autoscaler of the set names a target.
func scaledBy(set *manifest.Set, ref scenario.Reference) (string, bool) {
	for _, a := range set.Autoscalers {
		t := a.Object.Spec.ScaleTargetRef
		if a.Object.Namespace == ref.Namespace && t.Kind == ref.Kind && t.Name == ref.Name {
			return t.APIVersion, true
		}
	}
	return "", false
}

// ScaleTarget reads the name of a target. Without a namespace it is the one that an
// autoscaler scales, if only one has the kind and the name.
func ScaleTarget(set *manifest.Set, text string) (scenario.Reference, error) {
	ref, err := scenario.ParseReference(text)
	if _, known := scaledBy(set, ref); err != nil || known || strings.Count(text, "/") != 1 {
		return ref, err
	}
	var namespaces []string
	for _, a := range set.Autoscalers {
		t := a.Object.Spec.ScaleTargetRef
		if t.Kind == ref.Kind && t.Name == ref.Name && !slices.Contains(namespaces, a.Object.Namespace) {
			namespaces = append(namespaces, a.Object.Namespace)
		}
	}
	if len(namespaces) == 1 {
		ref.Namespace = namespaces[0]
	}
	return ref, nil
}

// ParseDuration reads the duration that a flag has.
func ParseDuration(flag, text string) (scenario.Duration, error) {
	d, err := model.ParseDuration(text)
	if err != nil && text != "0" {
		return 0, fmt.Errorf("%s %s: want a duration such as 90s or 5m", flag, text)
	}
	return scenario.Duration(d), nil
}

// fillObjects reads the flags that name objects.
func (o *Options) fillObjects(spec *scenario.Spec, set *manifest.Set) error {
	for _, r := range o.Replicas {
		object, series, ok := strings.Cut(r, "=")
		ref, err := ScaleTarget(set, object)
		if !ok || err != nil || series == "" {
			return fmt.Errorf("--replicas %s: want [NS/]KIND/NAME=SERIES, e.g. shop/deployment/web=web_replicas", r)
		}
		if _, scaled := scaledBy(set, ref); !scaled {
			return fmt.Errorf("--replicas %s: no autoscaler in the manifests scales %s", r, ref)
		}
		if spec.Replay.Replicas == nil {
			spec.Replay.Replicas = map[string]string{}
		}
		if _, twice := spec.Replay.Replicas[ref.String()]; twice {
			return fmt.Errorf("--replicas %s: %s is named twice", r, ref)
		}
		spec.Replay.Replicas[ref.String()] = series
	}
	for _, t := range o.Targets {
		object, count, _ := strings.Cut(t, "=")
		ref, err := ScaleTarget(set, object)
		n, countErr := strconv.ParseInt(count, 10, 32)
		if err != nil || countErr != nil || n < 0 {
			return fmt.Errorf("--target %s: want [NS/]KIND/NAME=N, e.g. shop/deployment/web=5", t)
		}
		version, scaled := scaledBy(set, ref)
		if !scaled {
			return fmt.Errorf("--target %s: no autoscaler in the manifests scales %s", t, ref)
		}
		if slices.ContainsFunc(spec.Targets, func(t scenario.Target) bool { return t.Reference() == ref }) {
			return fmt.Errorf("--target %s: %s is named twice", t, ref)
		}
		replicas := int32(n)
		spec.Targets = append(spec.Targets, scenario.Target{
			APIVersion: version, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, Replicas: &replicas,
		})
	}
	return o.fillPrices(spec, set)
}

// fillPrices gives the targets of all autoscalers their prices.
func (o *Options) fillPrices(spec *scenario.Spec, set *manifest.Set) error {
	named, all := map[scenario.Reference]float64{}, 0.0
	for _, p := range o.Prices {
		object, price, one := strings.Cut(p, "=")
		if !one {
			object, price = "", p
		}
		v, err := strconv.ParseFloat(price, 64)
		if err != nil || !positive(v) {
			return fmt.Errorf("--price %s: want what a replica costs an hour, a number above 0, or [NS/]KIND/NAME=PRICE, e.g. shop/deployment/web=0.12", p)
		}
		if !one {
			if all != 0 {
				return fmt.Errorf("--price %s: the price of all targets is given twice", p)
			}
			all = v
			continue
		}
		ref, err := ScaleTarget(set, object)
		if err != nil {
			return fmt.Errorf("--price %s: want [NS/]KIND/NAME=PRICE, e.g. shop/deployment/web=0.12", p)
		}
		if _, scaled := scaledBy(set, ref); !scaled {
			return fmt.Errorf("--price %s: no autoscaler in the manifests scales %s", p, ref)
		}
		if _, twice := named[ref]; twice {
			return fmt.Errorf("--price %s: %s is named twice", p, ref)
		}
		named[ref] = v
	}
	for _, a := range set.Autoscalers {
		t := a.Object.Spec.ScaleTargetRef
		ref := scenario.Reference{Namespace: a.Object.Namespace, Kind: t.Kind, Name: t.Name}
		price := cmp.Or(named[ref], all)
		if price == 0 {
			continue
		}
		i := slices.IndexFunc(spec.Targets, func(t scenario.Target) bool { return t.Reference() == ref })
		if i < 0 {
			i = len(spec.Targets)
			spec.Targets = append(spec.Targets, scenario.Target{APIVersion: t.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
		}
		spec.Targets[i].PricePerHour = price
	}
	return nil
}
