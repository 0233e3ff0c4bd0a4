package main

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// A server is a Prometheus that scrapes this program.
type server struct {
	url string
	api promv1.API
}

// startPrometheus starts one that scrapes the address at an interval.
func (p *plane) startPrometheus(ctx context.Context, address string, every time.Duration) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(p.directory, "prometheus.yaml")
	text := fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %s}\nscrape_configs:\n- {job_name: app, honor_labels: true, static_configs: [{targets: [%q]}]}\n", every, every, address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	own := "127.0.0.1:" + port
	if err := p.start("prometheus", os.Getenv("PROMETHEUS_BIN"), "--config.file", config, "--storage.tsdb.path", filepath.Join(p.directory, "tsdb"), "--web.listen-address", own); err != nil {
		return nil, err
	}
	client, err := api.NewClient(api.Config{Address: "http://" + own})
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + own, api: promv1.NewAPI(client)}
	return s, eventually(ctx, "Prometheus is ready", func() error {
		response, err := http.Get(s.url + "/-/ready")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
}

// ask returns the one sample of an instant query.
func (s *server) ask(ctx context.Context, query string, at time.Time) (float64, error) {
	value, _, _, err := s.api.Query(ctx, query, at)
	if err != nil {
		return 0, err
	}
	vector, ok := value.(model.Vector)
	if !ok || len(vector) != 1 {
		return 0, fmt.Errorf("%s: want one sample, got %v", query, value)
	}
	return float64(vector[0].Value), nil
}

// export writes the raw samples that selectors find in [from, to] as OpenMetrics
// text, with the times at which they were scraped.
func (s *server) export(ctx context.Context, file string, from, to time.Time, selectors ...string) (err error) {
	var all []*model.SampleStream
	for _, selector := range selectors {
		value, _, _, err := s.api.Query(ctx, fmt.Sprintf("%s[%dms]", selector, to.Sub(from).Milliseconds()), to)
		if err != nil {
			return fmt.Errorf("export %s: %w", selector, err)
		}
		all = append(all, value.(model.Matrix)...)
	}
	slices.SortFunc(all, func(a, b *model.SampleStream) int {
		return cmp.Or(cmp.Compare(a.Metric[model.MetricNameLabel], b.Metric[model.MetricNameLabel]), cmp.Compare(a.Metric.String(), b.Metric.String()))
	})
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(writeOpenMetrics(packed, all), packed.Close(), out.Close())
}

func writeOpenMetrics(w io.Writer, all []*model.SampleStream) error {
	var text strings.Builder
	last := model.LabelValue("")
	for _, series := range all {
		name := series.Metric[model.MetricNameLabel]
		if name != last {
			family, kind := string(name), "gauge"
			if base, counts := strings.CutSuffix(family, "_total"); counts {
				family, kind = base, "counter"
			}
			fmt.Fprintf(&text, "# TYPE %s %s\n", family, kind)
			last = name
		}
		var labels []string
		for label, value := range series.Metric {
			if label != model.MetricNameLabel && label != "instance" && label != "job" {
				labels = append(labels, fmt.Sprintf("%s=%q", label, value))
			}
		}
		slices.Sort(labels)
		of := fmt.Sprintf("%s{%s}", name, strings.Join(labels, ","))
		for _, sample := range series.Values {
			fmt.Fprintf(&text, "%s %s %d.%03d\n", of, sample.Value, int64(sample.Timestamp)/1000, int64(sample.Timestamp)%1000)
		}
	}
	text.WriteString("# EOF\n")
	_, err := io.WriteString(w, text.String())
	return err
}

// eventually calls holds until it returns nil, for a minute.
func eventually(ctx context.Context, what string, holds func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it never came true that %s: %w", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
