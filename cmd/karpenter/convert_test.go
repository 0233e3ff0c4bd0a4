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
	got.want(t, exitOK, "skipped 1 Service (v1)\nHorizontalPodAutoscaler default/shop: ")
	if !strings.Contains(got.stdout, `query: sum(queue_length{queue="jobs"})`) {
		t.Errorf("--metric is not used:\n%s", got.stdout)
	}
	own, converted, _ := strings.Cut(got.stdout, "---\n")
	if !strings.Contains(own, "name: web") || !strings.Contains(converted, "name: shop") {
		t.Errorf("want web as it was, then shop converted; got:\n%s", got.stdout)
	}
	call(t, got.stdout, "validate", "-f", "-").want(t, exitOK, "")
	call(t, got.stdout, "convert", "-f", "-").refused(t, "nothing to convert: no HorizontalPodAutoscaler or ScaledObject in the files")
	if quiet := call(t, "", "convert", "hpa.yaml", "-q"); quiet.stderr != "" || quiet.stdout == "" {
		t.Errorf("with --quiet: stderr %q, stdout %q", quiet.stderr, quiet.stdout)
	}
}

func TestConvertSets(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", validHPA)
	write(t, "all.yaml", validProducer+"---\n"+validHPA)
	for name, c := range map[string]struct {
		args   []string
		want   string
		refuse string
	}{
		"DryRun":   {[]string{"hpa.yaml", "--set", "spec.dryRun=true"}, "dryRun: true", ""},
		"Object":   {[]string{"all.yaml", "--set", "mp/hours:spec.scheduleSpec.defaultReplicas=3"}, "defaultReplicas: 3", ""},
		"Unknown":  {[]string{"hpa.yaml", "--set", "spec.dryrun=true"}, "", `--set: set "spec.dryrun=true": spec.dryrun: unknown field; did you mean "dryRun"?`},
		"Invalid":  {[]string{"hpa.yaml", "--set", "spec.minReplicas=500"}, "", "spec.minReplicas: Invalid value: 500: must be at most maxReplicas"},
		"NoObject": {[]string{"hpa.yaml", "--set", "mp/x:spec.queue.id=y"}, "", "there is no default/MetricsProducer/x"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, "", append([]string{"convert", "-q"}, c.args...)...)
			if c.refuse != "" {
				got.refused(t, c.refuse)
				return
			}
			got.want(t, exitOK, "")
			if !strings.Contains(got.stdout, c.want) {
				t.Errorf("want %s in\n%s", c.want, got.stdout)
			}
			call(t, got.stdout, "validate", "-f", "-").want(t, exitOK, "")
		})
	}
}

// item is a manifest as an element of a List.
func item(manifest string) string {
	return "- " + strings.ReplaceAll(strings.TrimSpace(manifest), "\n", "\n  ") + "\n"
}

func TestConvertRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", validHPA)
	write(t, "service.yaml", service)
	write(t, "collision.yaml", strings.Replace(validHA, "name: web}\nspec", "name: shop}\nspec", 1)+"---\n"+validHPA)
	write(t, "list.yaml", "kind: List\napiVersion: v1\nitems:\n"+item(validHPA)+item(strings.Replace(strings.Replace(validHPA, "shop", "other", 1), "type: AverageValue, ", "type: Total, ", 1)))
	write(t, "unfit.yaml", strings.Replace(validHPA, "averageValue: 30", "averageValue: 0", 1))
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"Nothing":   {nil, "nothing to convert: give files, directories or - with -f"},
		"Other":     {[]string{"service.yaml", "-q"}, "nothing to convert: no HorizontalPodAutoscaler or ScaledObject in the files"},
		"Metric":    {[]string{"hpa.yaml", "--metric", "queue_length"}, `--metric "queue_length": want NAME=PROMQL`},
		"Absent":    {[]string{"nope.yaml"}, "nope.yaml: no such file or directory"},
		"Unfit":     {[]string{"unfit.yaml"}, "unfit.yaml:9:5: spec.metrics[0].prometheus.target.averageValue: the converted HorizontalAutoscaler would be invalid: "},
		"List":      {[]string{"list.yaml"}, "list.yaml:23:63: spec.metrics[0].external.target.type: \"Total\" is not possible for this metric; allowed: Value, AverageValue"},
		"Unused":    {[]string{"hpa.yaml", "--metric", "queue_lenght=sum(x)"}, "--metric queue_lenght: no HorizontalPodAutoscaler uses this query; the manifests have queue_length"},
		"Twice":     {[]string{"hpa.yaml", "--metric", "queue_length=sum(x)", "--metric", "queue_length=sum(y)"}, "--metric 'queue_length=sum(y)': queue_length is named twice"},
		"Collision": {[]string{"collision.yaml", "-q"}, "default/HorizontalAutoscaler/shop is defined twice"},
		"NotPromQL": {[]string{"hpa.yaml", "--metric", "unused=sum(("}, "--metric unused: not PromQL: query"},
		"Window":    {[]string{"hpa.yaml", "--rate-window", "-2m"}, "--rate-window -2m: want a duration above 0s such as 2m"},
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
