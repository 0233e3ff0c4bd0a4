package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkoutPolicy is an autoscaler that wants one replica for every 10 of a query.
func checkoutPolicy(t *testing.T, query string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ha.yaml")
	text := `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 1
  maxReplicas: 500
  pollingIntervalSeconds: 60
  metrics:
  - prometheus: {query: '` + query + `', target: {type: AverageValue, averageValue: 10}}
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// table writes a header and thirty rows a minute apart, made by a row's format of
// minute and time.
func table(t *testing.T, name, header, row string) string {
	t.Helper()
	text := header
	for i := range 30 {
		text += strings.NewReplacer("MM", fmt.Sprintf("%02d", i), "UNIX", fmt.Sprint(1767607200+60*i)).Replace(row)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReplayOfTables replays tables as tools write them: the counts decided upon
// follow from what the cells mean.
func TestReplayOfTables(t *testing.T) {
	tests := map[string]struct {
		reason, query, header, row string
		args                       []string
		largest                    string
		said                       string
	}{
		"Selectors":    {"Grafana without a legend", `sum(cpu{pod=~"checkout-.+"})`, "\"Time\",\"cpu{pod=\"\"checkout-a\"\"}\",\"cpu{pod=\"\"checkout-b\"\"}\"\n", "2026-01-05 10:MM:00,14,16\n", nil, "3", ""},
		"Labels":       {"and of an expression", `sum({pod=~"checkout-.+"})`, "Time,\"{pod=\"\"checkout-a\"\"}\",\"{pod=\"\"checkout-b\"\"}\"\n", "2026-01-05 10:MM:00,14,16\n", nil, "3", ""},
		"LabelsNamed":  {"which a flag names", `sum(cpu)`, "Time,\"{pod=\"\"checkout-a\"\"}\"\n", "2026-01-05 10:MM:00,24\n", []string{"--series", "*=cpu"}, "3", ""},
		"Percent":      {"formatted data", "checkout", "Time,checkout\n", "2026-01-05 10:MM:00,45.1%\n", nil, "5", `reads "45.1%" in column "checkout" as 45.1 (percent)`},
		"Separator":    {"a download for Excel", "checkout", "sep=;\nTime;checkout\n", "2026-01-05 10:MM:00;45\n", nil, "5", ""},
		"Thousands":    {"a spreadsheet", "checkout", "Time,checkout\n", "2026-01-05 10:MM:00,\"1,200\"\n", nil, "120", `reads "1,200" in column "checkout" as 1200`},
		"Units":        {"panels with units", "checkout", "Time,checkout,latency\n", "2026-01-05 10:MM:00,1.2 k,350 ms\n", nil, "120", `"350 ms" in column "latency" as 0.35 (seconds)`},
		"Commas":       {"another locale", "checkout", "Zeit;checkout\n", "2026-01-05 10:MM:00;12,5\n", nil, "2", ""},
		"RowNumbers":   {"a dump of a database", "orders", "id,seen_at,orders\n", "MM,2026-01-05 10:MM:00,24\n", nil, "3", `the times are read from column "seen_at"`},
		"Long":         {"two services seven seconds apart", "sum(requests)", "time,service,requests\n", "2026-01-05 10:MM:00,web,10\n2026-01-05 10:MM:07,api,99\n", nil, "11", `service ("web", "api", ...)`},
		"Microseconds": {"BigQuery", "orders", "time,orders\n", "UNIX000000,24\n", nil, "3", "times are read as Unix microseconds"},
		"Nanoseconds":  {"InfluxDB", "orders", "time,orders\n", "UNIX000000000,24\n", nil, "3", "times are read as Unix nanoseconds"},
		"Gaps":         {"null", "checkout", "Time,checkout\n", "2026-01-05 10:MM:00,null\n2026-01-05 10:MM:30,24\n", nil, "3", `takes "null" for gaps`},
		"UTC":          {"psql", "orders", "time,orders\n", "2026-01-05 10:MM:00 UTC,24\n", nil, "3", ""},
		"Layout":       {"a layout that is said", "orders", "when,orders\n", "01/05/2026 10:MM,24\n", []string{"--time-layout", "01/02/2006 15:04"}, "3", ""},
		"Strftime":     {"in the other notation", "orders", "when,orders\n", "05.01.26 10:MM,24\n", []string{"--time-layout", "%d.%m.%y %H:%M"}, "3", ""},
		"TimeColumn":   {"a column that is said", "orders", "start,end,orders\n", "2026-01-04 10:MM:00,2026-01-05 10:MM:00,24\n", []string{"--time-column", "end"}, "3", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			ha, csv := checkoutPolicy(t, tc.query), table(t, "table.csv", tc.header, tc.row)
			out := filepath.Join(t.TempDir(), "out")
			got := call(t, "", append([]string{"replay", "-f", ha, "--recording", csv, "--out", out}, tc.args...)...)
			got.want(t, exitOK, tc.said)
			lines := strings.Split(got.stdout, "\n")
			if fields := strings.Fields(lines[1]); fields[len(fields)-1] != tc.largest {
				t.Errorf("%s: largest count %s, want %s\n%s", tc.reason, fields[len(fields)-1], tc.largest, got.stdout)
			}
			if tc.said != "" {
				page, err := os.ReadFile(filepath.Join(out, "checkout", "summary.md"))
				if err != nil || !strings.Contains(string(page), strings.NewReplacer(`"`, "&#34;").Replace("table.csv")) {
					t.Errorf("the report says nothing of it: %v", err)
				}
			}
			// What replay wrote is simulated to the same.
			again := call(t, "", "simulate", filepath.Join(out, "checkout", "scenario.yaml"), "--out", filepath.Join(t.TempDir(), "again"))
			if again.stdout != got.stdout {
				t.Errorf("simulated again:\n%s\nwant\n%s", again.stdout, got.stdout)
			}
		})
	}
}

// TestReplayRefusesTables has tables about which something has to be said, and the
// flag that says it.
func TestReplayRefusesTables(t *testing.T) {
	tests := map[string]struct {
		reason, query, header, row string
		args                       []string
		want                       string
	}{
		"DayOrMonth":  {"no row tells day from month", "orders", "when,orders\n", "01/05/2026 10:MM,24\n", nil, "--time-layout '01/02/2006 15:04' for the month first, '02/01/2006 15:04' for the day"},
		"RowNumbers":  {"numbers from 1970", "orders", "n,orders\n", "MM,24\n", nil, "as Unix seconds that would be 1970-01-01 00:00:00, before 2000, so it is taken for no time; columns are \"n\", \"orders\", name the time column with --time-column if it is another"},
		"NoSuchTime":  {"a column that is not there", "orders", "time,orders\n", "UNIX,24\n", []string{"--time-column", "when"}, "--time-column when: no recording has this column"},
		"NoSuch":      {"a column that is not there", "orders", "time,orders\n", "UNIX,24\n", []string{"--series", "x=y"}, "--series x=...: no recording has this column"},
		"LabelsOnly":  {"columns without a name", "sum(cpu)", "Time,\"{pod=\"\"a\"\"}\"\n", "2026-01-05 10:MM:00,24\n", nil, "which has series without a metric name, to which --series '*=NAME' (or series: {\"*\": NAME} of a scenario's recording) gives one"},
		"ManyColumns": {"the nearest names are listed", "c77", "time," + manyColumns(200) + "\n", "UNIX" + strings.Repeat(",1", 200) + "\n", nil, "which has c77x, c70x, c71x, c72x, c73x, c74x, c75x, c76x, c78x, c79x and 190 more"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			ha, csv := checkoutPolicy(t, tc.query), table(t, "table.csv", tc.header, tc.row)
			call(t, "", append([]string{"replay", "-f", ha, "--recording", csv, "--out", filepath.Join(t.TempDir(), "out")}, tc.args...)...).refused(t, tc.want)
		})
	}
}

func manyColumns(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%dx", i)
	}
	return strings.Join(names, ",")
}
