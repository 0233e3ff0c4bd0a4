package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// Defaults and limits of producers.
const (
	ProducerInterval = 5   // seconds between two slots
	MaxBehaviors     = 64  // of one schedule
	MaxPatternBytes  = 256 // of one field of a pattern
	// DefaultPodsPerNode is the number of pods that a new node allows of which neither the template
	// nor a copied node says so: the kubelet's own default. A node that allows
	// none would hold no pod.
	DefaultPodsPerNode = 110
	DefaultTimezone    = "UTC"
)

// A Producer is a compiled MetricsProducer spec: exactly one of its fields is set.
type Producer struct {
	Pending  *Pending  `json:"pending,omitempty"`
	Queue    *Queue    `json:"queue,omitempty"`
	Reserved *Reserved `json:"reserved,omitempty"`
	Schedule *Schedule `json:"schedule,omitempty"`
}

// Pending counts the nodes that pending pods need in one group.
type Pending struct {
	// Selector selects the nodes of the group by labels; it is not empty.
	Selector map[string]string `json:"selector"`
	// Template describes a new node; nil where an existing one is copied.
	Template *Template `json:"template,omitempty"`
	// NodeGroup names the ScalableNodeGroup whose provider counts the nodes, or is empty.
	NodeGroup string `json:"nodeGroup,omitempty"`
	// ReleasePartial allows a value below the nodes there are while some are in use.
	ReleasePartial bool `json:"releasePartial,omitempty"`
}

// A Template is a node that does not exist yet.
type Template struct {
	Labels      map[string]string   `json:"labels,omitempty"`
	Taints      []corev1.Taint      `json:"taints,omitempty"`
	Allocatable corev1.ResourceList `json:"allocatable"`
}

// Queue reads one queue.
type Queue struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	// InFlight adds messages that are being worked on to the length.
	InFlight bool `json:"inFlight,omitempty"`
}

// Reserved sums the requests on some nodes.
type Reserved struct {
	// Selector selects the nodes by one label.
	Selector map[string]string `json:"selector"`
	// ExcludeDaemonSets leaves pods of DaemonSets out of the sums.
	ExcludeDaemonSets bool `json:"excludeDaemonSets,omitempty"`
}

// Encode is the policy's canonical JSON.
func (p *Producer) Encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // quantities, numbers and strings always marshal
	}
	return b
}

var queueARN = regexp.MustCompile(`^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_-]+([.]fifo)?$`)

// CompileProducer turns a spec into a policy. Every violation is reported with
// its field below path ("spec"); the policy is nil unless there is none.
func CompileProducer(spec *v1alpha1.MetricsProducerSpec, path *field.Path) (*Producer, field.ErrorList) {
	c := compiler{}
	p := &Producer{}
	var given []string
	if spec.PendingCapacity != nil {
		given = append(given, "pendingCapacity")
		p.Pending = c.pending(spec.PendingCapacity, path.Child("pendingCapacity"))
	}
	if spec.Queue != nil {
		given = append(given, "queue")
		p.Queue = c.queue(spec.Queue, path.Child("queue"))
	}
	if spec.ReservedCapacity != nil {
		given = append(given, "reservedCapacity")
		p.Reserved = c.reserved(spec.ReservedCapacity, path.Child("reservedCapacity"))
	}
	if spec.Schedule != nil {
		given = append(given, "scheduleSpec")
		p.Schedule = c.schedule(spec.Schedule, path.Child("scheduleSpec"))
	}
	const one = "exactly one of pendingCapacity, queue, reservedCapacity and scheduleSpec must be set"
	switch len(given) {
	case 0:
		c.fail(field.Required(path, one))
	case 1:
	default:
		c.fail(field.Invalid(path, strings.Join(given, ", "), one))
	}
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return p, nil
}

func (c *compiler) queue(given *v1alpha1.QueueSpec, path *field.Path) *Queue {
	switch {
	case given.Type != v1alpha1.AWSSQSQueueType:
		c.fail(field.NotSupported(path.Child("type"), given.Type, []v1alpha1.QueueType{v1alpha1.AWSSQSQueueType}))
	case !queueARN.MatchString(given.ID):
		c.fail(field.Invalid(path.Child("id"), given.ID, "must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME"))
	}
	return &Queue{Type: string(given.Type), ID: given.ID, InFlight: given.IncludeInFlight}
}

func (c *compiler) reserved(given *v1alpha1.ReservedCapacitySpec, path *field.Path) *Reserved {
	if n := len(given.NodeSelector); n != 1 {
		c.fail(field.Invalid(path.Child("nodeSelector"), given.NodeSelector, fmt.Sprintf("must have exactly one entry, not %d", n)))
	}
	c.labels(given.NodeSelector, path.Child("nodeSelector"))
	return &Reserved{Selector: maps.Clone(given.NodeSelector), ExcludeDaemonSets: given.ExcludeDaemonSets}
}

func (c *compiler) pending(given *v1alpha1.PendingCapacitySpec, path *field.Path) *Pending {
	if len(given.NodeSelector) == 0 {
		c.fail(field.Required(path.Child("nodeSelector"), "the labels that select the nodes of one group"))
	}
	c.labels(given.NodeSelector, path.Child("nodeSelector"))
	p := &Pending{Selector: maps.Clone(given.NodeSelector), ReleasePartial: given.ReleasePartial}
	if given.NodeGroupRef != nil {
		p.NodeGroup = given.NodeGroupRef.Name
		if p.NodeGroup == "" {
			c.fail(field.Required(path.Child("nodeGroupRef", "name"), "the name of a ScalableNodeGroup in the same namespace"))
		}
	}
	if given.Template != nil {
		p.Template = c.template(given.Template, given.NodeSelector, path.Child("template"))
	}
	return p
}

func (c *compiler) template(given *v1alpha1.NodeTemplate, selector map[string]string, path *field.Path) *Template {
	t := &Template{Labels: maps.Clone(given.Labels), Taints: slices.Clone(given.Taints), Allocatable: given.Allocatable.DeepCopy()}
	c.labels(given.Labels, path.Child("labels"))
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if value, ok := given.Labels[key]; ok && value != selector[key] {
			c.fail(field.Invalid(path.Child("labels").Key(key), value, fmt.Sprintf("must be %q, as nodeSelector says, for the node to belong to the group", selector[key])))
		}
	}
	for i := range given.Taints {
		switch given.Taints[i].Effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		default:
			c.fail(field.NotSupported(path.Child("taints").Index(i).Child("effect"), given.Taints[i].Effect, []corev1.TaintEffect{
				corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}))
		}
	}
	allocatable := path.Child("allocatable")
	if len(given.Allocatable) == 0 {
		c.fail(field.Required(allocatable, "what pods may request on a new node, e.g. {cpu: 4, memory: 16Gi}"))
		return t
	}
	for _, name := range slices.Sorted(maps.Keys(given.Allocatable)) {
		if q := given.Allocatable[name]; q.Sign() < 0 {
			c.fail(field.Invalid(allocatable.Key(string(name)), q.String(), "must be 0 or more"))
		}
	}
	return t
}

// labels refuses what no node can be labelled with.
func (c *compiler) labels(given map[string]string, path *field.Path) {
	for _, key := range slices.Sorted(maps.Keys(given)) {
		for _, problem := range validation.IsQualifiedName(key) {
			c.fail(field.Invalid(path, key, problem))
		}
		for _, problem := range validation.IsValidLabelValue(given[key]) {
			c.fail(field.Invalid(path.Key(key), given[key], problem))
		}
	}
}
