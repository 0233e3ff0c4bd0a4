package convert

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// walkthrough is the configuration of prometheus-adapter's own walkthrough, with rules
// of the other forms that its documentation has.
const walkthrough = `
rules:
- seriesQuery: 'http_requests_total{namespace!="",pod!=""}'
  resources:
    overrides:
      kubernetes_namespace: {resource: namespace}
      kubernetes_pod_name: {resource: pods}
  name: {matches: "^(.*)_total", as: "${1}_per_second"}
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'
- seriesQuery: '{__name__=~"^container_.*",container!="POD",namespace!="",pod!=""}'
  seriesFilters: [{isNot: "^container_.*_seconds_total$"}]
  resources: {template: "<<.Resource>>"}
  name: {matches: "^container_(.*)_total$"}
  metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>,container!="POD"}[2m])) by (<<.GroupBy>>)'
- seriesQuery: 'nginx_ingress_requests{ingress!=""}'
  resources: {template: "kube_<<.Resource>>"}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
- seriesQuery: 'cheddar{sharp="true"}'
  name: {as: cheesy_goodness}
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: 'count(cheddar{sharp="true",<<range $n, $v := .LabelValuesByName>><<$n>>=~"<<$v>>",<<end>>}) by (<<.GroupBy>>)'
- seriesQuery: 'half{namespace!=""}'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
- seriesQuery: 'broken{namespace!=""}'
  resources: {template: "<<.Resource>>"}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>'
externalRules:
- seriesQuery: '{__name__="queue_depth",topic!=""}'
  resources: {namespaced: false}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (name)'
- seriesQuery: '{__name__=~"^queue_.*"}'
  resources: {overrides: {ns: {resource: namespace}}}
  metricsQuery: 'max(<<.Series>>{<<.LabelMatchers>>})'
`

func TestAdapterRules(t *testing.T) {
	pods := func(name string) string {
		return "{type: Pods, pods: {metric: {name: " + name + "}, target: {type: AverageValue, averageValue: 1}}}"
	}
	external := func(name, selector string) string {
		return "{type: External, external: {metric: {name: " + name + selector + "}, target: {type: AverageValue, averageValue: 1}}}"
	}
	const ingress = "{type: Object, object: {metric: {name: nginx_ingress_requests}, describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}, target: {type: Value, value: 1}}}"
	const web = `web-[a-z0-9]+-[a-z0-9]{5}`
	names, _ := PodNames("Deployment", "web")
	tests := map[string]struct {
		reason, metric string
		queries        map[string]string
		// want is the query, or refused the text of the refusal.
		want, refused string
	}{
		"Walkthrough":     {"the name is turned back into the series", pods("http_requests_per_second"), nil, `sum(sum(rate(http_requests_total{kubernetes_namespace="shop",kubernetes_pod_name=~"` + names + `"}[2m])) by (kubernetes_pod_name))`, ""},
		"Given":           {"--metric goes before", pods("http_requests_per_second"), map[string]string{"http_requests_per_second": "x"}, "x", ""},
		"GroupOfPattern":  {"the group is what stands between the literals", pods("network_receive_bytes"), nil, `sum(sum(rate(container_network_receive_bytes_total{namespace="shop",pod=~"` + names + `",container!="POD"}[2m])) by (pod))`, ""},
		"Filtered":        {"a filter takes the series away from the rule", pods("cpu_usage_seconds"), nil, `sum(cpu_usage_seconds{namespace="shop",pod=~"` + names + `"})`, ""},
		"Object":          {"the resource's label comes from the template", ingress, nil, `sum(sum(nginx_ingress_requests{kube_namespace="shop",kube_ingress="main"}) by (kube_ingress))`, ""},
		"Renamed":         {"a name without a group, of a series that is named; values by label", pods("cheesy_goodness"), nil, `sum(count(cheddar{sharp="true",namespace=~"shop",pod=~"` + names + `",}) by (pod))`, ""},
		"External":        {"the first rule that serves it, and no namespace where that is switched off", external("queue_depth", ", selector: {matchLabels: {topic: orders}}"), nil, `sum(sum(queue_depth{topic="orders"}) by (name))`, ""},
		"ExternalInSpace": {"with the namespace otherwise", external("queue_age", ""), nil, `sum(max(queue_age{ns="shop"}))`, ""},
		"NoRule":          {"what no rule serves is assumed as before", external("lag", ""), nil, "sum(lag)", ""},
		"NoLabel":         {"a rule that has no label for pods", pods("half"), nil, "", "spec.metrics[0].pods.metric: prometheus-adapter's rules[4] serves half: its resources name no label for pod"},
		"NotPromQL":       {"a rule that makes no PromQL", pods("broken"), nil, "", "prometheus-adapter's rules[5] serves broken: not PromQL"},
	}
	if names != web {
		t.Fatalf("pods are matched by %s", names)
	}
	rules, err := ParseAdapterRules([]byte(walkthrough))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := yaml.YAMLToJSON([]byte(`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web, namespace: shop}, spec: {maxReplicas: 5,
				scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, metrics: [` + tc.metric + "]}}"))
			if err != nil {
				t.Fatal(err)
			}
			ruled := map[string]string{}
			got, err := JSON(text, Options{AdapterRules: rules, Queries: tc.queries, Ruled: func(key, query string) { ruled[key] = query }, Parse: func(query string) (bool, error) {
				if strings.Count(query, "{") != strings.Count(query, "}") {
					return false, errors.New("not PromQL")
				}
				return false, nil
			}})
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Errorf("%s: %v, want %s", tc.reason, err, tc.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ha := got.Objects[0].(*v1alpha1.HorizontalAutoscaler)
			if diff := cmp.Diff(tc.want, ha.Spec.Metrics[0].Prometheus.Query); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			for key, query := range ruled {
				if query != tc.want || !strings.HasPrefix(key, "shop/web/") {
					t.Errorf("%s is told as the query of %s", query, key)
				}
			}
		})
	}
}

// TestParseAdapterRules has the forms in which people have the rules.
func TestParseAdapterRules(t *testing.T) {
	const rule = "seriesQuery: a, metricsQuery: 'a{<<.LabelMatchers>>}'"
	tests := map[string]struct {
		reason, text     string
		custom, external int
		refused          string
	}{
		"Configuration": {"the adapter's own file", walkthrough, 6, 2, ""},
		"ConfigMap":     {"as the cluster has it", "apiVersion: v1\nkind: ConfigMap\ndata:\n  config.yaml: |\n" + strings.ReplaceAll(walkthrough, "\n", "\n    "), 6, 2, ""},
		"Values":        {"the values of the chart", "rules: {default: false, custom: [{" + rule + "}], external: [{" + rule + "}, {" + rule + "}]}", 1, 2, ""},
		"Nothing":       {"another file", "kind: Service", 0, 0, "no rules in it"},
		"NoYAML":        {"no YAML", "a: [", 0, 0, "not YAML of prometheus-adapter's rules"},
		"NoList":        {"rules that are none", "rules: [7]", 0, 0, "rules: not a list of prometheus-adapter's rules"},
		"Template":      {"a slip in the template", "rules: [{seriesQuery: a, metricsQuery: '<<.Series'}]", 0, 0, "rules[0].metricsQuery: "},
		"Pattern":       {"a slip in the pattern", "externalRules: [{" + rule + ", name: {matches: '('}}]", 0, 0, "externalRules[0].name.matches: "},
		"Filter":        {"a slip in a filter", "rules: [{" + rule + ", seriesFilters: [{is: '('}]}]", 0, 0, "rules[0].seriesFilters[0]: "},
		"Groups":        {"two groups and no name", "rules: [{" + rule + ", name: {matches: '(a)(b)'}}]", 0, 0, "rules[0].name.as: required beside several groups in matches"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseAdapterRules([]byte(tc.text))
			switch {
			case tc.refused != "":
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Errorf("%s: %v, want %s", tc.reason, err, tc.refused)
				}
			case err != nil:
				t.Error(err)
			case len(got.custom) != tc.custom || len(got.external) != tc.external:
				t.Errorf("%s: %d rules and %d external ones", tc.reason, len(got.custom), len(got.external))
			}
		})
	}
}
