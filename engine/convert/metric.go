package convert

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// sources are the fields that describe the metrics of each type.
var sources = map[autoscalingv2.MetricSourceType]string{
	autoscalingv2.ResourceMetricSourceType:          "resource",
	autoscalingv2.ContainerResourceMetricSourceType: "containerResource",
	autoscalingv2.PodsMetricSourceType:              "pods",
	autoscalingv2.ObjectMetricSourceType:            "object",
	autoscalingv2.ExternalMetricSourceType:          "external",
}

// metric converts one metric of an HPA.
func (c *converter) metric(m *autoscalingv2.MetricSpec, path *field.Path) (v1alpha1.Metric, error) {
	c.noteSources(m, path)
	switch {
	case m.Type == autoscalingv2.ResourceMetricSourceType && m.Resource != nil:
		return c.resource(string(m.Resource.Name), "", m.Resource.Target, path.Child("resource"))
	case m.Type == autoscalingv2.ContainerResourceMetricSourceType && m.ContainerResource != nil:
		path := path.Child("containerResource")
		if m.ContainerResource.Container == "" {
			return v1alpha1.Metric{}, c.invalid(path.Child("container"), "required: the name of a container")
		}
		return c.resource(string(m.ContainerResource.Name), m.ContainerResource.Container, m.ContainerResource.Target, path)
	case m.Type == autoscalingv2.PodsMetricSourceType && m.Pods != nil:
		return c.pods(m.Pods, path.Child("pods"))
	case m.Type == autoscalingv2.ObjectMetricSourceType && m.Object != nil:
		return c.objectMetric(m.Object, path.Child("object"))
	case m.Type == autoscalingv2.ExternalMetricSourceType && m.External != nil:
		return c.external(m.External, path.Child("external"))
	}
	if source, ok := sources[m.Type]; ok {
		return v1alpha1.Metric{}, c.invalid(path.Child(source), "required: a metric of type %s is described there", m.Type)
	}
	return v1alpha1.Metric{}, c.invalid(path.Child("type"), "%q is not known; allowed: Resource, ContainerResource, Pods, Object, External", m.Type)
}

// resource converts the usage of cpu or memory, of all containers if container is empty.
func (c *converter) resource(name, container string, given autoscalingv2.MetricTarget, path *field.Path) (v1alpha1.Metric, error) {
	if name != cpu && name != memory {
		return v1alpha1.Metric{}, c.unsupported(path.Child("name"), "the resource %q cannot be converted: only the usage of cpu and memory is in Prometheus; replace it by a Pods or External metric", name)
	}
	target, err := c.metricTarget(given, path.Child("target"), v1alpha1.UtilizationMetricType, v1alpha1.AverageValueMetricType)
	if err != nil {
		return v1alpha1.Metric{}, err
	}
	if query, _, ok := c.given(Asked{Name: name}, name); ok {
		c.lost(path, "the query given for %s is used as it is: check that it yields %s", name, map[bool]string{true: "the ratio of usage to requests", false: "the total usage of all pods"}[target.Type == v1alpha1.UtilizationMetricType])
		return prometheusMetric(query, target), nil
	}
	c.notePods()
	q := usageQuery{resource: name, container: container, pods: c.podMatchers(), owner: podOwner(c.target.kind), rateWindow: c.options.RateWindow}
	if name == cpu {
		c.lost(path, "cpu is averaged over %s by PromQL's rate; HPA sees metrics-server's window of about 15 to 30 s", c.options.RateWindow)
	} else {
		c.lost(path, "pods that are not ready are left out, as of cpu; HPA counts the memory of every pod that has a sample")
	}
	if target.Type == v1alpha1.AverageValueMetricType {
		c.lost(path, "the total usage of the ready pods is shared among the replicas; HPA averages over ready pods and estimates pods that are not ready or have no sample")
		return prometheusMetric(q.total(), target), nil
	}
	c.lost(path, "usage and requests are those of the ready pods that have both, and multiply the ready pods; HPA also estimates pods without a sample, and refuses to decide if a container has no request")
	return prometheusMetric(q.utilization(), target), nil
}

func (c *converter) pods(m *autoscalingv2.PodsMetricSource, path *field.Path) (v1alpha1.Metric, error) {
	target, err := c.metricTarget(m.Target, path.Child("target"), v1alpha1.AverageValueMetricType)
	if err != nil {
		return v1alpha1.Metric{}, err
	}
	c.lost(path, "the total over the pods is shared among the replicas; HPA averages over ready pods and estimates pods without a sample")
	metric, given, err := c.custom("pods", "pod", m.Metric, target, c.podMatchers(), path.Child("metric"))
	if err == nil && !given {
		c.notePods()
	}
	return metric, err
}

func (c *converter) objectMetric(m *autoscalingv2.ObjectMetricSource, path *field.Path) (v1alpha1.Metric, error) {
	target, err := c.metricTarget(m.Target, path.Child("target"), v1alpha1.ValueMetricType, v1alpha1.AverageValueMetricType)
	if err != nil {
		return v1alpha1.Metric{}, err
	}
	c.noteReady(target, path)
	described := m.DescribedObject
	if described.Kind == "" || described.Name == "" {
		return v1alpha1.Metric{}, c.invalid(path.Child("describedObject"), "required: kind and name")
	}
	labels := []matcher{{"namespace", "=", c.namespace}}
	if described.Kind == "Namespace" {
		labels = []matcher{{"namespace", "=", described.Name}}
	} else {
		labels = append(labels, matcher{labelName(strings.ToLower(described.Kind)), "=", described.Name})
	}
	metric, given, err := c.custom("object", labels[len(labels)-1].label, m.Metric, target, labels, path.Child("metric"))
	if err == nil && !given {
		c.changed(path.Child("describedObject"), "%s %s is selected by labels, %s; its apiVersion, %q, is not carried over", described.Kind, described.Name, selector("", labels...), described.APIVersion)
	}
	return metric, err
}

func (c *converter) external(m *autoscalingv2.ExternalMetricSource, path *field.Path) (v1alpha1.Metric, error) {
	target, err := c.metricTarget(m.Target, path.Child("target"), v1alpha1.ValueMetricType, v1alpha1.AverageValueMetricType)
	if err != nil {
		return v1alpha1.Metric{}, err
	}
	c.noteReady(target, path)
	metric, _, err := c.custom("external", "", m.Metric, target, nil, path.Child("metric"))
	return metric, err
}

// custom is the query of a metric of a type that an adapter serves: as Options give
// it, as an annotation has it, as a rule of prometheus-adapter makes it for a resource,
// else the sum of the series of this name that have the labels.
func (c *converter) custom(kind, resource string, m autoscalingv2.MetricIdentifier, target v1alpha1.MetricTarget, labels []matcher, path *field.Path) (metric v1alpha1.Metric, given bool, err error) {
	if m.Name == "" {
		return v1alpha1.Metric{}, false, c.invalid(path.Child("name"), "required: the name of a metric")
	}
	chosen := m.Selector
	if _, _, google := googleMetric(m.Name); google {
		chosen = withoutPrefixes(m.Selector)
	}
	selected, err := c.labelSelector(chosen, path.Child("selector"))
	if err != nil {
		return v1alpha1.Metric{}, false, err
	}
	whole, all := selector(m.Name, selected...), append(slices.Clone(labels), selected...)
	query, key, given := c.given(Asked{Name: whole}, whole, m.Name)
	unknown := labels // what a query that is given may not know
	if key == m.Name {
		unknown = all
	}
	if given {
		if len(unknown) > 0 {
			c.lost(path, "the query given for %s is used as it is: check that it selects %s", m.Name, selector("", unknown...))
		}
		return prometheusMetric(query, target), true, nil
	}
	if query, annotation := c.annotated(kind, m.Name, m.Selector); query != "" {
		c.changed(path, "the query is that of the annotation %s", annotation)
		c.noteAdapter(kind, m.Name, annotation)
		if _, err := c.parse(query, field.NewPath("metadata", "annotations").Key(annotation)); err != nil {
			return v1alpha1.Metric{}, true, err
		}
		return prometheusMetric(query, target), true, nil
	}
	if query, err := c.ruled(kind, m.Name, labels, selected, resource, path); err != nil || query != "" {
		return prometheusMetric(query, target), true, err
	}
	if _, _, google := googleMetric(m.Name); google {
		query := c.googleQuery(m.Name, all)
		c.lost(path, "%s is read as %s: give another query with --metric if that is not what Google's adapter serves", m.Name, query)
		return prometheusMetric(query, target), false, nil
	}
	name := metricName(m.Name)
	if name != m.Name {
		c.changed(path.Child("name"), "%q is no name of a Prometheus metric; %s is used", m.Name, name)
	}
	query = fmt.Sprintf("sum(%s)", selector(name, all...))
	c.lost(path, "no query is given for %s: %s assumes that the metrics adapter serves the series of this name as they are; give the query that the adapter runs if it does not", m.Name, query)
	return prometheusMetric(query, target), false, nil
}

// metricTarget converts a target, which must have one of the allowed types.
func (c *converter) metricTarget(given autoscalingv2.MetricTarget, path *field.Path, allowed ...v1alpha1.MetricTargetType) (v1alpha1.MetricTarget, error) {
	target := v1alpha1.MetricTarget{Type: v1alpha1.MetricTargetType(given.Type)}
	known := false
	var names []string
	for _, one := range allowed {
		known = known || one == target.Type
		names = append(names, string(one))
	}
	if !known && given.Type == "" {
		return target, c.invalid(path.Child("type"), "required; allowed: %s", strings.Join(names, ", "))
	}
	if !known {
		return target, c.invalid(path.Child("type"), "%q is not possible for this metric; allowed: %s", given.Type, strings.Join(names, ", "))
	}
	c.noteTarget(given, path)
	switch target.Type {
	case v1alpha1.ValueMetricType:
		if given.Value == nil {
			return target, c.invalid(path.Child("value"), "required for type %s", given.Type)
		}
		value := given.Value.DeepCopy()
		target.Value = &value
	case v1alpha1.AverageValueMetricType:
		if given.AverageValue == nil {
			return target, c.invalid(path.Child("averageValue"), "required for type %s", given.Type)
		}
		value := given.AverageValue.DeepCopy()
		target.AverageValue = &value
	case v1alpha1.UtilizationMetricType:
		if given.AverageUtilization == nil {
			return target, c.invalid(path.Child("averageUtilization"), "required for type %s", given.Type)
		}
		percent := *given.AverageUtilization
		target.AverageUtilization = &percent
	}
	return target, nil
}

// noteTarget notes the values of a target that its type does not mean.
func (c *converter) noteTarget(given autoscalingv2.MetricTarget, path *field.Path) {
	const format = "without effect: the target is of type %s"
	if given.Value != nil && given.Type != autoscalingv2.ValueMetricType {
		c.changed(path.Child("value"), format, given.Type)
	}
	if given.AverageValue != nil && given.Type != autoscalingv2.AverageValueMetricType {
		c.changed(path.Child("averageValue"), format, given.Type)
	}
	if given.AverageUtilization != nil && given.Type != autoscalingv2.UtilizationMetricType {
		c.changed(path.Child("averageUtilization"), format, given.Type)
	}
}

// noteSources notes the descriptions of a metric that are not of its type.
func (c *converter) noteSources(m *autoscalingv2.MetricSpec, path *field.Path) {
	for _, source := range []struct {
		kind  autoscalingv2.MetricSourceType
		field string
		given bool
	}{
		{autoscalingv2.ResourceMetricSourceType, "resource", m.Resource != nil},
		{autoscalingv2.ContainerResourceMetricSourceType, "containerResource", m.ContainerResource != nil},
		{autoscalingv2.PodsMetricSourceType, "pods", m.Pods != nil},
		{autoscalingv2.ObjectMetricSourceType, "object", m.Object != nil},
		{autoscalingv2.ExternalMetricSourceType, "external", m.External != nil},
	} {
		if source.given && source.kind != m.Type {
			c.changed(path.Child(source.field), "without effect: the metric is of type %s", m.Type)
		}
	}
}

// noteReady notes what the metric of a Value target is multiplied with.
func (c *converter) noteReady(target v1alpha1.MetricTarget, path *field.Path) {
	if target.Type == v1alpha1.ValueMetricType {
		c.lost(path, "a ratio asks for one replica at least, where the HPA has a behavior")
	}
}

// notePods notes once how the target's pods are found, where others may be as well.
func (c *converter) notePods() {
	if _, exact := PodNames(c.target.kind, c.target.name); exact || c.podsNoted {
		return
	}
	c.podsNoted = true
	c.lost(field.NewPath("spec", "scaleTargetRef"), "what a %s names its pods is not known: they are matched by %s; add a label to the queries if another workload's name begins with %q", c.target.kind, selector("", c.podMatchers()...), c.target.name+"-")
}

func prometheusMetric(query string, target v1alpha1.MetricTarget) v1alpha1.Metric {
	return v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{Query: query, Target: target}}
}
