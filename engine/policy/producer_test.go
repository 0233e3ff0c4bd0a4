package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

func compileProducer(t *testing.T, text string) (*Producer, field.ErrorList) {
	t.Helper()
	spec := &v1alpha1.MetricsProducerSpec{}
	if err := yaml.UnmarshalStrict([]byte(text), spec); err != nil {
		t.Fatal(err)
	}
	return CompileProducer(spec, field.NewPath("spec"))
}

func TestCompileProducer(t *testing.T) {
	cases := map[string]struct {
		reason string
		spec   string
		want   *Producer
	}{
		"Queue": {"messages in flight are left out unless asked for", `queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:123:jobs.fifo"}`,
			&Producer{Queue: &Queue{Type: "AWSSQSQueue", ID: "arn:aws:sqs:eu-west-1:123:jobs.fifo"}}},
		"QueueInFlight": {"asked for", `queue: {type: AWSSQSQueue, id: "arn:aws-us-gov:sqs:us-gov-west-1:123:jobs", includeInFlight: true}`,
			&Producer{Queue: &Queue{Type: "AWSSQSQueue", ID: "arn:aws-us-gov:sqs:us-gov-west-1:123:jobs", InFlight: true}}},
		"Reserved": {"one label", `reservedCapacity: {nodeSelector: {eks.amazonaws.com/nodegroup: default}, excludeDaemonSets: true}`,
			&Producer{Reserved: &Reserved{Selector: map[string]string{"eks.amazonaws.com/nodegroup": "default"}, ExcludeDaemonSets: true}}},
		"Pending": {"nothing but the group", `pendingCapacity: {nodeSelector: {a: b}}`,
			&Producer{Pending: &Pending{Selector: map[string]string{"a": "b"}}}},
		"PendingEverything": {"everything that can be said",
			`pendingCapacity: {nodeSelector: {a: b}, nodeGroupRef: {name: ng}, releasePartial: true, template: {labels: {a: b, c: d}, taints: [{key: k, effect: NoSchedule}], allocatable: {cpu: 4}}}`,
			&Producer{Pending: &Pending{Selector: map[string]string{"a": "b"}, NodeGroup: "ng", ReleasePartial: true, Template: &Template{
				Labels: map[string]string{"a": "b", "c": "d"}, Taints: []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoSchedule}},
				Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}}}}},
		"Schedule": {"absent minutes and hours are 0, absent dates are every one, absent zones are UTC",
			`scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 6, start: {hours: " 9, 09,8 ", weekdays: "Friday,mon,7,SUN"}, end: {minutes: "30", days: "31", months: "FEBRUARY,mar,1"}}]}`,
			&Producer{Schedule: &Schedule{Timezone: "UTC", Default: 1, Behaviors: []Behavior{{Replicas: 6,
				Start: Pattern{Minutes: []int{0}, Hours: []int{8, 9}, Weekdays: []int{0, 1, 5}},
				End:   Pattern{Minutes: []int{30}, Hours: []int{0}, Days: []int{31}, Months: []int{1, 2, 3}}}}}}},
		"ScheduleZone": {"a zone, and no behavior", `scheduleSpec: {timezone: Australia/Lord_Howe, defaultReplicas: 0, behaviors: []}`,
			&Producer{Schedule: &Schedule{Timezone: "Australia/Lord_Howe", Behaviors: []Behavior{}}}},
		"ScheduleLeapDay": {"comes, if rarely", `scheduleSpec: {defaultReplicas: 0, behaviors: [{replicas: 1, start: {days: "29", months: Feb}, end: {days: "30", months: "Feb,Mar"}}]}`,
			&Producer{Schedule: &Schedule{Timezone: "UTC", Behaviors: []Behavior{{Replicas: 1,
				Start: Pattern{Minutes: []int{0}, Hours: []int{0}, Days: []int{29}, Months: []int{2}},
				End:   Pattern{Minutes: []int{0}, Hours: []int{0}, Days: []int{30}, Months: []int{2, 3}}}}}}},
		"ScheduleImpossibleOrWeekday": {"a weekday suffices where days are given too", `scheduleSpec: {defaultReplicas: 0, behaviors: [{replicas: 1, start: {days: "30", months: Feb, weekdays: Mon}, end: {}}]}`,
			&Producer{Schedule: &Schedule{Timezone: "UTC", Behaviors: []Behavior{{Replicas: 1,
				Start: Pattern{Minutes: []int{0}, Hours: []int{0}, Days: []int{30}, Months: []int{2}, Weekdays: []int{1}},
				End:   Pattern{Minutes: []int{0}, Hours: []int{0}}}}}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, errs := compileProducer(t, c.spec)
			if errs != nil {
				t.Fatalf("%s: %v", c.reason, errs)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// behaviorWith is a schedule of one behavior with a start.
func behaviorWith(start string) string {
	return "scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: " + start + ", end: {hours: '17'}}]}"
}

func TestProducerViolations(t *testing.T) {
	const one = `exactly one of pendingCapacity, queue, reservedCapacity and scheduleSpec must be set`
	const start = `spec.scheduleSpec.behaviors[0].start.`
	cases := map[string]struct {
		reason string
		spec   string
		want   []string
	}{
		"None": {"a producer must produce something", `{}`, []string{`spec: Required value: ` + one}},
		"Two": {"v0.1 silently ignored the second", `{queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:1:jobs"}, reservedCapacity: {nodeSelector: {a: b}}}`,
			[]string{`spec: Invalid value: "queue, reservedCapacity": ` + one}},
		"QueueType": {"a closed list", `queue: {type: Kafka, id: jobs}`,
			[]string{`spec.queue.type: Unsupported value: "Kafka": supported values: "AWSSQSQueue"`}},
		"QueueName": {"a name has no region", `queue: {type: AWSSQSQueue, id: jobs}`,
			[]string{`spec.queue.id: Invalid value: "jobs": must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME`}},
		"ReservedNone": {"as in v0.1", `reservedCapacity: {nodeSelector: {}}`,
			[]string{`spec.reservedCapacity.nodeSelector: Invalid value: {}: must have exactly one entry, not 0`}},
		"ReservedTwo": {"as in v0.1", `reservedCapacity: {nodeSelector: {a: b, c: d}}`,
			[]string{`spec.reservedCapacity.nodeSelector: Invalid value: {"a":"b","c":"d"}: must have exactly one entry, not 2`}},
		"PendingAll": {"every node is no group", `pendingCapacity: {nodeSelector: {}}`,
			[]string{`spec.pendingCapacity.nodeSelector: Required value: the labels that select the nodes of one group`}},
		"PendingLabels": {"a new node would not belong to the group", `pendingCapacity: {nodeSelector: {a: b}, template: {labels: {a: c}, allocatable: {cpu: 1}}}`,
			[]string{`spec.pendingCapacity.template.labels[a]: Invalid value: "c": must be "b", as nodeSelector says, for the node to belong to the group`}},
		"PendingTemplate": {"each field of a template", `pendingCapacity: {nodeSelector: {a: b}, nodeGroupRef: {name: ""}, template: {taints: [{key: k, effect: Never}], allocatable: {memory: "-1", cpu: -1}}}`,
			[]string{
				`spec.pendingCapacity.nodeGroupRef.name: Required value: the name of a ScalableNodeGroup in the same namespace`,
				`spec.pendingCapacity.template.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"`,
				`spec.pendingCapacity.template.allocatable[cpu]: Invalid value: "-1": must be 0 or more`,
				`spec.pendingCapacity.template.allocatable[memory]: Invalid value: "-1": must be 0 or more`}},
		"PendingEmptyTemplate": {"a node of no size", `pendingCapacity: {nodeSelector: {a: b}, template: {allocatable: {}}}`,
			[]string{`spec.pendingCapacity.template.allocatable: Required value: what pods may request on a new node, e.g. {cpu: 4, memory: 16Gi}`}},
		"ZoneUnknown": {"no such zone", `scheduleSpec: {timezone: Mars/Olympus, defaultReplicas: 1, behaviors: []}`,
			[]string{`spec.scheduleSpec.timezone: Invalid value: "Mars/Olympus": must be the name of an IANA zone, e.g. Europe/Paris or UTC`}},
		"ZoneLocal": {"it would mean another time on another machine", `scheduleSpec: {timezone: Local, defaultReplicas: 1, behaviors: []}`,
			[]string{`spec.scheduleSpec.timezone: Invalid value: "Local": must be the name of an IANA zone, e.g. Europe/Paris or UTC`}},
		"ZoneEmpty": {"absent means UTC, empty is a mistake", `scheduleSpec: {timezone: "", defaultReplicas: 1, behaviors: []}`,
			[]string{`spec.scheduleSpec.timezone: Invalid value: "": must be the name of an IANA zone, e.g. Europe/Paris or UTC`}},
		"Negative": {"counts", `scheduleSpec: {defaultReplicas: -1, behaviors: [{replicas: -2, start: {}, end: {}}]}`,
			[]string{`spec.scheduleSpec.defaultReplicas: Invalid value: -1: must be at least 0`, `spec.scheduleSpec.behaviors[0].replicas: Invalid value: -2: must be at least 0`}},
		"TooMany": {"64 behaviors are the limit", `scheduleSpec: {defaultReplicas: 1, behaviors: [` + strings.Repeat(`{replicas: 1, start: {}, end: {}},`, 65) + `]}`,
			[]string{`spec.scheduleSpec.behaviors: Too many: 65: must have at most 64 items`}},
		"TooLong": {"256 bytes are the limit", behaviorWith(`{hours: "` + strings.Repeat("1,", 128) + `1"}`),
			[]string{start + `hours: Too long: may not be more than 256 bytes`}},
		"February30": {"there is no such date", behaviorWith(`{days: "30,31", months: Feb}`),
			[]string{start + `days: Invalid value: "30,31": must be a day that one of the months has: there is no such date in any year`}},
		"June31": {"nor this", behaviorWith(`{days: "31", months: "6,9"}`),
			[]string{start + `days: Invalid value: "31": must be a day that one of the months has: there is no such date in any year`}},
		"Hour25": {"there is no such hour", behaviorWith(`{hours: "25"}`),
			[]string{start + `hours: Invalid value: "25": must be a comma-separated list of numbers from 0 to 23, e.g. 9,17; ranges, steps and * are not supported`}},
		"All": {"each field of a pattern is named", behaviorWith(`{minutes: "60", hours: "9-17", days: "0", months: "Janu", weekdays: "*/2"}`), []string{
			start + `minutes: Invalid value: "60": must be a comma-separated list of numbers from 0 to 59, e.g. 0,30; ranges, steps and * are not supported`,
			start + `hours: Invalid value: "9-17": must be a comma-separated list of numbers from 0 to 23, e.g. 9,17; ranges, steps and * are not supported`,
			start + `days: Invalid value: "0": must be a comma-separated list of numbers from 1 to 31, e.g. 1,15; ranges, steps and * are not supported`,
			start + `months: Invalid value: "Janu": must be a comma-separated list of numbers from 1 to 12 or names, e.g. Jan,July; ranges, steps and * are not supported`,
			start + `weekdays: Invalid value: "*/2": must be a comma-separated list of numbers from 0 to 7 or names, e.g. Mon,Friday; ranges, steps and * are not supported`,
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, errs := compileProducer(t, c.spec)
			if diff := cmp.Diff(c.want, messages(errs)); diff != "" || p != nil {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// The examples in the form of Karpenter v0.1 compile, its misspelt ARN included.
func TestV01ExamplesCompile(t *testing.T) {
	paths, _ := filepath.Glob("../api/v1alpha1/testdata/v0.1/*.yaml")
	compiled := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split(string(text), "\n---\n") {
			var producer v1alpha1.MetricsProducer
			var group v1alpha1.ScalableNodeGroup
			var errs field.ErrorList
			switch {
			case strings.Contains(document, "\nkind: MetricsProducer"):
				if err := yaml.UnmarshalStrict([]byte(document), &producer); err != nil {
					t.Fatal(err)
				}
				_, errs = CompileProducer(&producer.Spec, field.NewPath("spec"))
			case strings.Contains(document, "\nkind: ScalableNodeGroup"):
				if err := yaml.UnmarshalStrict([]byte(document), &group); err != nil {
					t.Fatal(err)
				}
				_, errs = CompileNodeGroup(&group.Spec, field.NewPath("spec"))
			default:
				continue
			}
			if compiled++; errs != nil {
				t.Errorf("%s: %v", path, errs)
			}
		}
	}
	if compiled != 6 {
		t.Errorf("%d producers and node groups were compiled, want 6", compiled)
	}
}
