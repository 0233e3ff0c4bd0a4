package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The resources whose usage can be queried.
const (
	cpu    = "cpu"
	memory = "memory"
)

// A matcher is a label matcher of PromQL.
type matcher struct{ label, op, value string }

// selector is an instant vector selector; without matchers just the name.
func selector(name string, matchers ...matcher) string {
	if len(matchers) == 0 {
		return name
	}
	texts := make([]string, 0, len(matchers))
	for _, m := range matchers {
		texts = append(texts, m.label+m.op+strconv.Quote(m.value))
	}
	return name + "{" + strings.Join(texts, ",") + "}"
}

// podMatchers match the series of the target's pods by their names.
func (c *converter) podMatchers() []matcher {
	names, _ := PodNames(c.target.kind, c.target.name)
	return []matcher{{"namespace", "=", c.namespace}, {"pod", "=~", names}}
}

// A usageQuery queries what containers use of a resource.
type usageQuery struct {
	resource string
	// container is empty for all containers.
	container string
	pods      []matcher
	// owner is the kind of the pods' owner; empty if it is not known.
	owner      string
	rateWindow string
}

// total is the usage of the pods that count, in cores or bytes.
func (q usageQuery) total() string {
	return fmt.Sprintf("sum(%s unless on (pod) (%s))", q.usage(), q.others())
}

// utilization is the ratio of usage to requests over the pods that count and have
// both: a pod that is pending has requests only, one that just ended usage only.
func (q usageQuery) utilization() string {
	usage := fmt.Sprintf("sum by (pod) (%s)", q.usage())
	requests := fmt.Sprintf("sum by (pod) (%s)", q.requests())
	return fmt.Sprintf("sum(%s and %s unless on (pod) (%s)) / sum(%s and %s unless on (pod) (%s))",
		usage, requests, q.others(), requests, usage, q.others())
}

// others are the pods that do not count: those that are not ready, for cpu also those
// that have not been throughout the range over which it is averaged, since starting is
// no load; and those of another owner that are named alike. A pod of which neither is
// known counts.
func (q usageQuery) others() string {
	ready := selector("kube_pod_status_ready", append(slices.Clone(q.pods), matcher{"condition", "=", "true"})...)
	if q.resource == cpu {
		ready = fmt.Sprintf("min_over_time(%s[%s])", ready, q.rateWindow)
	}
	if q.owner == "" {
		return ready + " == 0"
	}
	return fmt.Sprintf("%s == 0 or %s", ready, selector("kube_pod_owner", append(slices.Clone(q.pods), matcher{"owner_kind", "!=", q.owner})...))
}

func (q usageQuery) usage() string {
	matchers := slices.Clone(q.pods)
	if q.container != "" {
		matchers = append(matchers, matcher{"container", "=", q.container})
	} else {
		// Without these the cgroup of the pod and its sandbox would count again.
		matchers = append(matchers, matcher{"container", "!=", ""}, matcher{"container", "!=", "POD"})
	}
	if q.resource == memory {
		return selector("container_memory_working_set_bytes", matchers...)
	}
	return fmt.Sprintf("rate(%s[%s])", selector("container_cpu_usage_seconds_total", matchers...), q.rateWindow)
}

func (q usageQuery) requests() string {
	matchers := append(slices.Clone(q.pods), matcher{"resource", "=", q.resource})
	if q.container != "" {
		matchers = append(matchers, matcher{"container", "=", q.container})
	}
	return selector("kube_pod_container_resource_requests", matchers...)
}

// labelSelector translates a selector over metric labels, sorted by label.
func (c *converter) labelSelector(s *metav1.LabelSelector, path *field.Path) ([]matcher, error) {
	if s == nil {
		return nil, nil
	}
	var matchers []matcher
	for label, value := range s.MatchLabels {
		matchers = append(matchers, matcher{label, "=", value})
	}
	for i, r := range s.MatchExpressions {
		m, err := c.requirement(r, path.Child("matchExpressions").Index(i))
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, m)
	}
	slices.SortFunc(matchers, func(a, b matcher) int {
		return strings.Compare(a.label+a.op+a.value, b.label+b.op+b.value)
	})
	for i, m := range matchers {
		if valid := labelName(m.label); valid != m.label {
			c.changed(path, "%q is no Prometheus label; %s is used", m.label, valid)
			matchers[i].label = valid
		}
	}
	return matchers, nil
}

func (c *converter) requirement(r metav1.LabelSelectorRequirement, path *field.Path) (matcher, error) {
	takesValues := r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn
	if takesValues && len(r.Values) == 0 {
		return matcher{}, c.invalid(path.Child("values"), "required for operator %s", r.Operator)
	}
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return matcher{r.Key, "=~", alternatives(r.Values)}, nil
	case metav1.LabelSelectorOpNotIn:
		return matcher{r.Key, "!~", alternatives(r.Values)}, nil
	case metav1.LabelSelectorOpExists:
		return matcher{r.Key, "!=", ""}, nil
	case metav1.LabelSelectorOpDoesNotExist:
		return matcher{r.Key, "=", ""}, nil
	}
	return matcher{}, c.invalid(path.Child("operator"), "%q is not known; allowed: In, NotIn, Exists, DoesNotExist", r.Operator)
}

// alternatives is a regular expression that matches exactly the values.
func alternatives(values []string) string {
	quoted := make([]string, 0, len(values))
	for _, value := range values {
		quoted = append(quoted, regexp.QuoteMeta(value))
	}
	slices.Sort(quoted)
	return strings.Join(quoted, "|")
}

var (
	notInMetricName = regexp.MustCompile(`[^a-zA-Z0-9_:]`)
	notInLabelName  = regexp.MustCompile(`[^a-zA-Z0-9_]`)
)

// metricName makes a name valid for a Prometheus metric.
func metricName(name string) string {
	return withoutLeadingDigit(notInMetricName.ReplaceAllString(name, "_"))
}

// labelName makes a name valid for a Prometheus label.
func labelName(name string) string {
	return withoutLeadingDigit(notInLabelName.ReplaceAllString(name, "_"))
}

func withoutLeadingDigit(name string) string {
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}
