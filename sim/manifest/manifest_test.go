package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const header = "apiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: HorizontalAutoscaler\n"

const web = header + `metadata:
  name: web
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 10
  metrics:
  - prometheus:
      query: sum(rate(requests[5m]))
      target: {type: AverageValue, averageValue: 100}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
`

// load parses and collects one file, joining the errors of both steps.
func load(t testing.TB, text string) (*Set, error) {
	t.Helper()
	docs, parseErr := Parse("f.yaml", []byte(text))
	for _, d := range docs {
		d.explicit = true
	}
	set, err := Collect(docs)
	return set, Join(parseErr, err)
}

func TestErrors(t *testing.T) {
	deep := "a: " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "\n"
	var bomb strings.Builder
	bomb.WriteString("x:\n- &a0 [1,1,1,1,1,1,1,1,1,1]\n")
	for i, prev := 1, "*a0"; i < 8; i++ {
		name := string(rune('0' + i))
		bomb.WriteString("- &a" + name + " [" + strings.TrimSuffix(strings.Repeat(prev+" , ", 10), ", ") + "]\n")
		prev = "*a" + name
	}
	cases := map[string]struct {
		reason, text, want string
	}{
		"UnknownField": {
			reason: "a misspelt field is named with its place and the likely name",
			text:   strings.Replace(web, "behavior", "behaviour", 1),
			want:   `f.yaml:13:3: spec.behaviour: unknown field; did you mean "behavior"?`,
		},
		"UnknownFieldDeep": {
			reason: "paths go through lists",
			text:   strings.Replace(web, "query:", "qeury:", 1),
			want:   `f.yaml:11:7: spec.metrics[0].prometheus.qeury: unknown field; did you mean "query"?`,
		},
		"UnknownFieldElsewhere": {
			reason: "a field one level too high is sent where it belongs",
			text:   web + "maxReplicas: 3\n",
			want:   `f.yaml:16:1: maxReplicas: unknown field; did you mean "spec.maxReplicas"?`,
		},
		"UnknownFieldFarOff": {
			reason: "where no name is near, those allowed are listed",
			text:   strings.Replace(web, "minReplicas: 1", "floor: 1", 1),
			want:   `f.yaml:7:3: spec.floor: unknown field; allowed: scaleTargetRef, minReplicas, maxReplicas, metrics, behavior, zero, pollingIntervalSeconds, dryRun`,
		},
		"CaseDiffers": {
			reason: "names are case-sensitive, as the API server's",
			text:   strings.Replace(web, "maxReplicas", "MaxReplicas", 1),
			want:   `f.yaml:8:3: spec.MaxReplicas: unknown field; did you mean "maxReplicas"?`,
		},
		"Template": {
			reason: "a chart's template is named as one, once, with the command that renders it",
			text:   header + "metadata: {name: {{ .Release.Name }}}\nspec: {maxReplicas: {{ .Values.max }}}\n",
			want:   `f.yaml:3:18: a template that is not rendered yet; render it first, e.g. helm template RELEASE CHART | karpenter ... -f -`,
		},
		"TemplateLine": {
			reason: "also where it is no YAML at all",
			text:   "{{- if .Values.enabled }}\n" + web + "{{- end }}\n",
			want:   `f.yaml:1:1: a template that is not rendered yet; render it first, e.g. helm template RELEASE CHART | karpenter ... -f -`,
		},
		"TemplateQuoted": {
			reason: "or a string",
			text:   strings.Replace(web, "maxReplicas: 10", "maxReplicas: \"{{ .Values.max }}\"", 1),
			want:   `f.yaml:8:16: a template that is not rendered yet; render it first, e.g. helm template RELEASE CHART | karpenter ... -f -`,
		},
		"TemplateOfKind": {
			reason: "even the version may be one",
			text:   "apiVersion: {{ include \"hpa.version\" . }}\nkind: HorizontalPodAutoscaler\n",
			want:   `f.yaml:1:1: a template that is not rendered yet; render it first, e.g. helm template RELEASE CHART | karpenter ... -f -`,
		},
		"Variable": {
			reason: "variables of a shell have to be substituted",
			text:   strings.Replace(web, "name: web", "name: ${NAME}", 1),
			want:   `f.yaml:4:9: metadata.name: "${NAME}" is no object name; want lower case letters, digits, '-' and '.', at most 253; substitute its variables first, e.g. envsubst < FILE | karpenter ... -f -`,
		},
		"DuplicateKey": {
			reason: "a key written twice is ambiguous",
			text:   strings.Replace(web, "  minReplicas: 1\n", "  minReplicas: 1\n  minReplicas: 2\n", 1),
			want:   `f.yaml:8:3: spec.minReplicas: key written twice; the first is at line 7`,
		},
		"NumberWanted": {
			reason: "a quoted number is a string",
			text:   strings.Replace(web, "maxReplicas: 10", `maxReplicas: "10"`, 1),
			want:   `f.yaml:8:16: spec.maxReplicas: want a whole number from -2147483648 to 2147483647, got the string "10"; write 10`,
		},
		"NumberTooLarge": {
			reason: "an int32 does not wrap",
			text:   strings.Replace(web, "maxReplicas: 10", `maxReplicas: 3000000000`, 1),
			want:   `f.yaml:8:16: spec.maxReplicas: want a whole number from -2147483648 to 2147483647, got the number 3000000000`,
		},
		"NumberFraction": {
			reason: "half a replica does not exist",
			text:   strings.Replace(web, "maxReplicas: 10", `maxReplicas: 1.5`, 1),
			want:   `f.yaml:8:16: spec.maxReplicas: want a whole number from -2147483648 to 2147483647, got the number 1.5`,
		},
		"StringWanted": {
			reason: "an unquoted number is no name",
			text:   strings.Replace(web, "name: web\n", "name: 12\n", 1),
			want:   `f.yaml:4:9: metadata.name: want a string, got the number 12; write it in quotes`,
		},
		"BooleanAsString": {
			reason: "YAML 1.1 takes on for true, as kubectl does",
			text:   strings.Replace(web, "  name: web\n", "  name: web\n  labels: {tier: on}\n", 1),
			want:   `f.yaml:5:18: metadata.labels[tier]: want a string, got the boolean true; write it in quotes`,
		},
		"MappingWanted": {
			reason: "a mapping cannot be text",
			text:   strings.Replace(web, "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}", "scaleTargetRef: web", 1),
			want:   `f.yaml:6:19: spec.scaleTargetRef: want a mapping, got the string "web"`,
		},
		"ListWanted": {
			reason: "a forgotten dash makes a mapping",
			text:   strings.Replace(web, "  - prometheus:", "    prometheus:", 1),
			want:   `f.yaml:9:3: spec.metrics: want a list, got a mapping`,
		},
		"Quantity": {
			reason: "a quantity has its own syntax",
			text:   strings.Replace(web, "averageValue: 100", "averageValue: 100rps", 1),
			want:   `f.yaml:12:50: spec.metrics[0].prometheus.target.averageValue: want a quantity such as 2, "0.5", "500m" or "1Gi", got the string "100rps"`,
		},
		"QuantityHuge": {
			reason: "an absurd exponent must not keep the parser busy",
			text:   strings.Replace(web, "averageValue: 100", `averageValue: "1e-999999999"`, 1),
			want:   `f.yaml:12:50: spec.metrics[0].prometheus.target.averageValue: want a quantity such as 2, "0.5", "500m" or "1Gi", got the string "1e-999999999"`,
		},
		"Duration": {
			reason: "a duration has a unit",
			text:   strings.Replace(web, "  - prometheus:", "  - fallback: {replicas: 4, after: 90}\n    prometheus:", 1),
			want:   `f.yaml:10:36: spec.metrics[0].fallback.after: want a duration such as 90s or 5m, got the number 90`,
		},
		"NotANumber": {
			reason: "JSON has no NaN",
			text:   strings.Replace(web, "maxReplicas: 10", "maxReplicas: .nan", 1),
			want:   `f.yaml:8:16: spec.maxReplicas: .nan is no number that JSON can carry`,
		},
		"Tag": {
			reason: "local tags mean nothing to Kubernetes",
			text:   strings.Replace(web, "maxReplicas: 10", "maxReplicas: !env MAX", 1),
			want:   `f.yaml:8:16: spec.maxReplicas: tag !env is not supported; write the value without it`,
		},
		"NoName": {
			reason: "an object without name cannot be spoken of",
			text:   header + "metadata: {namespace: shop}\n",
			want:   `f.yaml:3:11: metadata.name: required`,
		},
		"BadName": {
			reason: "the API server would refuse it",
			text:   header + "metadata: {name: Web_1}\n",
			want:   `f.yaml:3:18: metadata.name: "Web_1" is no object name; want lower case letters, digits, '-' and '.', at most 253`,
		},
		"BadNamespace": {
			reason: "the API server would refuse it",
			text:   header + "metadata: {name: web, namespace: a.b}\n",
			want:   `f.yaml:3:34: metadata.namespace: "a.b" is no namespace; want lower case letters, digits and '-', at most 63`,
		},
		"Twice": {
			reason: "both places of a name used twice are told; an absent namespace is default",
			text:   web + "---\n" + strings.Replace(web, "  name: web", "  namespace: default\n  name: web", 1),
			want:   `f.yaml:21:9: metadata.name: default/HorizontalAutoscaler/web is defined twice; the first is at f.yaml:4:9`,
		},
		"Version": {
			reason: "another version of our group is not guessed at",
			text:   strings.Replace(web, "v1alpha1", "v1alpha2", 1),
			want:   `f.yaml:1:13: apiVersion: unknown version "autoscaling.karpenter.sh/v1alpha2"; allowed: autoscaling.karpenter.sh/v1alpha1`,
		},
		"Kind": {
			reason: "our group has three kinds",
			text:   "apiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: Autoscaler\nmetadata: {name: web}\n",
			want:   `f.yaml:2:7: kind: unknown kind "Autoscaler" in autoscaling.karpenter.sh/v1alpha1; allowed: HorizontalAutoscaler, MetricsProducer, ScalableNodeGroup`,
		},
		"OurKindMissing": {
			reason: "an object of our group is never passed over",
			text:   "apiVersion: autoscaling.karpenter.sh/v1alpha1\nmetadata: {name: web}\n",
			want:   `f.yaml:1:1: kind: required; allowed: HorizontalAutoscaler, MetricsProducer, ScalableNodeGroup`,
		},
		"ScenarioKind": {
			reason: "the simulation's group has one kind",
			text:   "apiVersion: simulation.karpenter.sh/v1alpha1\nkind: Scenarios\n",
			want:   `f.yaml:2:7: kind: unknown kind "Scenarios" in simulation.karpenter.sh/v1alpha1; allowed: Scenario`,
		},
		"HPAMetadata": {
			reason: "labels of a foreign object are decoded strictly enough to identify it",
			text:   "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: 7}\n",
			want:   `f.yaml:3:18: metadata.name: want a string, got the number 7; write it in quotes`,
		},
		"ScenarioVersion": {
			reason: "another version of the scenario language is not guessed at",
			text:   "apiVersion: simulation.karpenter.sh/v2\nkind: Scenario\n",
			want:   `f.yaml:1:13: apiVersion: unknown version "simulation.karpenter.sh/v2"; allowed: simulation.karpenter.sh/v1alpha1`,
		},
		"NoKind": {
			reason: "a file named by the user must hold objects",
			text:   "groups: []\n",
			want:   `f.yaml:1:1: no Kubernetes object: want apiVersion and kind, both strings`,
		},
		"NoMapping": {
			reason: "a list at the top is no object",
			text:   "- a\n",
			want:   `f.yaml:1:1: not an object; want a mapping with apiVersion and kind`,
		},
		"Tab": {
			reason: "the parser's words come with the cure",
			text:   header + "metadata:\n\tname: web\n",
			want:   "f.yaml:4:2: invalid YAML: found character that cannot start any token; indent with spaces, not tabs, and quote values that start with @, ` or %",
		},
		"Colon": {
			reason: "the commonest mistake in queries",
			text:   header + "metadata:\n  name: a: b\n",
			want:   `f.yaml:4:3: invalid YAML: mapping values are not allowed in this context; check the indentation, and quote values that contain ": "`,
		},
		"UnknownAnchor": {
			reason: "an alias needs its anchor",
			text:   header + "metadata: *m\n",
			want:   `f.yaml:3:11: invalid YAML: unknown anchor 'm' referenced`,
		},
		"Merge": {
			reason: "only mappings can be merged",
			text:   header + "metadata:\n  name: web\n  <<: 5\n",
			want:   `f.yaml:5:7: metadata: << wants a mapping or a list of mappings`,
		},
		"Key": {
			reason: "JSON keys are strings",
			text:   header + "metadata:\n  ? [a]\n  : b\n  name: web\n",
			want:   `f.yaml:4:5: metadata: a key must be a string`,
		},
		"Deep": {
			reason: "nesting is bounded",
			text:   header + deep,
			want:   `f.yaml:3:204: nested deeper than 200 levels`,
		},
		"Cycle": {
			reason: "an alias inside its own anchor never ends",
			text:   header + "metadata: &m {name: web, labels: *m}\n",
			want:   `f.yaml:3:34: metadata.labels.labels: the alias *m contains itself`,
		},
		"Bomb": {
			reason: "aliases must not grow a small file without bound",
			text:   header + bomb.String(),
			want:   `f.yaml:4:12: aliases expand to more than 100000 nodes`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.text)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}
