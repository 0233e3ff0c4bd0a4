package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

func loadWeb(t testing.TB) Autoscaler {
	t.Helper()
	set, err := load(t, web)
	if err != nil {
		t.Fatal(err)
	}
	return set.Autoscalers[0]
}

// specText is the object's spec as YAML, which shows every difference.
func specText(t *testing.T, a *v1alpha1.HorizontalAutoscaler) string {
	t.Helper()
	text, err := Marshal(struct {
		Labels map[string]string                 `json:"labels,omitempty"`
		Spec   v1alpha1.HorizontalAutoscalerSpec `json:"spec"`
	}{a.Labels, a.Spec})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAssign(t *testing.T) {
	cases := map[string]struct {
		reason string
		set    []string
		// old and new are the lines that change.
		old, new string
	}{
		"Number":       {"a whole number", []string{"spec.maxReplicas=20"}, "  maxReplicas: 10\n", "  maxReplicas: 20\n"},
		"Several":      {"commas separate, and later ones win", []string{"spec.maxReplicas=20,spec.minReplicas=2", "spec.minReplicas=3"}, "  minReplicas: 1\n  maxReplicas: 10\n", "  minReplicas: 3\n  maxReplicas: 20\n"},
		"Boolean":      {"true and false are booleans", []string{"spec.dryRun=true"}, "300\n", "300\n  dryRun: true\n"},
		"MakeMappings": {"missing mappings are made on the way", []string{"spec.behavior.scaleUp.tolerance=0.1"}, "  behavior:\n", "  behavior:\n    scaleUp:\n      tolerance: 100m\n"},
		"Element":      {"an index is an element of a list", []string{"spec.metrics[0].prometheus.query=up"}, "query: sum(rate(requests[5m]))", "query: up"},
		"Append":       {"an index equal to the length appends", []string{"spec.metrics[1].prometheus.query=up,spec.metrics[1].prometheus.target.type=Value"}, "  behavior:\n", "    - prometheus:\n        query: up\n        target:\n          type: Value\n  behavior:\n"},
		"MakeList":     {"index 0 of an absent list makes it", []string{"spec.behavior.scaleDown.policies[0].value=3"}, "      stabilizationWindowSeconds: 300\n", "      stabilizationWindowSeconds: 300\n      policies:\n        - type: \"\"\n          value: 3\n          periodSeconds: 0\n"},
		"Delete":       {"null deletes a field", []string{"spec.behavior.scaleDown=null"}, "  behavior:\n    scaleDown:\n      stabilizationWindowSeconds: 300\n", "  behavior: {}\n"},
		"DeleteItem":   {"null deletes an element of a list", []string{"spec.metrics[0]=null"}, "  metrics:\n    - prometheus:\n        query: sum(rate(requests[5m]))\n        target:\n          type: AverageValue\n          averageValue: \"100\"\n", ""},
		"DeleteAbsent": {"deleting what is absent changes nothing", []string{"spec.behavior.scaleUp.tolerance=null"}, "", ""},
		"Comma":        {"a backslash takes a comma literally, and a backslash", []string{`spec.metrics[0].prometheus.query=a\,b\\c\d`}, "query: sum(rate(requests[5m]))", `query: a,b\c\d`},
		"Quoted":       {"in quotes everything is a string, commas included", []string{`spec.metrics[0].prometheus.query="sum by (a, b) (x{l=\"v\"})",spec.minReplicas=2`}, "query: sum(rate(requests[5m]))", "query: sum by (a, b) (x{l=\"v\"})" /* minReplicas below */},
		"SingleQuotes": {"quotes inside others need no backslash", []string{`spec.metrics[0].prometheus.query='up{a="b"}'`}, "query: sum(rate(requests[5m]))", `query: up{a="b"}`},
		"BareQuery":    {"quotes inside a value are ordinary characters", []string{`spec.metrics[0].prometheus.query=up{a="b"} == 1`}, "query: sum(rate(requests[5m]))", `query: up{a="b"} == 1`},
		"QuotedNumber": {"a number in quotes stays a string", []string{`metadata.labels.version="5"`}, "spec:\n", "labels:\n  version: \"5\"\nspec:\n"},
		"EscapedDot":   {"a backslash takes a dot of a key literally", []string{`metadata.labels.app\.kubernetes\.io/name=web`}, "spec:\n", "labels:\n  app.kubernetes.io/name: web\nspec:\n"},
		"Quantity":     {"a fraction is text, which quantities accept", []string{"spec.metrics[0].prometheus.target.averageValue=0.5"}, `averageValue: "100"`, "averageValue: 500m"},
		"Empty":        {"an empty value is an empty string", []string{"spec.metrics[0].prometheus.query="}, "query: sum(rate(requests[5m]))", `query: ""`},
		"LeadingZero":  {"only plain decimals are numbers", []string{"metadata.labels.v=007"}, "spec:\n", "labels:\n  v: \"007\"\nspec:\n"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := loadWeb(t)
			before := specText(t, e.Object)
			want := strings.Replace(before, tc.old, tc.new, 1)
			if name == "Quoted" {
				want = strings.Replace(want, "minReplicas: 1", "minReplicas: 2", 1)
			}
			got, err := Assign(e, tc.set)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, specText(t, got.Object)); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(before, specText(t, e.Object)); diff != "" {
				t.Errorf("the object given must stay as it was\n%s", diff)
			}
			if got.Object.Namespace != e.Object.Namespace || got.Object.Name != e.Object.Name {
				t.Errorf("the object changed its name: %s/%s", got.Object.Namespace, got.Object.Name)
			}
			bare, err := Assign(Autoscaler{Object: e.Object}, tc.set)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, specText(t, bare.Object)); diff != "" {
				t.Errorf("an object without document must change alike\n-want +got:\n%s", diff)
			}
		})
	}
}

func TestAssignErrors(t *testing.T) {
	cases := map[string]struct{ reason, set, want string }{
		"Unknown":       {"a misspelt field would change nothing", "spec.behaviour.scaleUp=null", `set "spec.behaviour.scaleUp=null": spec.behaviour: unknown field; did you mean "behavior"?`},
		"NoSpec":        {"paths start at the object", "maxReplicas=3", `set "maxReplicas=3": maxReplicas: unknown field; did you mean "spec.maxReplicas"?`},
		"Range":         {"the length helps to find the right index", "spec.metrics[2].prometheus.query=up", `set "spec.metrics[2].prometheus.query=up": spec.metrics[2]: index 2 is out of range: the list has 1 element`},
		"DeleteRange":   {"nothing can be deleted behind the end", "spec.metrics[1]=null", `set "spec.metrics[1]=null": spec.metrics[1]: index 1 is out of range: the list has 1 element`},
		"Index":         {"an index is a number", "spec.metrics[x]=1", `set "spec.metrics[x]=1": spec.metrics: "x" is no list index; want a number from 0 to 65536`},
		"HugeIndex":     {"indexes are bounded before anything is looked up", "spec.metrics[99999999999]=1", `set "spec.metrics[99999999999]=1": spec.metrics: "99999999999" is no list index; want a number from 0 to 65536`},
		"NoIndex":       {"a list needs an index", "spec.metrics.prometheus=1", `set "spec.metrics.prometheus=1": spec.metrics.prometheus: the field is a list; want an index such as [0] before "prometheus"`},
		"NoList":        {"only lists have indexes", "spec.maxReplicas[0]=1", `set "spec.maxReplicas[0]=1": spec.maxReplicas[0]: the field is no list`},
		"NoMapping":     {"only mappings have keys", "spec.maxReplicas.x=1", `set "spec.maxReplicas.x=1": spec.maxReplicas.x: the field is no mapping, it has nothing called "x"`},
		"Type":          {"values are checked as in files", "spec.maxReplicas=many", `set "spec.maxReplicas=many": spec.maxReplicas: want a whole number from -2147483648 to 2147483647, got the string "many"`},
		"StringType":    {"a number is no string", "spec.scaleTargetRef.name=5", `set "spec.scaleTargetRef.name=5": spec.scaleTargetRef.name: want a string, got the number 5; write it in quotes`},
		"ListForScalar": {"a list is no number", "spec.maxReplicas={1,2}", `set "spec.maxReplicas={1,2}": spec.maxReplicas: want a whole number from -2147483648 to 2147483647, got a list`},
		"Fixed":         {"a variant of an object keeps its name", "metadata.name=x", `set "metadata.name=x": metadata.name: metadata.name cannot be set`},
		"Metadata":      {"its labels can change, not all that names it", "metadata=null", `set "metadata=null": metadata: metadata cannot be set`},
		"Status":        {"status is no part of a manifest", "status.reason=x", `set "status.reason=x": status.reason: status cannot be set`},
		"NoValue":       {"an assignment has a value", "spec.maxReplicas", `set "spec.maxReplicas": spec.maxReplicas: no value; want PATH=VALUE`},
		"NoPath":        {"an assignment has a path", "=3", `set "=3": empty name in the path; want PATH=VALUE such as spec.maxReplicas=20`},
		"EmptyName":     {"two dots have nothing between them", "spec..x=3", `set "spec..x=3": empty name in the path; want PATH=VALUE such as spec.maxReplicas=20`},
		"TrailingDot":   {"a path ends in a name", "spec.=3", `set "spec.=3": spec: the path ends in a dot`},
		"TrailingComma": {"a comma has something behind it", "spec.maxReplicas=3,", `set "spec.maxReplicas=3,": nothing after the last comma; want PATH=VALUE`},
		"Bracket":       {"brackets are closed", "spec.metrics[0=3", `set "spec.metrics[0=3": spec.metrics: bracket [ without ]`},
		"AfterBracket":  {"a bracket ends the name", "spec.metrics[0]x=3", `set "spec.metrics[0]x=3": spec.metrics[0]: want . or = after ]`},
		"OpenQuote":     {"quotes are closed", `spec.minReplicas="3`, `set "spec.minReplicas=\"3": spec.minReplicas: quote " is not closed`},
		"AfterQuote":    {"a quote ends the value", `spec.minReplicas="3"4`, `set "spec.minReplicas=\"3\"4": spec.minReplicas: text after the closing quote: "4"`},
		"OpenList":      {"a query that starts with a brace needs quotes", `spec.metrics[0].prometheus.query={a="b"`, `set "spec.metrics[0].prometheus.query={a=\"b\"": spec.metrics[0].prometheus.query: list { without }; quote a value that starts with a brace`},
		"AfterList":     {"so does one that goes on behind the brace", `spec.metrics[0].prometheus.query={a="b"} > 1`, `set "spec.metrics[0].prometheus.query={a=\"b\"} > 1": spec.metrics[0].prometheus.query: text after the end of the value: " > 1"`},
		"BareComma":     {"a comma of a query that is not escaped starts a new path", "spec.metrics[0].prometheus.query=sum by (a, b) (x)", `set "spec.metrics[0].prometheus.query=sum by (a, b) (x)": [ b) (x)]: no value; want PATH=VALUE; a comma inside a value needs a backslash or quotes`},
		"EmptyText":     {"an empty assignment comes from an unset variable", "", `set "": empty name in the path; want PATH=VALUE such as spec.maxReplicas=20`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Assign(loadWeb(t), []string{tc.set})
			if diff := cmp.Diff(tc.want, message(err)); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestAssignCollectsErrors(t *testing.T) {
	_, err := Assign(loadWeb(t), []string{"spec.maxreplica=3", "spec.min=1,spec.dryrun=true"})
	want := `set "spec.maxreplica=3": spec.maxreplica: unknown field; did you mean "maxReplicas"?
set "spec.min=1": spec.min: unknown field; allowed: scaleTargetRef, minReplicas, maxReplicas, metrics, behavior, zero, pollingIntervalSeconds, dryRun
set "spec.dryrun=true": spec.dryrun: unknown field; did you mean "dryRun"?`
	if diff := cmp.Diff(want, message(err)); diff != "" {
		t.Errorf("every assignment is judged\n-want +got:\n%s", diff)
	}
}

func TestSetAssign(t *testing.T) {
	set, err := load(t, web+"---\n"+strings.Replace(web, "  name: web\n", "  name: api\n", 1)+"---\n"+group)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := set.Assign([]string{"spec.maxReplicas=20"})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range changed.Autoscalers {
		if e.Object.Spec.MaxReplicas != 20 || set.Autoscalers[i].Object.Spec.MaxReplicas != 10 {
			t.Errorf("%s: every autoscaler of the copy changes and none of the original", e.Object.Name)
		}
	}
	if changed.NodeGroups[0].Object != set.NodeGroups[0].Object {
		t.Error("without an object in front only autoscalers change")
	}
	_, err = set.Assign([]string{"spec.max=1"})
	want := `set "spec.max=1": spec.max: unknown field; allowed: scaleTargetRef, minReplicas, maxReplicas, metrics, behavior, zero, pollingIntervalSeconds, dryRun`
	if diff := cmp.Diff(want, message(err)); diff != "" {
		t.Errorf("one mistake is told once\n-want +got:\n%s", diff)
	}
}

// TestSetAssignObject has an object in front of the path.
func TestSetAssignObject(t *testing.T) {
	cases := map[string]struct {
		reason string
		set    []string
		// web, api and workers are maxReplicas and spec.replicas afterwards.
		web, api, workers int32
		err               string
	}{
		"NodeGroup":  {"kubectl's short name of a kind", []string{"sng/workers:spec.replicas=7"}, 10, 10, 7, ""},
		"Several":    {"what follows a comma is of the same object", []string{"sng/workers:spec.replicas=7,spec.dryRun=true"}, 10, 10, 7, ""},
		"LongName":   {"namespace, kind and name", []string{"default/ScalableNodeGroup/workers:spec.replicas=7"}, 10, 10, 7, ""},
		"Plural":     {"kubectl takes plurals too", []string{"scalablenodegroups/workers:spec.replicas=7"}, 10, 10, 7, ""},
		"OneOfTwo":   {"one autoscaler and not the other", []string{"ha/api:spec.maxReplicas=20"}, 10, 20, 3, ""},
		"InOrder":    {"later assignments win", []string{"spec.maxReplicas=20", "ha/api:spec.maxReplicas=30", "sng/workers:spec.replicas=1"}, 20, 30, 1, ""},
		"NotBefore":  {"of any object", []string{"ha/api:spec.maxReplicas=30", "spec.maxReplicas=20"}, 20, 20, 3, ""},
		"ColonValue": {"a colon in a value is no object's", []string{"spec.metrics[0].prometheus.query=a:b/c:d"}, 10, 10, 3, ""},
		"NoObject": {"an object that is not there", []string{"sng/other:spec.replicas=7"}, 0, 0, 0,
			`set "sng/other:spec.replicas=7": there is no default/ScalableNodeGroup/other; there is default/ScalableNodeGroup/workers`},
		"NoObjectOfTwo": {"what there is instead", []string{"shop/ha/web:spec.maxReplicas=7"}, 0, 0, 0,
			`set "shop/ha/web:spec.maxReplicas=7": there is no shop/HorizontalAutoscaler/web; there are default/HorizontalAutoscaler/web and default/HorizontalAutoscaler/api`},
		"NoObjectOfKind": {"nothing, if so", []string{"mp/web:spec.timezone=UTC"}, 0, 0, 0, `set "mp/web:spec.timezone=UTC": there is no default/MetricsProducer/web`},
		"NoKind": {"an object of another kind", []string{"deployment/web:spec.replicas=7"}, 0, 0, 0,
			`set "deployment/web:spec.replicas=7": "deployment/web" is no object to change; want [NAMESPACE/]KIND/NAME of a HorizontalAutoscaler (ha), MetricsProducer (mp) or ScalableNodeGroup (sng), such as sng/workers:spec.replicas=3`},
		"NoField": {"the fields are the kind's", []string{"sng/workers:spec.maxReplicas=7"}, 0, 0, 0,
			`set "spec.maxReplicas=7": spec.maxReplicas: unknown field; did you mean "replicas"?`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			set, err := load(t, web+"---\n"+strings.Replace(web, "  name: web\n", "  name: api\n", 1)+"---\n"+strings.Replace(group, "name: nodes", "name: workers", 1))
			if err != nil {
				t.Fatal(err)
			}
			changed, err := set.Assign(c.set)
			if diff := cmp.Diff(c.err, message(err)); diff != "" {
				t.Fatalf("%s\n-want +got:\n%s", c.reason, diff)
			}
			if err != nil {
				return
			}
			got := [3]int32{changed.Autoscalers[0].Object.Spec.MaxReplicas, changed.Autoscalers[1].Object.Spec.MaxReplicas, *changed.NodeGroups[0].Object.Spec.Replicas}
			if want := [3]int32{c.web, c.api, c.workers}; got != want {
				t.Errorf("%s: got %v, want %v", c.reason, got, want)
			}
		})
	}
}

func FuzzAssign(f *testing.F) {
	f.Add("spec.maxReplicas=20,spec.metrics[0].prometheus.query='a,b'")
	f.Add(`spec.metrics[1]={a,{b},c},x\.y[0][1].z=null`)
	f.Add(`metadata.labels.a\=b="\"",spec.behavior=null`)
	e := loadWeb(f)
	f.Fuzz(func(t *testing.T, text string) {
		changed, err := Assign(e, []string{text})
		if err == nil && changed.Object.Name != e.Object.Name {
			t.Errorf("%q renamed the object", text)
		}
	})
}
