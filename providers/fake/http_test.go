package fake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
)

// served returns a client of a fake Prometheus behind HTTP, 10 minutes in.
func served(t *testing.T) (*Prometheus, v1.API, string) {
	t.Helper()
	p := NewPrometheus(Options{})
	p.Attach(feedOf(t, testStart, 15*time.Second,
		InputSpec{Series: `x_total{pod="a"}`, Values: "0+15x100"},
		InputSpec{Series: `x_total{pod="b"}`, Values: "0+30x9 stale"},
		InputSpec{Series: `native`, Values: "{{schema:0 sum:5 count:4 buckets:[1 2 1]}}x100"},
		InputSpec{Series: `wild`, Values: "Inf" + strings.Repeat(" Inf", 100)},
	))
	if err := p.Advance(at(10 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(Handler(p))
	t.Cleanup(server.Close)
	client, err := api.NewClient(api.Config{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return p, v1.NewAPI(client), server.URL
}

func TestHTTPQuery(t *testing.T) {
	p, client, _ := served(t)
	now := time.UnixMilli(p.Now())
	cases := []struct {
		reason, query string
		want          string
		kind          v1.ErrorType
	}{
		{reason: "vector", query: "sum(x_total)", want: "{} => 600 @[1700000640]"},
		{reason: "scalar", query: "1.5", want: "scalar: 1.5 @[1700000640]"},
		{reason: "matrix", query: "x_total{pod='a'}[30s]", want: "x_total{pod=\"a\"} =>\n585 @[1700000625]\n600 @[1700000640]"},
		{reason: "infinity", query: "wild", want: "wild => +Inf @[1700000640]"},
		{reason: "nothing", query: "nothing", want: ""},
		{reason: "a histogram", query: "histogram_sum(native)", want: "{} => 5 @[1700000640]"},
		{reason: "syntax error", query: "sum(", kind: v1.ErrBadData},
		{reason: "run time error", query: "x_total + on () group_left x_total offset 9m", kind: v1.ErrExec},
	}
	for _, c := range cases {
		got, _, _, err := client.Query(context.Background(), c.query, now)
		var failure *v1.Error
		if errors.As(err, &failure); (err != nil) != (c.kind != "") || failure != nil && failure.Type != c.kind {
			t.Errorf("%s: error %v, want type %q", c.reason, err, c.kind)
		} else if failure == nil && got.String() != c.want {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
		}
	}
}

func TestHTTPRange(t *testing.T) {
	_, client, _ := served(t)
	cases := []struct {
		reason, query string
		r             v1.Range
		want          string
		kind          v1.ErrorType
	}{
		{reason: "steps", query: "sum(x_total)", r: v1.Range{Start: time.UnixMilli(at(0)), End: time.UnixMilli(at(time.Minute)), Step: 30 * time.Second},
			want: "{} =>\n0 @[1700000040]\n90 @[1700000070]\n180 @[1700000100]"},
		{reason: "an expression that is evaluated step by step", query: "avg(x_total * 2)", r: v1.Range{Start: time.UnixMilli(at(0)), End: time.UnixMilli(at(30 * time.Second)), Step: 30 * time.Second},
			want: "{} =>\n0 @[1700000040]\n90 @[1700000070]"},
		{reason: "nothing", query: "nothing", r: v1.Range{Start: time.UnixMilli(at(0)), End: time.UnixMilli(at(time.Minute)), Step: time.Second}},
		{reason: "too fine", query: "x_total", r: v1.Range{Start: time.UnixMilli(at(0)), End: time.UnixMilli(at(24 * time.Hour)), Step: time.Second}, kind: v1.ErrBadData},
		{reason: "backwards", query: "x_total", r: v1.Range{Start: time.UnixMilli(at(time.Hour)), End: time.UnixMilli(at(0)), Step: time.Second}, kind: v1.ErrBadData},
		{reason: "no step", query: "x_total", r: v1.Range{Start: time.UnixMilli(at(0)), End: time.UnixMilli(at(0))}, kind: v1.ErrBadData},
		{reason: "wrong type", query: "x_total[5m]", r: v1.Range{Start: time.UnixMilli(at(0)), End: time.UnixMilli(at(0)), Step: time.Second}, kind: v1.ErrBadData},
	}
	for _, c := range cases {
		got, _, _, err := client.QueryRange(context.Background(), c.query, c.r)
		var failure *v1.Error
		if errors.As(err, &failure); (err != nil) != (c.kind != "") || failure != nil && failure.Type != c.kind {
			t.Errorf("%s: error %v, want type %q", c.reason, err, c.kind)
		} else if failure == nil && got.String() != c.want {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
		}
	}
}

func TestHTTPLabels(t *testing.T) {
	_, client, _ := served(t)
	ctx := context.Background()
	start, end := time.UnixMilli(at(0)), time.UnixMilli(at(10*time.Minute))
	series, _, _, err := client.Series(ctx, []string{"x_total", `{pod="a"}`}, start, end)
	if diff := cmp.Diff([]model.LabelSet{{"__name__": "x_total", "pod": "a"}, {"__name__": "x_total", "pod": "b"}}, series); err != nil || diff != "" {
		t.Errorf("series: %v\n%s", err, diff)
	}
	series, _, _, err = client.Series(ctx, []string{"x_total"}, time.UnixMilli(at(5*time.Minute)), end)
	if diff := cmp.Diff([]model.LabelSet{{"__name__": "x_total", "pod": "a"}}, series); err != nil || diff != "" {
		t.Errorf("series with samples in the range only: %v\n%s", err, diff)
	}
	names, _, _, err := client.LabelNames(ctx, nil, start, end)
	if diff := cmp.Diff(model.LabelNames{"__name__", "pod"}, names); err != nil || diff != "" {
		t.Errorf("names: %v\n%s", err, diff)
	}
	values, _, _, err := client.LabelValues(ctx, "pod", []string{`x_total{pod!="a"}`}, start, end)
	if diff := cmp.Diff(model.LabelValues{"b"}, values); err != nil || diff != "" {
		t.Errorf("values: %v\n%s", err, diff)
	}
	metadata, err := client.Metadata(ctx, "x_total", "")
	if diff := cmp.Diff(map[string][]v1.Metadata{"x_total": {{Type: v1.MetricTypeUnknown}}}, metadata); err != nil || diff != "" {
		t.Errorf("metadata: %v\n%s", err, diff)
	}
	values, warnings, _, err := client.LabelValues(ctx, "__name__", nil, start, end, v1.WithLimit(1))
	if diff := cmp.Diff(model.LabelValues{"native"}, values); err != nil || diff != "" || len(warnings) != 1 {
		t.Errorf("limited values: %v %v\n%s", err, warnings, diff)
	}
}

func TestHTTPRequests(t *testing.T) {
	_, _, base := served(t)
	cases := []struct {
		reason, method, path, form string
		status                     int
		want                       string
	}{
		{"without a time, now is the instant reached", "GET", "/api/v1/query?query=time()", "", 200,
			`{"status":"success","data":{"resultType":"scalar","result":[1700000640,"1700000640"]}}`},
		{"a string", "GET", "/api/v1/query?query=%22text%22", "", 200, `"resultType":"string","result":[1700000640,"text"]`},
		{"a form", "POST", "/api/v1/query", "query=x_total&time=2023-11-14T22:14:00Z", 200, `"value":[1700000040,"0"]`},
		{"an empty result is a list", "GET", "/api/v1/query?query=nothing", "", 200, `"result":[]`},
		{"an empty range result as well", "GET", "/api/v1/query_range?query=avg(nothing*2)&start=1700000040&end=1700000050&step=1", "", 200, `"result":[]`},
		{"a native histogram", "GET", "/api/v1/query?query=native", "", 200, `"histogram":[1700000640,{"count":"4","sum":"5","buckets":`},
		{"a histogram where floats are expected warns", "GET", "/api/v1/query?query=native%2Bx_total", "", 200, `"result":[]`},
		{"infos are passed on", "GET", "/api/v1/query?query=rate(wild[1m])", "", 200, `"infos":["PromQL info: metric might not be a counter`},
		{"an invalid time", "GET", "/api/v1/query?query=1&time=noon", "", 400, `"errorType":"bad_data","error":"invalid parameter \"time\"`},
		{"a time beyond all bounds", "GET", "/api/v1/query?query=1&time=1e300", "", 400, `out of range`},
		{"an invalid step", "GET", "/api/v1/query_range?query=1&start=1&end=2&step=x", "", 400, `"errorType":"bad_data"`},
		{"start is required", "GET", "/api/v1/query_range?query=1&end=2&step=1", "", 400, `"errorType":"bad_data"`},
		{"series needs a selector", "GET", "/api/v1/series", "", 400, "no match[] parameter provided"},
		{"an invalid selector", "GET", "/api/v1/labels?match[]=x%7B", "", 400, `"errorType":"bad_data"`},
		{"an unknown label has no values", "GET", "/api/v1/label/nope/values", "", 200, `"data":[]`},
		{"ready", "GET", "/-/ready", "", 200, "Ready"},
		{"anything else", "GET", "/api/v1/nope", "", 404, ""},
		{"a broken remote read", "POST", "/api/v1/read", "query=1", 400, "snappy"},
	}
	for _, c := range cases {
		request, err := http.NewRequest(c.method, base+c.path, strings.NewReader(c.form))
		if err != nil {
			t.Fatal(err)
		}
		if c.form != "" {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: got %d %s, want %d ... %s", c.reason, response.StatusCode, body, c.status, c.want)
		}
	}
}

func TestHTTPRemoteRead(t *testing.T) {
	_, _, base := served(t)
	request := &prompb.ReadRequest{Queries: []*prompb.Query{{
		StartTimestampMs: at(2 * time.Minute), EndTimestampMs: at(3 * time.Minute),
		Matchers: []*prompb.LabelMatcher{{Type: prompb.LabelMatcher_RE, Name: "pod", Value: "b|c"}},
	}, {
		StartTimestampMs: at(0), EndTimestampMs: at(15 * time.Second),
		Matchers: []*prompb.LabelMatcher{{Type: prompb.LabelMatcher_EQ, Name: "__name__", Value: "native"}},
	}}}
	raw, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(base+"/api/v1/read", "application/x-protobuf", bytes.NewReader(snappy.Encode(nil, raw)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	compressed, _ := io.ReadAll(response.Body)
	raw, err = snappy.Decode(nil, compressed)
	if err != nil {
		t.Fatal(err)
	}
	var got prompb.ReadResponse
	if err := got.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	series := got.Results[0].Timeseries
	if len(series) != 1 || len(series[0].Samples) != 3 {
		t.Fatalf("got %v", series)
	}
	if last := series[0].Samples[2]; last.Timestamp != at(150*time.Second) || math.Float64bits(last.Value) != value.StaleNaN {
		t.Errorf("the stale marker is lost: %v", last)
	}
	if h := got.Results[1].Timeseries[0].Histograms; len(h) != 2 || h[0].ToFloatHistogram().Sum != 5 {
		t.Errorf("the histograms are lost: %v", h)
	}
}

// TestHTTPEqualsQuery says that a controller that asks over HTTP sees the bits
// that a simulated one sees.
func TestHTTPEqualsQuery(t *testing.T) {
	p := NewPrometheus(Options{})
	to := at(20 * time.Minute)
	p.Attach(wildSamples(5, testStart, to))
	if err := p.Advance(to); err != nil {
		t.Fatal(err)
	}
	handler := Handler(p)
	for _, query := range append([]string{"avg(g / h)", "max_over_time(avg(g * h)[5m:1m])", "avg(histogram_quantile(0.9, lat_bucket))"}, exogenousQueries...) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest("GET", "/api/v1/query?query="+url.QueryEscape(query), nil))
		want, err := p.Query(context.Background(), query, time.UnixMilli(to))
		if (recorder.Code == 200) != (err == nil) {
			t.Errorf("%s: status %d, error %v", query, recorder.Code, err)
		}
		if err != nil || want.Samples != 1 {
			continue
		}
		text := model.SampleValue(want.Value).String()
		if !strings.Contains(recorder.Body.String(), `"`+text+`"]`) {
			t.Errorf("%s: got %s, want %s", query, recorder.Body, text)
		}
	}
}
