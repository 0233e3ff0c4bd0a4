package promql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

func TestEnforce(t *testing.T) {
	cases := map[string]struct {
		reason, query, want string
		err                 error
		text                string
	}{
		"Name":        {reason: "a bare name is a selector", query: `up`, want: `up{namespace="shop"}`},
		"Matchers":    {reason: "other matchers stay", query: `up{job="x",pod=~"a|b"}`, want: `up{job="x",namespace="shop",pod=~"a|b"}`},
		"Nameless":    {reason: "a selector needs no name", query: `{__name__=~"secret.*"}`, want: `{__name__=~"secret.*",namespace="shop"}`},
		"Alternative": {reason: "in no PromQL an or of matchers escapes", query: `{__name__="a" or __name__="b"}`, err: cycle.ErrBadQuery, text: "no PromQL"},
		"Range":       {reason: "selectors of ranges", query: `sum(rate(x_total[5m]))`, want: `sum(rate(x_total{namespace="shop"}[5m]))`},
		"Subquery":    {reason: "and of subqueries", query: `max_over_time(sum(x)[1h:5m] offset 1d)`, want: `max_over_time(sum(x{namespace="shop"})[1h:5m] offset 1d)`},
		"Both":        {reason: "both sides", query: `a / on (pod) group_left (x) b`, want: `a{namespace="shop"} / on (pod) group_left (x) b{namespace="shop"}`},
		"Parameter":   {reason: "the parameter of an aggregation reads, too", query: `topk(scalar(k), x)`, want: `topk(scalar(k{namespace="shop"}), x{namespace="shop"})`},
		"Parentheses": {reason: "parentheses and signs hide nothing", query: `-(((x)))`, want: `-(((x{namespace="shop"})))`},
		"Modifiers":   {reason: "offset and @ stay", query: `x offset 5m @ 10`, want: `x{namespace="shop"} @ 10.000 offset 5m`},
		"Absent":      {reason: "functions of a selector", query: `absent(x)`, want: `absent(x{namespace="shop"})`},
		"Or":          {reason: "a fallback is a selector", query: `mine or other`, want: `mine{namespace="shop"} or other{namespace="shop"}`},
		"Number":      {reason: "what reads nothing stays", query: `vector(1)`, want: `vector(1)`},
		"Text":        {reason: "a string is none", query: `label_replace(x, "a", "up", "b", "(.*)")`, want: `label_replace(x{namespace="shop"}, "a", "up", "b", "(.*)")`},
		"Same":        {reason: "the label itself is no conflict", query: `x{namespace="shop"}`, want: `x{namespace="shop"}`},
		"Pattern":     {reason: "a pattern that has the namespace gives way", query: `x{namespace=~"shop|lab"}`, want: `x{namespace="shop"}`},
		"Any":         {reason: "as does one of everything", query: `x{namespace!=""}`, want: `x{namespace="shop"}`},
		"Twice":       {reason: "several give way, too", query: `x{namespace=~".+",namespace!="lab"}`, want: `x{namespace="shop"}`},
		"Other":       {reason: "another namespace is refused, as with -error-on-replace", query: `x{namespace="lab"}`, err: cycle.ErrForbidden, text: `namespace="lab"`},
		"OtherInside": {reason: "wherever it stands", query: `sum(rate(x[5m])) + max_over_time(y{namespace=~"lab.*"}[1h:1m])`, err: cycle.ErrForbidden, text: `namespace=~"lab.*"`},
		"NotOwn":      {reason: "so is everything but the own one", query: `x{namespace!="shop"}`, err: cycle.ErrForbidden, text: `namespace!="shop"`},
		"Empty":       {reason: "and series without the label", query: `x{namespace=""}`, err: cycle.ErrForbidden, text: `namespace=""`},
		"Info":        {reason: "info reads target_info unnamed", query: `info(x)`, err: cycle.ErrForbidden, text: "function info"},
		"InfoNamed":   {reason: "with a selector, too", query: `sum(info(x, {k8s_cluster=~".+"}))`, err: cycle.ErrForbidden, text: "function info"},
		"Syntax":      {reason: "what cannot be read cannot be kept", query: `sum(x`, err: cycle.ErrBadQuery, text: "character 6"},
		"Quoted":      {reason: "a name in quotes", query: `{"a.b", "k8s.x"="1"}`, want: `{"k8s.x"="1",__name__="a.b",namespace="shop"}`},
		"QuotedOther": {reason: "the label in quotes is the label", query: `x{"namespace"="lab"}`, err: cycle.ErrForbidden, text: `namespace="lab"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Label("namespace").Enforce(c.query, "shop")
			if !errors.Is(err, c.err) || got != c.want {
				t.Fatalf("%s: got %s, %v; want %s, %v", c.reason, got, err, c.want, c.err)
			}
			if err != nil {
				if !strings.Contains(cycle.Sentence(err), c.text) {
					t.Errorf("%s: the condition says %q, not %q", c.reason, cycle.Sentence(err), c.text)
				}
				return
			}
			if again, err := Label("namespace").Enforce(got, "shop"); again != got || err != nil {
				t.Errorf("%s: enforced again it is %s (%v)", c.reason, again, err)
			}
		})
	}
	if got, err := Label("").Enforce("sum( x )", "shop"); got != "sum( x )" || err != nil {
		t.Errorf("without a label it is %s (%v)", got, err)
	}
}

func TestParseLabel(t *testing.T) {
	for name, want := range map[string]bool{"": true, "namespace": true, "exported_namespace": true, "__name__": false, "a.b": false, "1a": false, "a b": false} {
		if l, err := ParseLabel(name); (err == nil) != want || err == nil && string(l) != name {
			t.Errorf("%q: %q, %v", name, l, err)
		}
	}
}

// FuzzEnforce holds that whatever is let through has the matcher in every
// selector, and stays as it is.
func FuzzEnforce(f *testing.F) {
	for _, query := range []string{
		`up`, `{__name__=~".+"}`, `sum by (namespace) (rate(x{namespace="a"}[5m] offset -1m)) > bool 0`, `max_over_time(x[1h:5m] @ end())`,
		`topk(scalar(k), x)`, `label_join(x, "namespace", ",", "a")`, `{"a.b","c.d"=~"e"}`, `x{namespace=~"shop|"}`, `info(x)`, "a{b='\\''} unless `c`",
	} {
		f.Add(query, "shop")
	}
	f.Fuzz(func(t *testing.T, query, namespace string) {
		got, err := Label("namespace").Enforce(query, namespace)
		if err != nil {
			return
		}
		if again, err := Label("namespace").Enforce(got, namespace); err != nil || again != got {
			t.Fatalf("%q: %q, enforced again %q (%v)", query, got, again, err)
		}
	})
}

// asked answers with what it was asked for.
type asked struct{ texts []string }

func (a *asked) QueryAll(_ context.Context, queries []cycle.Query, _ time.Time, _ time.Duration, answers []cycle.Answer) {
	for i, q := range queries {
		a.texts = append(a.texts, q.Text)
		answers[i].Result = cycle.Result{Samples: 1, Value: float64(len(q.Text))}
	}
}

// TestEnforcing holds that each query is asked for its own namespace, and that a
// refused one neither is asked nor takes another's answer.
func TestEnforcing(t *testing.T) {
	inner := &asked{}
	if got := Enforcing("", inner); got != cycle.MetricSource(inner) {
		t.Error("without a label there is nothing between")
	}
	source := Enforcing("team", inner)
	for range 2 { // the second time from memory
		inner.texts = nil
		answers := make([]cycle.Answer, 4)
		source.QueryAll(context.Background(), []cycle.Query{
			{Namespace: "a", Text: "x"}, {Namespace: "a", Text: `x{team="b"}`}, {Namespace: "b", Text: "x"}, {Namespace: "b", Text: "("},
		}, time.Time{}, time.Second, answers)
		if diff := cmp.Diff([]string{`x{team="a"}`, `x{team="b"}`}, inner.texts); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		var got []string
		for _, a := range answers {
			got = append(got, fmt.Sprintf("%d %s", a.Result.Samples, cycle.Code(a.Err)))
		}
		if diff := cmp.Diff([]string{"1 ", "0 Forbidden", "1 ", "0 BadQuery"}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	}
}

// TestNarrowing holds the same of labels with fixed values, within a namespace.
func TestNarrowing(t *testing.T) {
	inner := &asked{}
	if got := Narrowing(nil, inner); got != cycle.MetricSource(inner) {
		t.Error("without labels there is nothing between")
	}
	source := Enforcing("namespace", Narrowing(map[string]string{"region": "eu", "cluster": "a"}, inner))
	answers := make([]cycle.Answer, 3)
	source.QueryAll(context.Background(), []cycle.Query{{Namespace: "shop", Text: "x / y"}, {Namespace: "shop", Text: `x{cluster="b"}`}, {Namespace: "shop", Text: `x{cluster=~"a|b"}`}}, time.Time{}, time.Second, answers)
	want := []string{
		`x{cluster="a",namespace="shop",region="eu"} / y{cluster="a",namespace="shop",region="eu"}`,
		`x{cluster="a",namespace="shop",region="eu"}`,
	}
	if diff := cmp.Diff(want, inner.texts); diff != "" || cycle.Code(answers[1].Err) != "Forbidden" || answers[0].Err != nil || answers[2].Err != nil {
		t.Errorf("%v (-want +got):\n%s", answers, diff)
	}
}

// TestTextsAreBounded holds that other queries do not pile up.
func TestTextsAreBounded(t *testing.T) {
	var all texts
	for i := range 3 * remembered {
		enforce := func(q cycle.Query) (string, error) { return Label("namespace").Enforce(q.Text, q.Namespace) }
		if _, err := all.of(cycle.Query{Text: fmt.Sprint(i)}, enforce); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(all.young) + len(all.older); n > 2*remembered {
		t.Errorf("%d are kept", n)
	}
}
