package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/karpenter-sim/karpenter/reports/fleet"
)

// A changeRule makes a head of a base: the HPA of a load with some text replaced.
// What it means in numbers is said apart, for the ground truth. Each load has a strength
// of its own, where there are any.
type changeRule struct {
	name      string
	apply     func(base, load, strength string) string
	means     func(p *plainPolicy, strength float64)
	strengths []float64
}

// strength of the change of a load.
func (r *changeRule) strength(load int) float64 {
	if len(r.strengths) == 0 {
		return 0
	}
	return r.strengths[load%len(r.strengths)]
}

// basePolicy is what the HPA before the changes means.
func basePolicy(downTolerance float64) *plainPolicy {
	return &plainPolicy{min: 2, max: 30, target: 10, factor: 1, pods: 4, period: 60, downWindow: 300, downTolerance: downTolerance}
}

func replacing(old, new string) func(base, load, strength string) string {
	return func(base, load, strength string) string {
		r := strings.NewReplacer("LOAD", load, "STRENGTH", strength)
		out := strings.Replace(base, r.Replace(old), r.Replace(new), 1)
		if out == base {
			panic("nothing to replace: " + old)
		}
		return out
	}
}

// Bad changes are worse or dearer on every load, by what they are.
var badRules = []changeRule{
	{"maxReplicas 12 to 20", replacing("maxReplicas: 30", "maxReplicas: STRENGTH"), func(p *plainPolicy, v float64) { p.max = int(v) }, []float64{12, 16, 18, 14, 20}},
	{"the target 20 to 100 % higher", replacing(`averageValue: "10"`, `averageValue: "STRENGTH"`), func(p *plainPolicy, v float64) { p.target = v }, []float64{12, 13, 15, 17, 20}},
	{"one replica in 5 to 30 min up", replacing("value: 4, periodSeconds: 60}]", "value: 1, periodSeconds: STRENGTH}]"), func(p *plainPolicy, v float64) { p.pods, p.period = 1, int(v) }, []float64{600, 900, 300, 1200, 1800}},
	{"a scale-up window of 10 to 30 min", replacing("scaleUp: {", "scaleUp: {stabilizationWindowSeconds: STRENGTH, "), func(p *plainPolicy, v float64) { p.upWindow = int(v) }, []float64{600, 1200, 900, 1500, 1800}},
	{"scale-up disabled", replacing("scaleUp: {", "scaleUp: {selectPolicy: Disabled, "), func(p *plainPolicy, _ float64) { p.pods = 0 }, nil},
	{"minReplicas 16 to 25", replacing("minReplicas: 2", "minReplicas: STRENGTH"), func(p *plainPolicy, v float64) { p.min = int(v) }, []float64{16, 18, 20, 22, 25}},
	{"the target 20 to 70 % lower", replacing(`averageValue: "10"`, `averageValue: "STRENGTH"`), func(p *plainPolicy, v float64) { p.target = v }, []float64{8, 7, 6, 4, 3}},
	{"half to 85 % of the query", replacing("LOAD_rps", "LOAD_STRENGTH"), func(p *plainPolicy, v float64) { p.factor = v / 100 }, []float64{85, 80, 70, 60, 50}},
	{"a metric that nobody has", replacing("LOAD_rps", "LOAD_none"), func(p *plainPolicy, _ float64) { p.holds = true }, nil},
	{"a second HPA on the target", func(base, _, _ string) string {
		return base + "---\n" + strings.Replace(base, "metadata: {name: ", "metadata: {name: second-", 1)
	}, func(p *plainPolicy, _ float64) { p.holds = true }, nil},
}

// Harmless changes leave breach and cost as they are, but for what slots that fall
// differently change.
var harmlessRules = []changeRule{
	{"a label", replacing("namespace: shop", "namespace: shop, labels: {team: a}"), sameDecisions, nil},
	{"another name", replacing("metadata: {name: ", "metadata: {name: renamed-"), sameDecisions, nil},
	{"maxReplicas one more", replacing("maxReplicas: 30", "maxReplicas: 31"), func(p *plainPolicy, _ float64) { p.max = 31 }, nil},
	{"maxReplicas 100", replacing("maxReplicas: 30", "maxReplicas: 100"), func(p *plainPolicy, _ float64) { p.max = 100 }, nil},
	{"minReplicas one less", replacing("minReplicas: 2", "minReplicas: 1"), func(p *plainPolicy, _ float64) { p.min = 1 }, nil},
	{"minReplicas one more", replacing("minReplicas: 2", "minReplicas: 3"), func(p *plainPolicy, _ float64) { p.min = 3 }, nil},
	{"the target in thousandths", replacing(`averageValue: "10"`, `averageValue: 10000m`), sameDecisions, nil},
	{"the target 1 % lower", replacing(`averageValue: "10"`, `averageValue: 9900m`), func(p *plainPolicy, _ float64) { p.target = 9.9 }, nil},
	{"the default select policy", replacing("scaleUp: {", "scaleUp: {selectPolicy: Max, "), sameDecisions, nil},
	{"the default window up", replacing("scaleUp: {", "scaleUp: {stabilizationWindowSeconds: 0, "), sameDecisions, nil},
	{"10 s more window down", replacing("stabilizationWindowSeconds: 300", "stabilizationWindowSeconds: 310"), func(p *plainPolicy, _ float64) { p.downWindow = 310 }, nil},
	{"10 s less window down", replacing("stabilizationWindowSeconds: 300", "stabilizationWindowSeconds: 290"), func(p *plainPolicy, _ float64) { p.downWindow = 290 }, nil},
	{"the default policy down", replacing("scaleDown: {", "scaleDown: {policies: [{type: Percent, value: 100, periodSeconds: 15}], "), sameDecisions, nil},
	{"a sum around the query", replacing("LOAD_rps", "LOAD_sum"), sameDecisions, nil},
	{"the query times one", replacing("LOAD_rps", "LOAD_same"), sameDecisions, nil},
	{"a second metric that never decides", replacing("  metrics:\n", `  metrics:
  - {type: External, external: {metric: {name: LOAD_small}, target: {type: AverageValue, averageValue: "10"}}}
`), sameDecisions, nil},
	{"a second rate policy up that allows less", replacing("[{type: Pods, value: 4", "[{type: Pods, value: 1, periodSeconds: 60}, {type: Pods, value: 4"), sameDecisions, nil},
	{"another name and one more at most", func(base, load, strength string) string {
		return replacing("maxReplicas: 30", "maxReplicas: 31")(replacing("metadata: {name: ", "metadata: {name: moved-")(base, load, strength), load, strength)
	}, func(p *plainPolicy, _ float64) { p.max = 31 }, nil},
	{"another name and one less at least", func(base, load, strength string) string {
		return replacing("minReplicas: 2", "minReplicas: 1")(replacing("metadata: {name: ", "metadata: {name: z-")(base, load, strength), load, strength)
	}, func(p *plainPolicy, _ float64) { p.min = 1 }, nil},
	{"another name and query", func(base, load, strength string) string {
		return replacing("LOAD_rps", "LOAD_sum")(replacing("metadata: {name: ", "metadata: {name: q-")(base, load, strength), load, strength)
	}, sameDecisions, nil},
}

// sameDecisions is the meaning of a change after which the very same is decided.
func sameDecisions(*plainPolicy, float64) {}

// seasonDay is a day of the recording of that name in the corpus, at 1.4 times its height.
var seasonDay = sync.OnceValue(func() []float64 {
	text, err := os.ReadFile(seasonPath)
	if err != nil {
		panic(err)
	}
	var day []float64
	for _, line := range strings.Split(string(text), "\n")[1:289] {
		_, value, _ := strings.Cut(line, ",")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			panic(err)
		}
		day = append(day, 1.4*v)
	}
	return day
})

// seasonPath is found before a test changes its directory.
var seasonPath, _ = filepath.Abs("../../scenarios/recordings/season.csv")

// loads are demands over three hours that need 4 to 24 replicas, with 3 % of noise, by
// the phase of the way, 0 to 1: a day of a recording, the shapes of the corpus' demands
// (diurnal, v01-reserved-capacity), and two that hold more changes.
var loads = map[string]func(p float64) float64{
	"wave":   func(p float64) float64 { return 140 - 100*math.Cos(2*math.Pi*p) },
	"season": func(p float64) float64 { return seasonDay()[int(p*float64(len(seasonDay())))] },
	"spike":  func(p float64) float64 { return 45 + 190*math.Exp(-math.Pow((p-0.4)/0.05, 2)) },
	"ramp":   func(p float64) float64 { return 45 + 190*(1-math.Abs(2*p-1)) },
	"peaks":  func(p float64) float64 { return 140 - 95*math.Cos(6*math.Pi*p) },
}

// loadNames are the names of the loads, sorted.
func loadNames() []string { return slices.Sorted(maps.Keys(loads)) }

// recalled plans the changes of some rules, each with every load and base policy, and
// counts by rule how many there are and how many do not pass.
func recalled(t *testing.T, rules []changeRule, downs []string) (table string, share float64) {
	t.Helper()
	var base, head strings.Builder
	names := loadNames()
	of := map[string]int{}
	for k, rule := range rules {
		for l, load := range names {
			for d, down := range downs {
				target := fmt.Sprintf("%s-%d-%d", load, k, d)
				own := fmt.Sprintf(`apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %[1]s, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %[1]s}
  minReplicas: 2
  maxReplicas: 30
  metrics:
  - {type: External, external: {metric: {name: %[2]s_rps}, target: {type: AverageValue, averageValue: "10"}}}
  behavior: {scaleUp: {policies: [{type: Pods, value: 4, periodSeconds: 60}]}, scaleDown: {%[3]s}}
`, target, load, down)
				of[target] = k
				fmt.Fprintf(&base, "---\n%s", own)
				fmt.Fprintf(&head, "---\n%s", rule.apply(own, load, fmt.Sprint(rule.strength(l))))
			}
		}
	}
	write(t, "base.yaml", base.String())
	write(t, "head.yaml", head.String())
	args := []string{"plan", "base.yaml", "head.yaml", "--recording", "loads.csv", "--ready-after", "30s", "-o", "json"}
	for _, load := range names {
		for suffix, query := range map[string]string{"rps": "%s", "85": "%s * 0.85", "80": "%s * 0.8", "70": "%s * 0.7", "60": "%s * 0.6", "50": "%s / 2", "sum": "sum(%s)", "same": "%s * 1", "small": "%s / 100"} {
			if strings.Contains(base.String()+head.String(), "name: "+load+"_"+suffix+"}") {
				args = append(args, "--metric", load+"_"+suffix+"="+fmt.Sprintf(query, load))
			}
		}
	}
	c := call(t, "", args...)
	if c.code > exitFailed {
		t.Fatalf("code %d: %s", c.code, c.stderr)
	}
	var plan fleet.Plan
	if err := json.Unmarshal([]byte(c.stdout), &plan); err != nil {
		t.Fatal(err)
	}
	caught := make([]int, len(rules))
	sum := 0
	for _, row := range plan.Rows {
		if row.Result != fleet.Failed && row.Result != fleet.Unjudged {
			continue
		}
		object := row.Object[strings.LastIndexByte(row.Object, '/')+1:]
		for _, prefix := range []string{"renamed-", "second-", "moved-", "z-", "q-"} {
			object = strings.TrimPrefix(object, prefix)
		}
		k, ok := of[object]
		if !ok {
			t.Fatalf("row of %s", row.Object)
		}
		caught[k]++
		sum++
		t.Logf("%s %s: %s", rules[k].name, row.Object, strings.Join(row.Failures(false), "; "))
	}
	each := len(loads) * len(downs)
	for k, rule := range rules {
		table += fmt.Sprintf("| %s | %d | %d |\n", rule.name, each, caught[k])
	}
	return table, float64(sum) / float64(each*len(rules))
}

// The changes that TestPlanRecall calls bad lack capacity for five minutes more or cost
// 10 % more, and those that it calls harmless do neither by far, as a plain model of an
// HPA in a plain world has it, second by second, over loads without noise.
func TestChangesAreWhatTheyAreCalled(t *testing.T) {
	const seconds = 3 * 3600
	for _, c := range []struct {
		kind       string
		rules      []changeRule
		tolerances []float64
		right      func(minutes, share float64) bool
	}{
		{"bad", badRules, []float64{0.1}, func(minutes, share float64) bool { return minutes > 5 || share > 0.1 }},
		{"harmless", harmlessRules, []float64{0.1, 0.05}, func(minutes, share float64) bool { return minutes < 1 && share < 0.05 }},
	} {
		for _, rule := range c.rules {
			for l, name := range loadNames() {
				load := loads[name]
				for _, tolerance := range c.tolerances {
					after := *basePolicy(tolerance)
					rule.means(&after, rule.strength(l))
					minutes, share := harm(func(second int) float64 { return load(float64(second) / seconds) }, seconds, basePolicy(tolerance), &after)
					if !c.right(minutes, share) {
						t.Errorf("%s: %q, %v, on %s: %+.1f min without enough capacity, %+.0f %% of replica-hours", c.kind, rule.name, rule.strength(l), name, minutes, 100*share)
					}
				}
			}
		}
	}
}

// Of 50 changes that are bad by what they are plan lets at most 5 % pass, and of 200
// that are harmless it stops at most 2 %. The tables of the documentation are these.
func TestPlanRecall(t *testing.T) {
	if testing.Short() {
		t.Skip("plays 250 changes")
	}
	docs := read(t, "../docs/howto/fleet.md")
	initDir(t, nil)
	names := loadNames()
	var b strings.Builder
	b.WriteString("time," + strings.Join(names, ","))
	random := rand.New(rand.NewPCG(7, 7))
	const rows = 3 * 240
	for i := range rows {
		fmt.Fprintf(&b, "\n%d", 1764201600+15*i)
		for _, name := range names {
			fmt.Fprintf(&b, ",%.1f", loads[name](float64(i)/rows)*(1+0.03*random.NormFloat64()))
		}
	}
	write(t, "loads.csv", b.String()+"\n")
	slow := "stabilizationWindowSeconds: 300"
	bad, recall := recalled(t, badRules, []string{slow})
	harmless, alarms := recalled(t, harmlessRules, []string{slow, slow + ", tolerance: 50m"})
	if recall < 0.95 {
		t.Errorf("recall %.1f %%, want 95 %%:\n%s", 100*recall, bad)
	}
	if alarms > 0.02 {
		t.Errorf("false alarms %.1f %%, want 2 %%:\n%s", 100*alarms, harmless)
	}
	for _, table := range []string{bad, harmless} {
		if !strings.Contains(docs, table) {
			t.Errorf("cmd/docs/howto/fleet.md has another table; this is it:\n%s", table)
		}
	}
}
