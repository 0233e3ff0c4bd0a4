package charts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValues(t *testing.T) {
	cases := []struct {
		name, reason, setting string
		path                  []string
		want                  any
	}{
		{"String", "where the default is a string, the value is not read as YAML", "image=1", []string{"image"}, "1"},
		{"Number", "other values are YAML", "replicas=2", []string{"replicas"}, 2.0},
		{"Nested", "a path leads into maps", "journal.sizeMiB=512", []string{"journal", "sizeMiB"}, 512.0},
		{"Equals", "only the first equals sign divides", "prometheus.uri=http://p:9090/?a=b", []string{"prometheus", "uri"}, "http://p:9090/?a=b"},
		{"EscapedDot", "a label may have dots", `serviceMonitor.labels.a\.b/c=x`, []string{"serviceMonitor", "labels", "a.b/c"}, "x"},
		{"List", "a list is YAML's", "extraArgs=[--pprof=:6060]", []string{"extraArgs"}, []any{"--pprof=:6060"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			values, err := Values(tc.setting)
			if err != nil {
				t.Fatal(err)
			}
			var got any = values
			for _, field := range tc.path {
				got = got.(map[string]any)[field]
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nValues(%q): -want, +got:\n%s", tc.reason, tc.setting, diff)
			}
		})
	}
}

func TestInvalidValues(t *testing.T) {
	cases := []struct {
		name, reason, setting, want string
	}{
		{"NoEquals", "a setting has a value", "dryRun", `setting "dryRun": want PATH=VALUE, as in journal.retention=168h`},
		{"UnknownField", "a slip of the pen must not be ignored", "replica=2", "chart values: replica is a forbidden property"},
		{"UnknownNested", "nor a deeper one", "journal.size=2Gi", "chart values: journal.size is a forbidden property"},
		{"NoMap", "a scalar has no fields", "image.tag=x", `setting "image.tag=x": there is no image to set a field of; see values.yaml`},
		{"Provider", "there are two", "provider=gcp", "chart values: provider should be one of [aws none]"},
		{"Type", "dry run is yes or no", "dryRun=maybe", `chart values: dryRun must be of type boolean: "string"`},
		{"URI", "the client speaks HTTP", "prometheus.uri=prometheus:9090", "chart values: prometheus.uri should match '^https?://[^/]'"},
		{"Retention", "the flag takes a Go duration, which has no days", "journal.retention=14d", "chart values: journal.retention should match '^([0-9]+(h|m|s))+$'"},
		{"Size", "the journal needs room for its files", "journal.sizeMiB=1", "chart values: journal.sizeMiB should be greater than or equal to 16"},
		{"YAML", "a value must be readable", "extraArgs=[", `setting "extraArgs=[": `},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Values(tc.setting)
			if err == nil {
				t.Fatalf("%s\nValues(%q): got no error, want %q", tc.reason, tc.setting, tc.want)
			}
			if !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("%s\nValues(%q): got %q, want %q", tc.reason, tc.setting, err, tc.want)
			}
		})
	}
}
