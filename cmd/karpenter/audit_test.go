package main

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/reports/fleet"
)

// The worst comes first with the change that helps most; an object that cannot be
// judged is a row with its reason, and the call does not fail.
func TestAudit(t *testing.T) {
	planned(t)
	write(t, "fleet.yaml", planHPA("cart", 10, 6)+"---\n"+planHPA("users", 10, 20)+"---\n"+planHPA("lost", 10, 20)+"---\n"+
		strings.Replace(planHPA("wrong", 10, 20), "minReplicas: 2", "minReplicas: 30", 1))
	args := []string{
		"audit", "-f", "fleet.yaml", "--recording", "rec.csv", "--ready-after", "0s",
		"--metric", "cart_rps=cart_r", "--metric", "users_rps=users_r", "--metric", "lost_rps=nowhere", "--metric", "wrong_rps=users_r",
	}
	c := call(t, "", append(args, "-o", "json")...)
	c.want(t, exitOK, "")
	var audit fleet.Audit
	if err := json.Unmarshal([]byte(c.stdout), &audit); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range audit.Rows {
		order = append(order, r.Object)
	}
	if got := strings.Join(order, " "); !strings.HasPrefix(got, "shop/hpa/cart shop/hpa/users ") || len(order) != 4 {
		t.Fatalf("order %s", got)
	}
	// Of two hours an hour needs 10 of at most 6, in four stretches of 15 minutes each.
	cart := &audit.Rows[0]
	if v := cart.Figures["breach_minutes"]; v < 58 || v > 61 {
		t.Errorf("breach %v min, want an hour", v)
	}
	if cart.AtMaxHours < 1.9 || cart.AtMinHours != 0 {
		t.Errorf("%v h at the maximum, %v h at the minimum; it never needs fewer than 6", cart.AtMaxHours, cart.AtMinHours)
	}
	if len(cart.Causes) == 0 || cart.Causes[0].Cause != "bound" {
		t.Errorf("causes %+v", cart.Causes)
	}
	a := cart.Advice
	if a == nil || a.Change != "maxReplicas 10" || a.BreachMinutes > 2 || a.MoreReplicaHours < 3 || a.MoreReplicaHours > 6 ||
		a.Patch != `kubectl -n shop patch horizontalpodautoscaler cart --type=merge -p '{"spec":{"maxReplicas":10}}'` {
		t.Errorf("advice %+v", a)
	}
	users := &audit.Rows[1]
	if users.Advice != nil || users.Figures["breach_minutes"] != 0 || users.Unjudged != "" {
		t.Errorf("nothing is wrong with users: %+v", users)
	}
	for _, r := range audit.Rows[2:] {
		if r.Unjudged == "" || r.Figures != nil {
			t.Errorf("%s cannot be judged: %+v", r.Object, r)
		}
	}
	for _, format := range []string{"table", "markdown", "html", "csv"} {
		c := call(t, "", append(args, "-o", format)...)
		c.want(t, exitOK, "")
		for _, part := range []string{"shop/hpa/cart", "maxReplicas 10", "nowhere never has a sample", "2 could not be judged"} {
			if !strings.Contains(c.stdout, part) && !(format == "csv" && strings.HasPrefix(part, "2 could")) {
				t.Errorf("-o %s lacks %q:\n%s", format, part, c.stdout)
			}
		}
		if format == "csv" {
			if rows, err := csv.NewReader(strings.NewReader(c.stdout)).ReadAll(); err != nil || len(rows) != 5 {
				t.Errorf("%v, %d lines", err, len(rows))
			}
		}
	}
}

// One manifest of many that cannot be read is a row, whatever is wrong with it, and so is
// a file with a mistake in its syntax.
func TestAuditBrokenManifest(t *testing.T) {
	planned(t)
	ours := strings.Replace(validHA, "metrics:", "metric:", 1)
	write(t, "fleet/cart.yaml", planHPA("cart", 10, 6))
	write(t, "fleet/field.yaml", ours)
	write(t, "fleet/name.yaml", strings.Replace(planHPA("Cart", 10, 6), "name: Cart,", "name: Cart_1,", 1))
	write(t, "fleet/syntax.yaml", planHPA("users", 10, 20)+"---\nspec: {a: [}\n")
	write(t, "fleet/twice.yaml", planHPA("cart", 10, 9))
	args := []string{"audit", "--recording", "rec.csv", "--ready-after", "0s", "--advise=false", "-o", "json"}
	for _, name := range []string{"cart", "users"} {
		args = append(args, "--metric", name+"_rps="+name+"_r")
	}
	c := call(t, "", append(args[:len(args):len(args)], "-f", "fleet")...)
	c.want(t, exitOK, "")
	var audit fleet.Audit
	if err := json.Unmarshal([]byte(c.stdout), &audit); err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{
		"shop/hpa/cart":      "", // judged by the first of its name, whatever the second says
		"shop/hpa/users":     "",
		"default/ha/web":     `spec.metric: unknown field; did you mean "metrics"?`,
		"shop/hpa/Cart_1":    "is no object name",
		"fleet/syntax.yaml":  "invalid YAML",
		"shop/hpa/cart (2.)": "is defined twice; the first is at fleet/cart.yaml",
	}
	seen := map[string]bool{}
	for _, r := range audit.Rows {
		name := r.Object
		if seen[name] {
			name += " (2.)"
		}
		seen[name] = true
		want, known := reasons[name]
		if !known || (want == "") != (r.Unjudged == "") || !strings.Contains(r.Unjudged, want) {
			t.Errorf("%s: %q, want %q", name, r.Unjudged, want)
		}
	}
	if len(seen) != len(reasons) {
		t.Errorf("%d rows, want %d:\n%s", len(seen), len(reasons), c.stdout)
	}
	// With nothing else there is nothing to judge.
	call(t, "", append(args[:len(args):len(args)], "-f", "fleet/syntax.yaml", "-f", "fleet/none.yaml")...).refused(t, "no such file")
	write(t, "broken.yaml", "spec: {a: [}\n")
	call(t, "", "audit", "-f", "broken.yaml", "--recording", "rec.csv").want(t, exitInvalid, "broken.yaml:1:")
}

// What a replica costs is the currency of audit and of the guards of plan.
func TestPrices(t *testing.T) {
	planned(t)
	hours := func(flags ...string) map[string]float64 {
		t.Helper()
		c := call(t, "", append([]string{"audit", "-f", "base.yaml", "--recording", "rec.csv", "--ready-after", "0s", "--advise=false", "-o", "json",
			"--metric", "cart_rps=cart_r", "--metric", "users_rps=users_r"}, flags...)...)
		c.want(t, exitOK, "")
		var audit fleet.Audit
		if err := json.Unmarshal([]byte(c.stdout), &audit); err != nil {
			t.Fatal(err)
		}
		costs := map[string]float64{}
		for _, r := range audit.Rows {
			if cost, ok := r.Figures["cost"]; ok {
				costs[r.Object] = cost / r.Figures["replica_hours"]
			}
		}
		return costs
	}
	for _, c := range []struct {
		reason string
		flags  []string
		want   map[string]float64
	}{
		{"no price", nil, map[string]float64{}},
		{"one of all", []string{"--price", "0.5"}, map[string]float64{"shop/hpa/cart": 0.5, "shop/hpa/users": 0.5}},
		{"one of one", []string{"--price", "deploy/cart=2"}, map[string]float64{"shop/hpa/cart": 2}},
		{"its own before that of all", []string{"--price", "0.5", "--price", "shop/deploy/cart=2"}, map[string]float64{"shop/hpa/cart": 2, "shop/hpa/users": 0.5}},
	} {
		if diff := cmp.Diff(c.want, hours(c.flags...), cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Errorf("%s: prices of a replica-hour (-want +got):\n%s", c.reason, diff)
		}
	}
	got, p := plan(t, planHPA("cart", 4, 200)+"---\n"+planHPA("users", 10, 20), "--price", "0.5")
	got.want(t, exitFailed, "karpenter: shop/hpa/cart: cost ")
	if r := p.Rows[0]; math.Abs(r.Before["cost"]-0.5*r.Before["replica_hours"]) > 1e-9 {
		t.Errorf("cost %v of %v replica-hours", r.Before["cost"], r.Before["replica_hours"])
	}
	for _, c := range []struct{ reason, flags, want string }{
		{"a negative price", "--price -1", "want what a replica costs an hour"},
		{"no number", "--price deploy/cart=cheap", "want what a replica costs an hour"},
		{"nothing scales it", "--price deploy/other=1", "no autoscaler in the manifests scales default/Deployment/other"},
		{"twice", "--price deploy/cart=1 --price shop/deployment/cart=2", "is named twice"},
		{"twice for all", "--price 1 --price 2", "given twice"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			call(t, "", append([]string{"audit", "-f", "base.yaml", "--recording", "rec.csv", "--metric", "cart_rps=cart_r", "--metric", "users_rps=users_r"}, strings.Fields(c.flags)...)...).refused(t, c.want)
		})
	}
}

func TestAuditRefuses(t *testing.T) {
	planned(t)
	write(t, "service.yaml", service)
	write(t, "sub/base.yaml", planHPA("cart", 10, 20))
	for _, c := range []struct{ reason, args, want string }{
		{"nothing to judge by", "-f base.yaml", "-f and --recording are required"},
		{"a cluster without metrics", "--context eu1 -A", "--prometheus is required: the URL of the server that has the metrics of the cluster"},
		{"a time of a recording", "-f base.yaml --recording rec.csv --from -7d", "--from goes with --prometheus"},
		{"two sources of metrics", "-f base.yaml --recording rec.csv --prometheus http://127.0.0.1:1", "--recording and --prometheus exclude each other"},
		{"two sources of objects", "-f base.yaml -A --prometheus http://127.0.0.1:1", "-f and --all-namespaces exclude each other"},
		{"one namespace and all", "-A -n shop --prometheus http://127.0.0.1:1", "-A and -n shop exclude each other"},
		{"a pace below none", "-f base.yaml --prometheus http://127.0.0.1:1 --max-queries-per-second -1", "want 0 or more"},
		{"no server", "-f base.yaml --prometheus http://127.0.0.1:1", "connection refused"},
		{"no address", "-f base.yaml --prometheus 127.0.0.1:1", "the address of Prometheus must be a URL"},
		{"a time backwards", "-f base.yaml --prometheus http://127.0.0.1:1 --from -1h --to -2h", "is not before --to"},
		{"nothing to resume", "-f base.yaml --prometheus http://127.0.0.1:1 --resume", "--state karpenter-audit: holds no audit to go on with"},
		{"somebody's directory", "-f sub/base.yaml --prometheus http://127.0.0.1:1 --state .", "lies inside --state ."},
		{"an unknown format", "-f base.yaml --recording rec.csv -o yaml", "-o yaml: want table, markdown, html, json or csv"},
		{"no autoscaler", "-f service.yaml --recording rec.csv -q", "-f service.yaml: no HorizontalAutoscaler, HorizontalPodAutoscaler or ScaledObject in it"},
		{"no recording", "-f base.yaml --recording none.csv --metric cart_rps=cart_r --metric users_rps=users_r", "none.csv"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			call(t, "", append([]string{"audit"}, strings.Fields(c.args)...)...).refused(t, c.want)
		})
	}
}

// Reports are passed on, and so are the lines that repeat a call.
func TestCommandLineHidesSecrets(t *testing.T) {
	a := &app{args: []string{"audit", "--header", "Authorization=Bearer abc", "--header=X-Key=def", "--prometheus", "http://user:ghi@p:9090", "-n", "shop"}}
	want := "karpenter audit --header Authorization=SECRET --header=X-Key=SECRET --prometheus http://SECRET@p:9090 -n shop"
	if got := a.commandLine(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
