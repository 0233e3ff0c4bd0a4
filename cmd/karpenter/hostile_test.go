package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// hostile is text that gives orders wherever it is shown raw: to a workflow's runner,
// a terminal, a reader of Markdown, a browser.
const hostile = "x\n::error title=HACKED::owned\n  ::set-output name=a::b\r##[error]c\x1b[2J\x1b]0;t\a\u009b2J\u202egnp\u2066 @octocat &#64;octocat <script>alert(1)</script> ![i](http://evil) |`*_ %0A::error::d"

// hostileInputs are files of every kind, and the calls that read them. FILE is the
// changed one.
var hostileInputs = map[string]struct {
	text  string
	calls []string
}{
	"ha.yaml": {`apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web, namespace: shop, labels: {team: a}, annotations: {note: b}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  behavior: {scaleDown: {stabilizationWindowSeconds: 60, selectPolicy: Max, policies: [{type: Count, value: 4, periodSeconds: 60}]}}
  metrics: [{prometheus: {query: load, target: {type: AverageValue, value: "10"}}}]
`, []string{"validate FILE", "validate FILE -o yaml", "convert FILE", "replay -f FILE --recording load.csv --out out", "replay -f FILE --recording load.csv --out out -o yaml",
		"verify out", "explain out", "explain out --at 08:05 -o yaml", "compare out", "report out", "init -f FILE --recording load.csv --out out2",
		"plan ha.base.yaml FILE --recording load.csv --out out3", "plan FILE ha.base.yaml --recording load.csv -o yaml", "audit -f FILE --recording load.csv", "audit -f FILE --recording load.csv -o json", "try -f FILE load.csv --out out4"}},
	"hpa.yaml": {`apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  behavior: {scaleUp: {selectPolicy: Max, policies: [{type: Pods, value: 4, periodSeconds: 60}]}}
  metrics:
  - {type: External, external: {metric: {name: load, selector: {matchLabels: {a: b}}}, target: {type: AverageValue, averageValue: "10"}}}
`, []string{"validate FILE --metric load=load", "convert FILE", "convert FILE --metric load=load", "replay -f FILE --recording load.csv --metric load=load --out out", "audit -f FILE --recording load.csv --metric load=load", "try -f FILE load.csv --metric load=load --out out4"}},
	"so.yaml": {`apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: shop, annotations: {autoscaling.keda.sh/paused: "false"}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicaCount: 1
  maxReplicaCount: 20
  triggers:
  - {type: prometheus, name: t, metadata: {serverAddress: "http://p:9090", query: load, threshold: "10"}}
  - {type: cron, metadata: {timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, desiredReplicas: "3"}}
`, []string{"validate FILE", "convert FILE", "replay -f FILE --recording load.csv --out out"}},
	"nodes.yaml": {`apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: hours, namespace: shop}
spec: {schedule: {timezone: UTC, defaultReplicas: 1, behaviors: [{replicas: 2, start: {hours: "6"}, end: {hours: "20"}}]}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: workers, namespace: shop}
spec: {type: FakeNodeGroup, id: workers, replicas: 1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: skipped}
`, []string{"validate FILE", "convert FILE"}},
	"scenario.yaml": {`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: web, annotations: {simulation.karpenter.sh/command: a, simulation.karpenter.sh/notes: b}}
spec:
  description: c
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 20m
  manifests: [ha.base.yaml]
  prometheus: {ruleFiles: [rules.yaml]}
  interval: 15s
  inputSeries: [{series: 'load{job="a"}', values: '40x39 80x199'}]
  targets: [{apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web, replicas: 5}]
  faults: [{at: 5m, for: 1m, metrics: slow, object: shop/ha/web}]
  variants: [{name: larger, set: ["spec.maxReplicas=30"]}]
  expect:
  - {name: holds, always: 'kube_deployment_spec_replicas <= 4'}
  - {name: calm, report: 'reversals <= 1'}
`, []string{"validate FILE", "simulate FILE --out out", "simulate FILE --out out -o json", "simulate FILE --out out -o yaml", "report out", "explain out"}},
	"rules.yaml": {`groups: [{name: g, interval: 15s, rules: [{record: twice, expr: 2 * load, labels: {a: b}}, {alert: High, expr: load > 1, annotations: {summary: c}}]}]
`, []string{"simulate ruled.yaml --out out"}},
	"answer.json": {`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"load","job":"a"},"values":[[1767600000,"40"],[1767600060,"80"],[1767600600,"90"]]}]},"warnings":["w"],"infos":["i"]}
`, []string{"replay -f ha.base.yaml --recording FILE --out out"}},
	"error.json": {`{"status":"error","errorType":"bad_data","error":"e"}
`, []string{"replay -f ha.base.yaml --recording FILE --out out"}},
}

// hostileLines are files that are no YAML; HERE is where the text goes, quoted as
// the format does.
var hostileLines = map[string]struct {
	text, kind string
	calls      []string
}{
	"header.csv":  {"time,\"HERE\",load\n2026-01-05T08:00:00Z,1,2\n2026-01-05T08:10:00Z,1,3\n", "csv", []string{"replay -f ha.base.yaml --recording FILE --out out"}},
	"cell.csv":    {"time,load\n2026-01-05T08:00:00Z,1\n2026-01-05T08:10:00Z,\"HERE\"\n", "csv", []string{"replay -f ha.base.yaml --recording FILE --out out"}},
	"time.csv":    {"time,load\n2026-01-05T08:00:00Z,1\n\"HERE\",2\n", "csv", []string{"replay -f ha.base.yaml --recording FILE --out out"}},
	"label.om":    {"# TYPE load gauge\nload{job=\"HERE\"} 40 1767600000\nload{job=\"HERE\"} 80 1767600600\n# EOF\n", "om", []string{"replay -f ha.base.yaml --recording FILE --out out"}},
	"name.om":     {"# TYPE load gauge\nHERE 40 1767600000\n# EOF\n", "raw", []string{"replay -f ha.base.yaml --recording FILE --out out"}},
	"j.jsonl":     {`{"v":1,"kind":"HERE"}` + "\n", "json", []string{"verify FILE", "explain FILE", "compare FILE"}},
	"key.jsonl":   {`{"v":1,"HERE":"x"}` + "\n", "json", []string{"verify FILE", "explain FILE"}},
	"report.json": {`{"schema":1,"runs":[{"name":"HERE"}]}` + "\n", "json", []string{"report ."}},
	"broken.yaml": {"a: [\"HERE\"\n", "json", []string{"validate FILE", "simulate FILE --out out"}},
}

// Text of others is harmless in everything that is printed and written, in a
// workflow of GitHub and outside of one.
func TestHostileText(t *testing.T) {
	for _, actions := range []string{"", "true"} {
		t.Run("actions="+actions, func(t *testing.T) {
			t.Setenv("GITHUB_ACTIONS", actions)
			for name, in := range hostileInputs {
				for i, text := range mutants(t, in.text) {
					if (testing.Short() || actions == "") && i%5 != 0 {
						continue
					}
					t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) { playHostile(t, name, text, in.calls) })
				}
			}
			for name, in := range hostileLines {
				t.Run(name, func(t *testing.T) {
					playHostile(t, name, strings.ReplaceAll(in.text, "HERE", quotedFor(in.kind)), in.calls)
				})
			}
			t.Run("FileName", func(t *testing.T) {
				file := "a\n::error title=HACKED::from a name\n\x1b[2J\u202e.yaml"
				for _, call := range []string{"validate FILE", "convert FILE", "simulate FILE --out out", "replay -f FILE --recording load.csv --out out", "verify FILE", "report FILE", "explain FILE"} {
					playHostile(t, file, "a: [\n", []string{call})
				}
				playHostile(t, strings.ReplaceAll(file, ".yaml", ".csv"), "time,load\n", []string{"replay -f ha.base.yaml --recording FILE --out out", "recordings FILE"})
			})
			t.Run("Flags", func(t *testing.T) {
				for _, call := range []string{"replay -f ha.base.yaml --recording load.csv --name HERE --out out", "replay -f ha.base.yaml --recording load.csv --series HERE=x --out out",
					"replay -f ha.base.yaml --recording load.csv --target HERE --out out", "replay -f ha.base.yaml --recording load.csv --variant HERE=spec.maxReplicas=3 --out out",
					"replay -f ha.base.yaml --recording load.csv --demand HERE --capacity 3 --out out", "replay -f ha.base.yaml --recording load.csv --out HERE", "HERE", "verify HERE", "tune --HERE",
					"explain HERE --at HERE", "validate -o HERE ha.base.yaml", "report HERE",
					"serve HERE", "serve -f ha.base.yaml --recording HERE", "serve -f HERE --recording load.csv", "serve ruled.yaml --listen HERE",
					"plan HERE ha.base.yaml --recording load.csv", "audit -f ha.base.yaml --recording HERE", "audit -f ha.base.yaml --recording load.csv --price HERE=1",
					"try -f ha.base.yaml HERE", "try HERE load.csv", "init -f ha.base.yaml --recording load.csv --out HERE/a", "recordings load.csv --label HERE=x"} {
					playHostile(t, "unused.txt", "", []string{call})
				}
			})
		})
	}
}

// quotedFor is the hostile text as a format writes it.
func quotedFor(kind string) string {
	switch kind {
	case "csv":
		return strings.ReplaceAll(hostile, `"`, `""`)
	case "om":
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(hostile)
	case "json":
		text, _ := json.Marshal(hostile)
		return string(text[1 : len(text)-1])
	}
	return hostile
}

// mutants are the documents with one string each replaced, or continued, by the
// hostile text, keys included.
func mutants(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	count := 1
	for at := 0; at < count; at++ {
		for _, keep := range []bool{true, false} {
			n := 0
			decoder := yaml.NewDecoder(strings.NewReader(text))
			var out strings.Builder
			for {
				var doc yaml.Node
				if err := decoder.Decode(&doc); err != nil {
					break
				}
				changeScalar(&doc, at, keep, &n)
				data, err := yaml.Marshal(&doc)
				if err != nil {
					t.Fatal(err)
				}
				if out.Len() > 0 {
					out.WriteString("---\n")
				}
				out.Write(data)
			}
			count = n
			all = append(all, out.String())
		}
	}
	return all
}

func changeScalar(n *yaml.Node, at int, keep bool, count *int) {
	if n.Kind == yaml.ScalarNode {
		if *count == at {
			if !keep {
				n.Value = ""
			}
			n.Value, n.Tag, n.Style = n.Value+hostile, "!!str", yaml.DoubleQuotedStyle
		}
		*count++
	}
	for _, c := range n.Content {
		changeScalar(c, at, keep, count)
	}
}

func playHostile(t *testing.T, name, text string, calls []string) {
	t.Helper()
	t.Chdir(t.TempDir())
	var csv strings.Builder
	csv.WriteString("time,load\n")
	for i := range 40 {
		fmt.Fprintf(&csv, "2026-01-05T08:%02d:%02dZ,%d\n", i/2, i%2*30, 40+i)
	}
	write(t, "load.csv", csv.String())
	write(t, "ha.base.yaml", hostileInputs["ha.yaml"].text)
	write(t, "rules.yaml", hostileInputs["rules.yaml"].text)
	write(t, "ruled.yaml", hostileInputs["scenario.yaml"].text)
	write(t, name, text)
	for _, line := range calls {
		var args []string
		for word := range strings.FieldsSeq(line) {
			args = append(args, strings.ReplaceAll(strings.ReplaceAll(word, "FILE", name), "HERE", hostile))
		}
		got := call(t, "", args...)
		if got.code == exitInternal {
			t.Errorf("%s: code %d, %s", line, got.code, got.stderr)
		}
		for what, text := range map[string]string{"stdout": got.stdout, "stderr": got.stderr} {
			for _, bad := range orders(text, os.Getenv("GITHUB_ACTIONS") == "true") {
				t.Errorf("%s, input\n%s\n%s: %s in\n%q", line, text, what, bad, text)
			}
		}
		checkWritten(t, line)
	}
}

// checkWritten looks at what a call wrote.
func checkWritten(t *testing.T, line string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasPrefix(path, "out") {
			return nil
		}
		var bad []string
		switch filepath.Ext(path) {
		case ".html", ".xml":
			bad = hidden(read(t, path))
			if foreignScript(read(t, path)) {
				bad = append(bad, "a script")
			}
		case ".md":
			bad = append(hidden(read(t, path)), markdownOrders(read(t, path))...)
		case ".json":
			bad = hidden(read(t, path))
			if !json.Valid([]byte(read(t, path))) {
				bad = append(bad, "no JSON")
			}
		}
		if len(bad) > 0 {
			t.Errorf("%s: %s has %q", line, path, bad)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hidden are the control characters of a text, and those that turn its direction.
func hidden(text string) []string {
	return regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{2028}\x{2029}]`).FindAllString(text, -1)
}

// orders are what a terminal, and in a workflow its runner, would carry out.
func orders(text string, actions bool) []string {
	bad := hidden(text)
	if !actions {
		return bad
	}
	own := regexp.MustCompile(`^::error (file=[^:,]*(,line=\d+)?(,col=\d+)?)?(,?title=[^:,]*)?::`)
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "::") && (!own.MatchString(line) || strings.HasPrefix(line, "::error title=HACKED")) {
			bad = append(bad, line)
		}
		if strings.Contains(line, "##[") && !strings.HasPrefix(line, "::error ") {
			bad = append(bad, line)
		}
	}
	return bad
}

// Code, longest fences first: what is in it is shown as it is.
var code = []*regexp.Regexp{regexp.MustCompile("(?s)````+.*?````+"), regexp.MustCompile("(?s)```.*?```"), regexp.MustCompile("`` .*? ``"), regexp.MustCompile("(^|[^\\\\`])`[^`]+`")}

// markdownOrders are mentions, HTML and images outside of code.
func markdownOrders(text string) []string {
	for _, c := range code {
		text = c.ReplaceAllString(text, "")
	}
	text = strings.ReplaceAll(text, "&amp;\\#64;octocat", "")
	return regexp.MustCompile(`(@|&#64;)octocat|<script|(^|[^\\])!?\[i\]`).FindAllString(text, -1)
}

var scripts = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// foreignScript says whether a page has a script other than the one whose hash
// its content security policy allows. The policy stands first in the page, where
// no text of an input can come before it.
func foreignScript(page string) bool {
	policy := ""
	if head, _, found := strings.Cut(page, "'\">\n<meta name=\"viewport\""); found && strings.HasPrefix(head, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\"") {
		policy = head
	}
	for _, script := range scripts.FindAllStringSubmatch(page, -1) {
		sum := sha256.Sum256([]byte(script[1]))
		if !strings.HasSuffix(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])) {
			return true
		}
	}
	// The data of the charts are no script.
	return strings.Count(page, "<script") != len(scripts.FindAllString(page, -1))+strings.Count(page, "\n<script type=\"application/json\" id=\"data\">")
}
