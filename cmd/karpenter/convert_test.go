package main

import (
	"strings"
	"testing"
)

func TestConvert(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", validHPA)
	write(t, "all.yaml", validHA+"---\n"+service+"---\n"+validHPA)
	got := call(t, "", "convert", "-f", "all.yaml", "--metric", `queue_length=sum(queue_length{queue="jobs"})`)
	got.want(t, exitOK, "default/horizontalpodautoscaler/shop: spec.behavior: absent")
	if !strings.Contains(got.stdout, `query: sum(queue_length{queue="jobs"})`) {
		t.Errorf("--metric is not used:\n%s", got.stdout)
	}
	own, converted, _ := strings.Cut(got.stdout, "---\n")
	if !strings.Contains(own, "name: web") || !strings.Contains(converted, "name: shop") {
		t.Errorf("want web as it was, then shop converted; got:\n%s", got.stdout)
	}
	call(t, got.stdout, "validate", "-f", "-").want(t, exitOK, "")
	if again := call(t, got.stdout, "convert", "-f", "-"); again.code != exitOK || again.stdout != got.stdout {
		t.Errorf("what is converted passes through; code %d, stdout:\n%s", again.code, again.stdout)
	}
	if quiet := call(t, "", "convert", "hpa.yaml", "-q"); quiet.stderr != "" || quiet.stdout == "" {
		t.Errorf("with --quiet: stderr %q, stdout %q", quiet.stderr, quiet.stdout)
	}
}

// What is converted can start as a dry run, producers of cron triggers beside it.
func TestConvertSet(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "so.yaml", `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: jobs, namespace: shop}
spec:
  scaleTargetRef: {name: jobs}
  triggers:
  - {type: prometheus, metadata: {serverAddress: "http://prometheus:9090", query: sum(queue_length), threshold: "8"}}
  - {type: cron, metadata: {timezone: Etc/UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3"}}
`)
	plain := call(t, "", "convert", "-f", "so.yaml", "-q")
	set := call(t, "", "convert", "-f", "so.yaml", "-q", "--set", "spec.dryRun=true", "--set", "shop/ha/jobs:spec.maxReplicas=50")
	set.want(t, exitOK, "")
	if strings.Count(set.stdout, "\n  dryRun: true\n") != 1 || !strings.Contains(set.stdout, "\n  maxReplicas: 50\n") || strings.Count(set.stdout, "kind: MetricsProducer") != 1 {
		t.Errorf("want one autoscaler in a dry run, and its producer; got:\n%s", set.stdout)
	}
	if got := strings.Replace(strings.Replace(set.stdout, "  dryRun: true\n", "", 1), "maxReplicas: 50", "maxReplicas: 100", 1); got != plain.stdout {
		t.Errorf("all else must stay:\n%s\nwithout --set:\n%s", got, plain.stdout)
	}
}

func TestConvertRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", validHPA)
	write(t, "service.yaml", service)
	write(t, "collision.yaml", strings.Replace(validHA, "name: web}\nspec", "name: shop}\nspec", 1)+"---\n"+validHPA)
	write(t, "unfit.yaml", strings.Replace(validHPA, "averageValue: 30", "averageValue: 0", 1))
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"Nothing":   {nil, "nothing to convert: give files, directories or - with -f"},
		"Other":     {[]string{"service.yaml", "-q"}, "nothing to convert: no HorizontalPodAutoscaler, ScaledObject or object of"},
		"Metric":    {[]string{"hpa.yaml", "--metric", "queue_length"}, `--metric "queue_length": want NAME=PROMQL`},
		"Absent":    {[]string{"nope.yaml"}, "nope.yaml: no such file or directory"},
		"Unfit":     {[]string{"unfit.yaml"}, "unfit.yaml:10:89: spec.metrics[0].external.target.averageValue: default/horizontalpodautoscaler/shop: Invalid value: "},
		"Unused":    {[]string{"hpa.yaml", "--metric", "queue_lenght=sum(x)"}, "--metric queue_lenght: no metric or trigger uses this query; the manifests have queue_length"},
		"Twice":     {[]string{"hpa.yaml", "--metric", "queue_length=sum(x)", "--metric", "queue_length=sum(y)"}, "--metric 'queue_length=sum(y)': queue_length is named twice"},
		"Collision": {[]string{"collision.yaml", "-q"}, "default/HorizontalAutoscaler/shop is defined twice"},
		"NotPromQL": {[]string{"hpa.yaml", "--metric", "unused=sum(("}, "--metric unused: not PromQL: query"},
		"Window":    {[]string{"hpa.yaml", "--rate-window", "-2m"}, "--rate-window -2m: want a duration above 0s such as 2m"},
		"Set":       {[]string{"hpa.yaml", "--set", "spec.dryrun=true"}, `set "spec.dryrun=true": spec.dryrun: unknown field; did you mean "dryRun"?`},
		"SetUnfit":  {[]string{"hpa.yaml", "--set", "spec.maxReplicas=1"}, "spec.minReplicas: Invalid value: 2: must be at most maxReplicas (1)"},
		"SetAbsent": {[]string{"hpa.yaml", "--set", "ha/other:spec.dryRun=true"}, `set "ha/other:spec.dryRun=true": there is no default/HorizontalAutoscaler/other`},
		"Query":     {[]string{"hpa.yaml", "-q", "--metric", "queue_length=sum("}, "PromQL"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, "", append([]string{"convert"}, c.args...)...)
			got.want(t, exitInvalid, c.want)
			if got.stdout != "" {
				t.Errorf("stdout has half a result:\n%s", got.stdout)
			}
			if strings.Contains(got.stderr, "spec.behavior: absent") {
				t.Errorf("the error comes after notes on what is not written:\n%s", got.stderr)
			}
		})
	}
}
