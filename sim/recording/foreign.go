package recording

import (
	"bufio"
	"bytes"
	"fmt"
)

// foreignAnswers has the keys by which answers of other APIs are known, and how they
// become a CSV.
var foreignAnswers = map[string]string{
	"MetricDataResults": `an answer of aws cloudwatch get-metric-data; make a CSV of it: jq -r '["timestamp","series","value"],(.MetricDataResults[]|.Label as $s|[.Timestamps,.Values]|transpose[]|[.[0],$s,.[1]])|@csv'`,
	"Datapoints":        `an answer of aws cloudwatch get-metric-statistics; make a CSV of it: jq -r '["timestamp","value"],(.Datapoints|sort_by(.Timestamp)[]|[.Timestamp,(.Average//.Sum//.Maximum//.Minimum//.SampleCount)])|@csv'`,
	"results":           `an answer of Grafana's own API; take the CSV of the panel's inspector (Inspect, Data, Download CSV), or ask the Prometheus behind it`,
	"pointlist":         `an answer of Datadog's API; make a CSV of it: jq -r '["timestamp","series","value"],(.series[]|"\(.metric){\(.scope)}" as $s|.pointlist[]|[.[0],$s,.[1]])|@csv'`,
	"timeSeries":        `an answer of Google Cloud Monitoring; make a CSV of it: jq -r '["timestamp","series","value"],(.timeSeries[]|(.metric.labels|tostring) as $s|.points[]|[.interval.endTime,$s,(.value.doubleValue//.value.int64Value)])|@csv'`,
	"timeseries":        `an answer of az monitor metrics list; make a CSV of it: jq -r '["timestamp","series","value"],(.value[]|.name.value as $s|.timeseries[].data[]|[.timeStamp,$s,(.average//.total//.maximum//.minimum//.count)])|@csv'`,
	"datapoints":        `an answer of Graphite; ask for format=csv and write a header above it: series,timestamp,value`,
}

// foreignFiles has how files begin that hold no text, or no data.
var foreignFiles = []struct{ magic, message string }{
	{"PK\x03\x04", "a workbook or a ZIP archive; save the sheet as CSV, or unpack the archive"},
	{"\xd0\xcf\x11\xe0", "a workbook of an older Excel; save the sheet as CSV"},
	{"PAR1", "a Parquet file; make a CSV of it, e.g. duckdb -c \"COPY (FROM 'FILE') TO 'metrics.csv'\""},
	{"%PDF", "a PDF; export the data as CSV"},
	{"<!doctype html", "a web page, e.g. of a login, and no data; save the answer of a call that is logged in"},
	{"<html", "a web page, e.g. of a login, and no data; save the answer of a call that is logged in"},
	{"<?xml", "XML; export the data as CSV"},
	{"{__name__=", "what promtool tsdb dump writes; use promtool tsdb dump-openmetrics and name it .om"},
}

// checkForeign refuses files of other programs by how they begin.
func checkForeign(path string) error {
	f, err := openText(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head, _ := bufio.NewReader(f).Peek(4096)
	head = bytes.TrimLeft(head, " \t\r\n")
	for _, file := range foreignFiles {
		if len(head) >= len(file.magic) && bytes.EqualFold(head[:len(file.magic)], []byte(file.magic)) {
			return fmt.Errorf("%s: %s", path, file.message)
		}
	}
	if line, _, _ := bytes.Cut(head, []byte("\n")); bytes.HasSuffix(bytes.TrimSpace(line), []byte(" =>")) {
		return fmt.Errorf("%s: what promtool query range writes; use promtool query range -o json and name it .json", path)
	}
	return nil
}
