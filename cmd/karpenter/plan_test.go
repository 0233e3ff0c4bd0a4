package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/reports/fleet"
)

// planned writes a fleet of HPAs, one of whose policies head changes as assignments
// say, and a recording of two hours of each: cart goes up and down in steps.
func planned(t *testing.T) {
	t.Helper()
	initDir(t, nil)
	var b strings.Builder
	b.WriteString("time,cart_r,users_r\n")
	for i := range 480 {
		fmt.Fprintf(&b, "%d,%d,%d\n", 1764201600+15*i, 60+40*(i/60%2), 50)
	}
	write(t, "rec.csv", b.String())
	write(t, "base.yaml", planHPA("cart", 10, 20)+"---\n"+planHPA("users", 10, 20))
}

func planHPA(name string, target, most int) string {
	return fmt.Sprintf(`apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %[1]s, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %[1]s}
  minReplicas: 2
  maxReplicas: %[3]d
  metrics:
  - {type: External, external: {metric: {name: %[1]s_rps}, target: {type: AverageValue, averageValue: "%[2]d"}}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 300}}
`, name, target, most)
}

// plan calls it with a head and flags, and gives the plan as JSON.
func plan(t *testing.T, head string, flags ...string) (called, fleet.Plan) {
	t.Helper()
	write(t, "head.yaml", head)
	args := append([]string{"plan", "base.yaml", "head.yaml", "--recording", "rec.csv", "--ready-after", "30s", "-o", "json",
		"--metric", "cart_rps=cart_r", "--metric", "users_rps=users_r"}, flags...)
	c := call(t, "", args...)
	var p fleet.Plan
	if c.code <= exitFailed {
		if err := json.Unmarshal([]byte(c.stdout), &p); err != nil {
			t.Fatalf("%v in\n%s%s", err, c.stdout, c.stderr)
		}
	}
	return c, p
}

func TestPlan(t *testing.T) {
	planned(t)
	users := "---\n" + planHPA("users", 10, 20)
	ours := `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: other, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: other}
  minReplicas: 1
  maxReplicas: 9
  metrics: [{prometheus: {query: users_r, target: {type: AverageValue, value: 10}}}]
`
	cases := []struct {
		reason, head string
		flags        []string
		code         int
		stderr       string
		unchanged    int
		rows         []string // object action result
	}{
		{reason: "the same text is no change", head: planHPA("cart", 10, 20) + users, unchanged: 2},
		{
			reason: "nor are other documents, order, comments and metadata", unchanged: 2,
			head: "# moved\n" + planHPA("users", 10, 20) + "---\n" + strings.Replace(planHPA("cart", 10, 20), "namespace: shop", "namespace: shop, labels: {a: b}", 1) + "---\n" + service,
		},
		{
			reason: "another name for the same policy of the same target is none", unchanged: 2,
			head: strings.Replace(planHPA("cart", 10, 20), "metadata: {name: cart", "metadata: {name: cart-v2", 1) + users,
		},
		{
			reason: "a worse policy fails by name", head: planHPA("cart", 20, 20) + users, code: exitFailed, unchanged: 1,
			stderr: "karpenter: shop/hpa/cart: breach minutes ", rows: []string{"shop/hpa/cart changed failed"},
		},
		{
			reason: "a dearer one does, too", head: planHPA("cart", 4, 200) + users, code: exitFailed, unchanged: 1,
			stderr: "karpenter: shop/hpa/cart: replica hours ", rows: []string{"shop/hpa/cart changed failed"},
		},
		{
			reason: "unless that is allowed", head: planHPA("cart", 4, 200) + users, flags: []string{"--max-more-cost", "500%"}, unchanged: 1,
			rows: []string{"shop/hpa/cart changed passed"},
		},
		{
			reason: "breach can be allowed", head: planHPA("cart", 20, 20) + users, flags: []string{"--max-more-breach", "3h"}, unchanged: 1,
			rows: []string{"shop/hpa/cart changed passed"},
		},
		{
			reason: "a change without effect on the load passes", head: planHPA("cart", 10, 19) + users, unchanged: 1,
			rows: []string{"shop/hpa/cart changed passed"},
		},
		{
			reason: "what is new and what is gone are rows, which no guard is for", head: planHPA("cart", 10, 20) + ours, unchanged: 1,
			rows: []string{"shop/ha/other added uncompared", "shop/hpa/users removed uncompared"},
		},
		{
			reason: "a second autoscaler on a target holds both", unchanged: 1, code: exitFailed, stderr: "shop/ha/other, shop/hpa/users: breach",
			head: planHPA("cart", 10, 20) + users + strings.ReplaceAll(ours, "Deployment, name: other", "Deployment, name: users"),
			rows: []string{"shop/ha/other, shop/hpa/users changed failed"}, flags: []string{"--target", "shop/deployment/users=2"},
		},
		{
			reason: "what cannot be converted any more is no silent removal", head: strings.Replace(planHPA("cart", 10, 20), "name: cart_rps", "name: nobody", 1) + users,
			code: exitFailed, stderr: "shop/hpa/cart: cannot be judged: head.yaml:9:", rows: []string{"shop/hpa/cart changed unjudged"}, unchanged: 1,
		},
		{
			reason: "nor is an invalid policy", head: strings.Replace(planHPA("cart", 10, 20), "minReplicas: 2", "minReplicas: 30", 1) + users,
			code: exitFailed, stderr: "shop/hpa/cart: cannot be judged: head.yaml:", rows: []string{"shop/hpa/cart changed unjudged"}, unchanged: 1,
		},
		{
			reason: "nor is one that cannot be decoded", unchanged: 2, code: exitFailed, stderr: "shop/ha/other: cannot be judged: head.yaml:",
			head: planHPA("cart", 10, 20) + users + strings.Replace(ours, "minReplicas", "minReplica", 1),
			rows: []string{"shop/ha/other added unjudged"},
		},
		{
			reason: "one that cannot be judged can be let pass", head: strings.Replace(planHPA("cart", 10, 20), "minReplicas: 2", "minReplicas: 30", 1) + users,
			flags: []string{"--allow-unjudged"}, rows: []string{"shop/hpa/cart changed unjudged"}, unchanged: 1,
		},
		{
			reason: "a query that finds nothing is no good policy", unchanged: 2, code: exitFailed, stderr: "shop/ha/other: cannot be judged: ",
			head: planHPA("cart", 10, 20) + users + strings.Replace(ours, "query: users_r", "query: user_r", 1),
			rows: []string{"shop/ha/other added unjudged"},
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			got, p := plan(t, c.head, c.flags...)
			got.want(t, c.code, c.stderr)
			if p.Unchanged != c.unchanged || p.Passed != (c.code == exitOK) {
				t.Errorf("unchanged %d, passed %v; want %d", p.Unchanged, p.Passed, c.unchanged)
			}
			var rows []string
			for _, r := range p.Rows {
				rows = append(rows, fmt.Sprint(r.Object, " ", r.Action, " ", r.Result))
			}
			if diff := cmp.Diff(c.rows, rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s\n%s", diff, got.stdout)
			}
		})
	}
}

// The figures of a plan are those that a replay of the two policies gives, with one
// yardstick for both, and they do not depend on what else is written.
func TestPlanFigures(t *testing.T) {
	planned(t)
	head := planHPA("cart", 20, 20) + "---\n" + planHPA("users", 10, 20)
	_, brief := plan(t, head)
	_, written := plan(t, head, "--out", "out")
	for i := range written.Rows {
		written.Rows[i].Run = ""
	}
	if diff := cmp.Diff(brief.Rows, written.Rows); diff != "" {
		t.Errorf("--out changes the figures (-without +with):\n%s", diff)
	}
	write(t, "cart.yaml", planHPA("cart", 10, 20))
	write(t, "dear.yaml", planHPA("cart", 20, 20))
	c := call(t, "", "replay", "-f", "cart.yaml", "--recording", "rec.csv", "--ready-after", "30s", "--metric", "cart_rps=cart_r", "--variant", "head=dear.yaml", "-o", "json", "--out", "replayed")
	c.want(t, exitOK, "")
	var runs []struct {
		Columns []struct {
			Name    string
			Figures map[string]float64
		}
	}
	if err := json.Unmarshal([]byte(c.stdout), &runs); err != nil {
		t.Fatal(err)
	}
	row := brief.Rows[0]
	for _, column := range runs[0].Columns {
		figures := map[string]map[string]float64{"current": row.Before, "head": row.After}[column.Name]
		for name, v := range figures {
			if v != column.Figures[name] {
				t.Errorf("%s %s: %v, replayed %v", column.Name, name, v, column.Figures[name])
			}
		}
	}
	if row.After["breach_minutes"] < 50 || row.Before["breach_minutes"] > 5 {
		t.Errorf("half of what is needed must breach for most of two hours: %v -> %v", row.Before, row.After)
	}
	if len(row.Differences) == 0 || row.Differences[0].Before.Desired <= row.Differences[0].After.Desired {
		t.Errorf("the first decision that differs asks for fewer: %+v", row.Differences)
	}
	if len(row.CausesNew) == 0 || row.CausesNew[0].Cause != "target" {
		t.Errorf("the new cause is the target: %+v", row.CausesNew)
	}
	// What was written can be played again.
	call(t, "", "simulate", "out/cart/scenario.yaml", "--out", "again").want(t, exitOK, "")
	if read(t, "again/cart/variants/head/decisions.jsonl") != read(t, "out/cart/variants/head/decisions.jsonl") {
		t.Error("the written scenario decides differently")
	}
	if text := read(t, "out/junit.xml"); !strings.Contains(text, "no more breach minutes") {
		t.Errorf("the guards are missing in\n%s", text)
	}
}

func TestPlanMarkdown(t *testing.T) {
	planned(t)
	var head, base strings.Builder
	for i := range 40 {
		name := fmt.Sprintf("s%d-%s", i, strings.Repeat("x", 200))
		base.WriteString("---\n" + strings.ReplaceAll(planHPA(name, 10, 20), name+"_rps", "cart_rps"))
		head.WriteString("---\n" + strings.ReplaceAll(planHPA(name, 10+10*(i%2), 19), name+"_rps", "cart_rps"))
	}
	write(t, "base.yaml", base.String())
	write(t, "head.yaml", head.String())
	c := call(t, "", "plan", "base.yaml", "head.yaml", "--recording", "rec.csv", "--metric", "cart_rps=cart_r", "-o", "markdown", "--tz", "UTC")
	c.want(t, exitFailed, "")
	if len(c.stdout) > 60_000 {
		t.Errorf("%d bytes", len(c.stdout))
	}
	failed, passed := strings.Index(c.stdout, "❌ failed"), strings.Index(c.stdout, "✅ passed")
	if failed < 0 || passed >= 0 && passed < failed {
		t.Error("the worst must come first")
	}
	if !strings.HasPrefix(c.stdout, "## ❌ 40 changes: 20 failed, 20 passed; 0 objects unchanged.") {
		t.Error(c.stdout[:100])
	}
}

func TestPlanRefuses(t *testing.T) {
	planned(t)
	write(t, "head.yaml", planHPA("cart", 20, 20))
	write(t, "empty.yaml", service)
	for _, c := range []struct{ reason, args, want string }{
		{"one version is no change", "base.yaml", "1 argument given: want BASE and HEAD"},
		{"nothing to play it over", "base.yaml head.yaml", "--recording is required"},
		{"an unknown format", "base.yaml head.yaml --recording rec.csv -o html", "-o html: want table, json, yaml or markdown"},
		{"a breach is a time", "base.yaml head.yaml --recording rec.csv --max-more-breach 5", `--max-more-breach "5": want a duration such as 5m, or a percentage`},
		{"a cost is no time", "base.yaml head.yaml --recording rec.csv --max-more-cost 5m", `--max-more-cost "5m": want a percentage such as 10%`},
		{"no negative allowance", "base.yaml head.yaml --recording rec.csv --max-more-cost -5%", `--max-more-cost "-5%": want a percentage`},
		{"nothing to plan", "empty.yaml empty.yaml --recording rec.csv -q", "empty.yaml, empty.yaml: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in either"},
		{"a file that is not there", "base.yaml none.yaml --recording rec.csv", "none.yaml: no such file or directory"},
		{"standard input twice", "- - --recording rec.csv", "- -: standard input can be one version only"},
		{"an input in the output", "base.yaml head.yaml --recording rec.csv --out .", "lies inside --out"},
		{"a query of nobody", "base.yaml head.yaml --recording rec.csv --metric other=x", "--metric other: no metric or trigger uses this query"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			call(t, "", append([]string{"plan"}, strings.Fields(c.args)...)...).refused(t, c.want)
		})
	}
	if _, err := os.Stat("out"); err == nil {
		t.Error("something was written")
	}
}
