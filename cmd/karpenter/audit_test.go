package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

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
