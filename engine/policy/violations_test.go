package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestViolations holds the whole line of every violation: the field, what it
// holds, what is allowed.
func TestViolations(t *testing.T) {
	metric := func(prometheus string) string { return "metrics: [{prometheus: {" + prometheus + "}}]" }
	target := func(target string) string { return metric("query: m, target: {" + target + "}") }
	down := func(rules string) string { return "behavior: {scaleDown: {" + rules + "}}" }
	rate := func(policy string) string { return "behavior: {scaleUp: {policies: [{" + policy + "}]}}" }
	good := `{type: Count, value: 1, periodSeconds: 60}`
	cases := map[string]struct {
		reason string
		spec   string
		want   []string
	}{
		"NoKind": {"a target needs a kind", `scaleTargetRef: {kind: "", name: web}`, []string{
			`spec.scaleTargetRef.kind: Required value: the kind of the resource to scale, e.g. Deployment`,
		}},
		"NoName": {"a target needs a name", `scaleTargetRef: {kind: Deployment, name: ""}`, []string{
			`spec.scaleTargetRef.name: Required value: the name of the resource to scale`,
		}},
		"NegativeMin": {"replicas are not negative", `minReplicas: -1`, []string{
			`spec.minReplicas: Invalid value: -1: must be at least 0`,
		}},
		"NegativeMax": {"nor is their upper bound", `{minReplicas: -2, maxReplicas: -1}`, []string{
			`spec.minReplicas: Invalid value: -2: must be at least 0`,
			`spec.maxReplicas: Invalid value: -1: must be at least 0`,
		}},
		"MinAboveMax": {"Karpenter v0.1 took max in silence", `minReplicas: 11`, []string{
			`spec.minReplicas: Invalid value: 11: must be at most maxReplicas (10)`,
		}},
		"IntervalZero": {"a grid needs a spacing", `pollingIntervalSeconds: 0`, []string{
			`spec.pollingIntervalSeconds: Invalid value: 0: must be between 1 and 300 seconds`,
		}},
		"IntervalLong": {"five minutes at most", `pollingIntervalSeconds: 301`, []string{
			`spec.pollingIntervalSeconds: Invalid value: 301: must be between 1 and 300 seconds`,
		}},
		"NoSource": {"a metric without source panicked in v0.1", `metrics: [{}]`, []string{
			`spec.metrics[0].prometheus: Required value: each metric needs exactly one source, and prometheus is the only one`,
		}},
		"NoQuery": {"a metric needs a query", metric(`query: "", target: {type: Value, value: 1}`), []string{
			`spec.metrics[0].prometheus.query: Required value: a PromQL expression that yields one sample`,
		}},
		"BlankQuery": {"blanks are no query", metric(`query: "  ", target: {type: Value, value: 1}`), []string{
			`spec.metrics[0].prometheus.query: Required value: a PromQL expression that yields one sample`,
		}},
		"LongQuery": {"the query is not repeated in the message", metric("query: " + strings.Repeat("m", 8193) + ", target: {type: Value, value: 1}"), []string{
			`spec.metrics[0].prometheus.query: Too long: may not be more than 8192 bytes`,
		}},
		"NoType": {"v0.1 kept the replicas for an unknown type", target(`value: 1`), []string{
			`spec.metrics[0].prometheus.target.type: Unsupported value: "": supported values: "Value", "AverageValue", "Utilization"`,
		}},
		"UnknownType": {"types are spelt exactly", target(`type: value, value: 1`), []string{
			`spec.metrics[0].prometheus.target.type: Unsupported value: "value": supported values: "Value", "AverageValue", "Utilization"`,
		}},
		"NoValue": {"v0.1 panicked without a value", target(`type: Value`), []string{
			`spec.metrics[0].prometheus.target.value: Required value: the target of a metric of type Value`,
		}},
		"ValueElsewhere": {"averageValue is of another type", target(`type: Value, averageValue: 1`), []string{
			`spec.metrics[0].prometheus.target.value: Required value: the target of a metric of type Value`,
		}},
		"NoAverage": {"either field would do, the type's own is named", target(`type: AverageValue`), []string{
			`spec.metrics[0].prometheus.target.averageValue: Required value: the target of a metric of type AverageValue`,
		}},
		"NoUtilization": {"either field would do, the type's own is named", target(`type: Utilization`), []string{
			`spec.metrics[0].prometheus.target.averageUtilization: Required value: the target of a metric of type Utilization`,
		}},
		"FallbackBelow": {"a fallback lies within the bounds", metric(`query: m, target: {type: Value, value: 1}}, fallback: {replicas: 0, after: 10s`), []string{
			`spec.metrics[0].fallback.replicas: Invalid value: 0: must be between minReplicas (1) and maxReplicas (10)`,
		}},
		"FallbackAbove": {"a fallback lies within the bounds", metric(`query: m, target: {type: Value, value: 1}}, fallback: {replicas: 11, after: 24h`), []string{
			`spec.metrics[0].fallback.replicas: Invalid value: 11: must be between minReplicas (1) and maxReplicas (10)`,
		}},
		"FallbackSleeper": {"which are those of targets that are awake", "{minReplicas: 0, zero: {}, " + metric(`query: m, target: {type: Value, value: 1}}, fallback: {replicas: 0, after: 10s`) + "}", []string{
			`spec.metrics[0].fallback.replicas: Invalid value: 0: must be between minReplicas (1) and maxReplicas (10)`,
		}},
		"FallbackSoon": {"one failure is none", "{pollingIntervalSeconds: 30, " + metric(`query: m, target: {type: Value, value: 1}}, fallback: {replicas: 4, after: 29s`) + "}", []string{
			`spec.metrics[0].fallback.after: Invalid value: "29s": must be between one polling interval (30 s) and 24h`,
		}},
		"FallbackNever": {"a day is long", metric(`query: m, target: {type: Value, value: 1}}, fallback: {replicas: 4, after: 24h0m1s`), []string{
			`spec.metrics[0].fallback.after: Invalid value: "24h0m1s": must be between one polling interval (10 s) and 24h`,
		}},
		"FallbackFraction": {"slots are whole seconds", metric(`query: m, target: {type: Value, value: 1}}, fallback: {replicas: 4, after: 30.5s`), []string{
			`spec.metrics[0].fallback.after: Invalid value: "30.5s": must be whole seconds`,
		}},
		"ZeroValue": {"nothing is in proportion to 0", target(`type: Value, value: 0`), []string{
			`spec.metrics[0].prometheus.target.value: Invalid value: "0": must be greater than 0`,
		}},
		"NegativeAverage": {"the field that serves is named", target(`type: AverageValue, averageValue: -3, value: 1`), []string{
			`spec.metrics[0].prometheus.target.averageValue: Invalid value: "-3": must be greater than 0`,
		}},
		"ZeroFallback": {"the fallback is named where it serves", target(`type: AverageValue, value: 0`), []string{
			`spec.metrics[0].prometheus.target.value: Invalid value: "0": must be greater than 0`,
		}},
		"ZeroUtilization": {"0 % of nothing", target(`type: Utilization, averageUtilization: 0`), []string{
			`spec.metrics[0].prometheus.target.averageUtilization: Invalid value: "0": must be greater than 0`,
		}},
		"ManyMetrics": {"17 of 16", "metrics: [" + strings.Repeat(`{prometheus: {query: m, target: {type: Value, value: 1}}},`, 17) + "]", []string{
			`spec.metrics: Too many: 17: must have at most 16 items`,
		}},
		"NegativeWindow": {"a window lies in the past", down(`stabilizationWindowSeconds: -1`), []string{
			`spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: -1: must be between 0 and 3600 seconds`,
		}},
		"LongWindow": {"an hour at most", `{pollingIntervalSeconds: 300, behavior: {scaleDown: {stabilizationWindowSeconds: 3601}}}`, []string{
			`spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be between 0 and 3600 seconds`,
		}},
		"WindowIntervals": {"the state holds 360 entries", `{pollingIntervalSeconds: 2, behavior: {scaleDown: {stabilizationWindowSeconds: 721}}}`, []string{
			`spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 721: must be at most 720 seconds, 360 times pollingIntervalSeconds (2)`,
		}},
		"NegativeTolerance": {"a distance is not negative", down(`tolerance: -100m`), []string{
			`spec.behavior.scaleDown.tolerance: Invalid value: "-100m": must be at least 0, e.g. 0.1 for 10 %`,
		}},
		"UnknownSelect": {"v0.1 let anything pass for Max", down(`selectPolicy: max`), []string{
			`spec.behavior.scaleDown.selectPolicy: Unsupported value: "max": supported values: "Max", "Min", "Disabled"`,
		}},
		"ManyPolicies": {"17 of 16", "behavior: {scaleUp: {policies: [" + strings.Repeat(good+",", 17) + "]}}", []string{
			`spec.behavior.scaleUp.policies: Too many: 17: must have at most 16 items`,
		}},
		"UnknownRate": {"types are spelt exactly", rate(`type: percent, value: 1, periodSeconds: 60`), []string{
			`spec.behavior.scaleUp.policies[0].type: Unsupported value: "percent": supported values: "Count", "Percent", "Pods"`,
		}},
		"ZeroRate": {"selectPolicy Disabled says that", rate(`type: Count, value: 0, periodSeconds: 60`), []string{
			`spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be at least 1`,
		}},
		"ZeroPeriod": {"a period is at least a second", rate(`type: Count, value: 1, periodSeconds: 0`), []string{
			`spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be between 1 and 1800 seconds`,
		}},
		"LongPeriod": {"half an hour at most", rate(`type: Count, value: 1, periodSeconds: 1801`), []string{
			`spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be between 1 and 1800 seconds`,
		}},
		"PeriodIntervals": {"the state holds 360 events", `{pollingIntervalSeconds: 1, behavior: {scaleUp: {policies: [{type: Count, value: 1, periodSeconds: 361}]}}}`, []string{
			`spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 361: must be at most 360 seconds, 360 times pollingIntervalSeconds (1)`,
		}},
		"BadIntervalOnly": {"a bad interval is said once, not for every window as well", `{pollingIntervalSeconds: -1, behavior: {scaleDown: {stabilizationWindowSeconds: 3000}}}`, []string{
			`spec.pollingIntervalSeconds: Invalid value: -1: must be between 1 and 300 seconds`,
		}},
		"Several": {"one pass finds all, in the order of the fields", `
scaleTargetRef: {kind: Deployment, name: ""}
minReplicas: 11
pollingIntervalSeconds: 0
metrics:
- prometheus: {query: m, target: {type: Value, value: 1}}
- prometheus: {query: "", target: {type: Utilization}}
- {}
behavior:
  scaleUp: {tolerance: -1, policies: [{type: Count, value: 1, periodSeconds: 60}, {type: Step, value: 0, periodSeconds: 0}]}
  scaleDown: {stabilizationWindowSeconds: 4000, selectPolicy: None}`, []string{
			`spec.scaleTargetRef.name: Required value: the name of the resource to scale`,
			`spec.pollingIntervalSeconds: Invalid value: 0: must be between 1 and 300 seconds`,
			`spec.minReplicas: Invalid value: 11: must be at most maxReplicas (10)`,
			`spec.metrics[1].prometheus.query: Required value: a PromQL expression that yields one sample`,
			`spec.metrics[1].prometheus.target.averageUtilization: Required value: the target of a metric of type Utilization`,
			`spec.metrics[2].prometheus: Required value: each metric needs exactly one source, and prometheus is the only one`,
			`spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be at least 0, e.g. 0.1 for 10 %`,
			`spec.behavior.scaleUp.policies[1].type: Unsupported value: "Step": supported values: "Count", "Percent", "Pods"`,
			`spec.behavior.scaleUp.policies[1].value: Invalid value: 0: must be at least 1`,
			`spec.behavior.scaleUp.policies[1].periodSeconds: Invalid value: 0: must be between 1 and 1800 seconds`,
			`spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 4000: must be between 0 and 3600 seconds`,
			`spec.behavior.scaleDown.selectPolicy: Unsupported value: "None": supported values: "Max", "Min", "Disabled"`,
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, errs := compile(t, c.spec)
			var got []string
			for _, err := range errs {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(c.want, got); diff != "" || p != nil {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}
