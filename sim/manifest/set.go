package manifest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// DefaultNamespace is that of objects that name none.
const DefaultNamespace = "default"

// An Entry is a decoded object and the text it came from.
type Entry[T any] struct {
	Object *T
	Doc    *Document
}

// The entries of our three kinds.
type (
	Autoscaler = Entry[v1alpha1.HorizontalAutoscaler]
	Producer   = Entry[v1alpha1.MetricsProducer]
	NodeGroup  = Entry[v1alpha1.ScalableNodeGroup]
)

// A Foreign is an object of somebody else's autoscaler: a HorizontalPodAutoscaler
// (autoscaling) or a ScaledObject (keda.sh, keda.k8s.io), of whatever version, which
// may be converted, or one of a kind that scales as well and has no counterpart.
type Foreign struct {
	APIVersion, Kind, Namespace, Name string
	// Anchors are the keys beside metadata and spec that only hold YAML anchors, and
	// are not in JSON.
	Anchors []string
	// Unquoted are the fields that should be strings and are numbers or booleans
	// in the text: of annotations, labels and the metadata of triggers.
	Unquoted []string
	// JSON is the object without status and what only the API server writes.
	JSON []byte
	Doc  *Document
}

// A Skipped counts the objects of a kind that is of no interest here. The kind
// is empty for documents that are no Kubernetes objects.
type Skipped struct {
	APIVersion, Kind string
	Count            int
}

// Cure says how what the objects stand for can be had, behind a semicolon; empty for
// those of no interest.
func (s Skipped) Cure() string {
	group, _, _ := strings.Cut(s.APIVersion, "/")
	switch {
	case group == "kustomize.config.k8s.io":
		return "; it only names manifests: " + renderKustomization
	case s.Kind == "Template" && (group == "v1" || group == "template.openshift.io"):
		return "; it is rendered by oc process --local -f FILE | karpenter ... -f -"
	case group == "helm.toolkit.fluxcd.io" && s.Kind == "HelmRelease", group == "argoproj.io" && s.Kind == "Application":
		return "; it only names manifests: render them first, e.g. helm template RELEASE CHART | karpenter ... -f -"
	}
	return ""
}

// A Set holds what was found in the input; lists keep the order of the input.
type Set struct {
	Autoscalers []Autoscaler
	Producers   []Producer
	NodeGroups  []NodeGroup
	Foreign     []Foreign
	// Scenarios are the Scenario documents, expanded but not decoded.
	Scenarios []*Document
	// Skipped is sorted by API version and kind.
	Skipped []Skipped
	// Unplaced counts the Foreign objects that name no namespace.
	Unplaced int
	// Refused are objects of autoscalers and producers that cannot be decoded.
	Refused []Refused
}

// A Refused is an object that cannot be decoded, with its mistakes.
type Refused struct {
	Kind, Namespace, Name string
	Doc                   *Document
	Err                   error
}

// Load reads and collects: Collect of Read. The Set is never nil; with an
// error it holds what could be decoded.
func Load(paths []string, stdin io.Reader) (*Set, error) {
	return LoadIn("", paths, stdin)
}

// LoadIn is Load with the namespace of objects that name none; DefaultNamespace if
// it is empty.
func LoadIn(namespace string, paths []string, stdin io.Reader) (*Set, error) {
	docs, readErr := Read(paths, stdin)
	set, err := CollectIn(namespace, docs)
	return set, Join(readErr, err)
}

// LoadEach is LoadIn for calls that judge object by object: mistakes of single objects
// are in the Set's Refused, and unread has the files of which a part is no YAML, so that
// nobody knows what else they hold. The error is about all else.
func LoadEach(namespace string, paths []string, stdin io.Reader) (set *Set, unread Errors, err error) {
	docs, readErr := Read(paths, stdin)
	c := collect(namespace, docs)
	other := c.loose
	for _, e := range Placed(readErr) {
		if e.Position.Line > 0 {
			unread = append(unread, e)
		} else {
			other = append(other, e)
		}
	}
	return c.set, unread, Join(other)
}

// Collect decodes documents and sorts them by kind. It returns Errors; the Set
// then holds what could be decoded.
func Collect(docs []*Document) (*Set, error) { return CollectIn("", docs) }

// CollectIn is Collect with the namespace of objects that name none;
// DefaultNamespace if it is empty.
func CollectIn(namespace string, docs []*Document) (*Set, error) {
	c := collect(namespace, docs)
	return c.set, Join(c.errs)
}

func collect(namespace string, docs []*Document) *collector {
	c := &collector{set: &Set{}, namespace: cmp.Or(namespace, DefaultNamespace), seen: map[string]Position{}, skipped: map[Skipped]int{}}
	for _, d := range docs {
		before := len(c.errs)
		c.document(d)
		c.refuse(d, c.errs[before:])
	}
	for kind, n := range c.skipped {
		kind.Count = n
		c.set.Skipped = append(c.set.Skipped, kind)
	}
	slices.SortFunc(c.set.Skipped, func(a, b Skipped) int {
		return cmp.Or(cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind))
	})
	return c
}

// refuse keeps the mistakes of an object.
func (c *collector) refuse(d *Document, errs Errors) {
	group, _, _ := strings.Cut(d.APIVersion, "/")
	switch {
	case len(errs) == 0:
	case d.Name() != "" && d.Kind != "" && (group == v1alpha1.GroupVersion.Group || isForeign(group, d.Kind)):
		namespace := cmp.Or(text(value(d.Node, "metadata"), "namespace"), c.namespace)
		c.set.Refused = append(c.set.Refused, Refused{Kind: d.Kind, Namespace: namespace, Name: d.Name(), Doc: d, Err: Join(errs)})
	default:
		c.loose = append(c.loose, errs...)
	}
}

// The groups and kinds that Collect knows.
const (
	scenarioGroup   = "simulation.karpenter.sh"
	scenarioVersion = scenarioGroup + "/v1alpha1"
	scenarioKind    = "Scenario"
)

var (
	ourKinds = []string{"HorizontalAutoscaler", "MetricsProducer", "ScalableNodeGroup"}
	// foreignKinds are the kinds of other autoscalers, in whatever group they are said
	// to be.
	foreignKinds = []string{"HorizontalPodAutoscaler", "ScaledObject", "ScaledJob", "HTTPScaledObject", "WatermarkPodAutoscaler"}
	// foreignGroups are groups of which every other kind is a misspelt one of those,
	// but for these.
	foreignGroups = map[string][]string{
		"autoscaling": {"Scale"},
		"keda.sh":     {"TriggerAuthentication", "ClusterTriggerAuthentication"},
		"keda.k8s.io": {"TriggerAuthentication"},
	}
)

// isForeign says whether an object is one of another autoscaler.
func isForeign(group, kind string) bool {
	beside, known := foreignGroups[group]
	return slices.Contains(foreignKinds, kind) || known && !slices.Contains(beside, kind)
}

type collector struct {
	set *Set
	// namespace is that of objects that name none.
	namespace string

	// errs are all mistakes, loose those of no object of an autoscaler.
	errs    Errors
	loose   Errors
	seen    map[string]Position
	skipped map[Skipped]int
}

func (c *collector) fail(d *Document, path, format string, args ...any) {
	c.errs = append(c.errs, d.Errorf(path, format, args...))
}

func (c *collector) document(d *Document) {
	group, _, _ := strings.Cut(d.APIVersion, "/")
	switch {
	case group == v1alpha1.GroupVersion.Group:
		c.ours(d)
	case group == scenarioGroup:
		c.scenario(d)
	case d.APIVersion == "" || d.Kind == "":
		switch {
		case isTemplate(d):
			c.errs = append(c.errs, templateError(d.File, d.start))
			return
		case d.explicit && isKustomization(d.File):
			c.fail(d, "", "no Kubernetes object, but a Kustomization: %s", renderKustomization)
			return
		case d.explicit:
			c.fail(d, "", "no Kubernetes object: want apiVersion and kind, both strings")
			return
		}
		c.skipped[Skipped{}]++
	case isForeign(group, d.Kind):
		c.foreign(d)
	default:
		c.skipped[Skipped{APIVersion: d.APIVersion, Kind: d.Kind}]++
	}
}

func (c *collector) ours(d *Document) {
	if d.APIVersion != v1alpha1.GroupVersion.String() {
		c.fail(d, "apiVersion", "unknown version %q; allowed: %s", d.APIVersion, v1alpha1.GroupVersion)
		return
	}
	if !c.knownKind(d, ourKinds) || !c.prepare(d) {
		return
	}
	switch d.Kind {
	case "HorizontalAutoscaler":
		c.set.Autoscalers = appendEntry(c, c.set.Autoscalers, d, &v1alpha1.HorizontalAutoscaler{})
	case "MetricsProducer":
		c.set.Producers = appendEntry(c, c.set.Producers, d, &v1alpha1.MetricsProducer{})
	case "ScalableNodeGroup":
		c.set.NodeGroups = appendEntry(c, c.set.NodeGroups, d, &v1alpha1.ScalableNodeGroup{})
	}
}

func (c *collector) knownKind(d *Document, allowed []string) bool {
	switch {
	case slices.Contains(allowed, d.Kind):
		return true
	case d.Kind == "":
		c.fail(d, "kind", "required; allowed: %s", strings.Join(allowed, ", "))
	default:
		c.fail(d, "kind", "unknown kind %q in %s; allowed: %s", d.Kind, d.APIVersion, strings.Join(allowed, ", "))
	}
	return false
}

// object is a pointer to one of our kinds.
type object[T any] interface {
	*T
	metav1.Object
	runtime.Object
}

func appendEntry[T any, P object[T]](c *collector, list []Entry[T], d *Document, o P) []Entry[T] {
	if err := d.Decode(o); err != nil {
		c.errs = append(c.errs, flatten(err)...)
		return list
	}
	if !c.identify(d, o) {
		return list
	}
	return append(list, Entry[T]{Object: o, Doc: d})
}

// prepare expands the document and drops what is not part of a manifest.
func (c *collector) prepare(d *Document) bool {
	if d.expanded {
		return true
	}
	if at := templatePlace(d.Node); at != nil {
		c.errs = append(c.errs, templateError(d.File, Position{File: d.File, Line: at.Line, Column: at.Column}))
		return false
	}
	n, errs := expand(d.File, d.Node)
	c.errs = append(c.errs, errs...)
	if len(errs) > 0 {
		return false
	}
	d.Node, d.expanded = typed(manifestOnly(n), d), true
	return true
}

// identify completes the namespace, checks the name and refuses the second
// object of a name.
func (c *collector) identify(d *Document, o metav1.Object) bool {
	before := len(c.errs)
	if o.GetNamespace() == "" {
		o.SetNamespace(c.namespace)
	}
	switch {
	case o.GetName() == "":
		c.fail(d, "metadata.name", "required")
	case validation.IsDNS1123Subdomain(o.GetName()) != nil:
		c.fail(d, "metadata.name", "%q is no object name; want lower case letters, digits, '-' and '.', at most 253%s", o.GetName(), unsubstituted(o.GetName()))
	}
	if validation.IsDNS1123Label(o.GetNamespace()) != nil {
		c.fail(d, "metadata.namespace", "%q is no namespace; want lower case letters, digits and '-', at most 63%s", o.GetNamespace(), unsubstituted(o.GetNamespace()))
	}
	if len(c.errs) > before {
		return false
	}
	id := fmt.Sprintf("%s/%s/%s", o.GetNamespace(), d.Kind, o.GetName())
	if first, twice := c.seen[id]; twice {
		c.fail(d, "metadata.name", "%s is defined twice; the first is at %s", id, first)
		return false
	}
	c.seen[id] = d.Locate("metadata.name")
	return true
}

func (c *collector) foreign(d *Document) {
	anchors := anchorKeys(d.Node)
	if !c.prepare(d) {
		return
	}
	d.Node = without(d.Node, anchors...)
	unquoted := quote(d.Node)
	var named struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if m := d.lookup("metadata"); m != nil {
		ch := &checker{doc: d}
		ch.node(nil, m, metadataType, "metadata")
		if len(ch.errs) > 0 {
			c.errs = append(c.errs, ch.errs...)
			return
		}
	}
	data, err := decodeLenient(d, &named)
	if err != nil {
		c.errs = append(c.errs, flatten(err)...)
		return
	}
	placed := named.Metadata.Namespace != ""
	if !c.identify(d, &named.Metadata) {
		return
	}
	if !placed {
		c.set.Unplaced++
	}
	c.set.Foreign = append(c.set.Foreign, Foreign{
		APIVersion: d.APIVersion, Kind: d.Kind, Anchors: anchors, Unquoted: unquoted,
		Namespace: named.Metadata.Namespace, Name: named.Metadata.Name, JSON: data, Doc: d,
	})
}

func (c *collector) scenario(d *Document) {
	if d.APIVersion != scenarioVersion {
		c.fail(d, "apiVersion", "unknown version %q; allowed: %s", d.APIVersion, scenarioVersion)
		return
	}
	if c.knownKind(d, []string{scenarioKind}) && c.prepare(d) {
		c.set.Scenarios = append(c.set.Scenarios, d)
	}
}
