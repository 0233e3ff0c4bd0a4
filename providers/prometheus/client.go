package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/escape"
)

// Defaults of the options.
const (
	DefaultTimeout  = 10 * time.Second
	DefaultMaxBytes = 16 << 20
)

// remembered is how many results are kept for others that ask the same.
const remembered = 4096

// Options say which server to ask, and how.
type Options struct {
	// URL is the server's address, with the prefix of its API if it has one.
	URL string
	// ConfigFile is HTTPClient's file; Config is what such a file says, in its place.
	ConfigFile string
	Config     *config.HTTPClientConfig
	// Header is added to every request.
	Header http.Header
	// Wrap, if set, makes what sends requests into what is used, as one that signs them.
	Wrap func(http.RoundTripper) (http.RoundTripper, error)
	// Timeout is the longest time for the queries of a slot, DefaultTimeout if 0.
	Timeout time.Duration
	// MaxBytes is the largest answer that is read, DefaultMaxBytes if 0.
	MaxBytes int64
	// ScrapeInterval is how old the newest sample of a metric may be while all is
	// well: the longest interval at which metrics are scraped. Answers have it as
	// their age.
	ScrapeInterval time.Duration
	// Observe, if set, is told of every request. It needs Clock, and may be
	// called concurrently.
	Observe func(Observation)
	// Clock measures requests for Observe.
	Clock clock.PassiveClock
}

// An Observation is the outcome of one request to the server.
type Observation struct {
	Query    string
	Duration time.Duration
	// Warnings are the server's, Err is what the query failed with.
	Warnings []string
	Err      error
}

// A Client is a cycle.MetricSource over the HTTP API of a server. Its methods
// may be called concurrently.
type Client struct {
	options Options
	api     v1.API
	flights singleflight.Group
	memory  memory
}

var (
	_ cycle.MetricSource = (*Client)(nil)
	_ cycle.Querier      = (*Client)(nil)
)

// New returns a client. It reads the configuration file, but does not call the
// server. An error names the option that is wrong.
func New(o Options) (*Client, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if err := checkURL(o.URL); err != nil {
		return nil, err
	}
	caller, err := o.caller()
	if err != nil {
		return nil, err
	}
	caller.Transport = &roundTripper{next: caller.Transport, maxBytes: o.MaxBytes}
	client, err := api.NewClient(api.Config{Address: o.URL, Client: caller})
	if err != nil {
		return nil, fmt.Errorf("client of Prometheus: %w", withoutURL(err))
	}
	return &Client{options: o, api: v1.NewAPI(strictClient{client}), memory: newMemory(remembered)}, nil
}

// caller is the HTTP client.
func (o *Options) caller() (*http.Client, error) {
	const agent = "karpenter-autoscaling"
	caller, err := (*http.Client)(nil), error(nil)
	if o.Config != nil {
		caller, err = clientOf(*o.Config, o.Header, agent)
	} else if caller, err = HTTPClient(o.ConfigFile, o.Header, agent); err != nil {
		err = fmt.Errorf("%s: %w", o.ConfigFile, err)
	}
	if err != nil || o.Wrap == nil {
		return caller, err
	}
	caller.Transport, err = o.Wrap(caller.Transport)
	return caller, err
}

// QueryAll implements cycle.MetricSource: it asks all queries at once, under one
// deadline.
func (c *Client) QueryAll(ctx context.Context, queries []cycle.Query, at time.Time, within time.Duration, answers []cycle.Answer) {
	ctx, cancel := context.WithTimeout(ctx, min(c.options.Timeout, within))
	defer cancel()
	var group sync.WaitGroup
	for i := range queries {
		text := queries[i].Text
		group.Go(func() { answers[i].Result, answers[i].Err = c.Query(ctx, text, at) })
	}
	group.Wait()
}

// Query implements cycle.Querier. A second question for the same query and
// instant, to the millisecond, gets the first one's answer; a failure is not kept.
func (c *Client) Query(ctx context.Context, query string, at time.Time) (cycle.Result, error) {
	k := key{query, at.UnixMilli()}
	if result, ok := c.memory.get(k); ok {
		return result, nil
	}
	flight := c.flights.DoChan(strconv.FormatInt(k.at, 10)+" "+query, func() (any, error) {
		if result, ok := c.memory.get(k); ok {
			return result, nil
		}
		// Whoever asked first may leave; the others still wait.
		result, err := c.ask(context.WithoutCancel(ctx), query, time.UnixMilli(k.at))
		if err == nil {
			c.memory.put(k, result)
		}
		return result, err
	})
	select {
	case <-ctx.Done():
		return cycle.Result{}, fmt.Errorf("query %q: %w", query, ctx.Err())
	case answer := <-flight:
		if answer.Err != nil {
			return cycle.Result{}, answer.Err
		}
		return answer.Val.(cycle.Result), nil
	}
}

// ask sends one request and reports it.
func (c *Client) ask(ctx context.Context, query string, at time.Time) (cycle.Result, error) {
	if c.options.Observe == nil {
		return c.send(ctx, query, at)
	}
	start := c.options.Clock.Now()
	result, err := c.send(ctx, query, at)
	c.options.Observe(Observation{
		Query: query, Duration: c.options.Clock.Since(start), Warnings: result.Warnings, Err: err,
	})
	return result, err
}

func (c *Client) send(ctx context.Context, query string, at time.Time) (cycle.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	// The server gives up when nobody waits for the answer any more.
	value, warnings, _, err := c.api.Query(ctx, query, at, v1.WithTimeout(c.options.Timeout))
	if errors.Is(err, errString) {
		return cycle.Result{}, wrongType(query, "string")
	}
	if err != nil {
		return cycle.Result{}, failed(query, err)
	}
	if w := partial(warnings); w != "" {
		return cycle.Result{}, fmt.Errorf("query %s: %w: %s", escape.Excerpt(strconv.Quote(query)), cycle.ErrIncomplete, escape.Excerpt(w))
	}
	result, err := summarize(query, value)
	result.Warnings, result.Age = warnings, c.options.ScrapeInterval
	return result, err
}

// partial is the first warning that says that a part of the answer is missing, as
// of a store that did not answer. What PromQL itself remarks of a query is none.
func partial(warnings []string) string {
	for _, w := range warnings {
		if !strings.HasPrefix(w, "PromQL warning") && !strings.HasPrefix(w, "PromQL info") {
			return w
		}
	}
	return ""
}

// summarize reduces an answer to what a decision needs.
func summarize(query string, value model.Value) (cycle.Result, error) {
	switch v := value.(type) {
	case nil:
		return cycle.Result{}, fmt.Errorf("query %q: %w: an answer without a result", query, cycle.ErrUnavailable)
	case *model.Scalar:
		return cycle.Result{Samples: 1, Value: float64(v.Value)}, nil
	case model.Vector:
		if len(v) != 1 {
			return cycle.Result{Samples: len(v)}, nil
		}
		if v[0] != nil && v[0].Histogram != nil {
			return cycle.Result{}, wrongType(query, "native histogram")
		}
		if v[0] == nil || v[0].Timestamp == 0 {
			// null decodes as nil, and a sample without value as 0, which would scale down.
			return cycle.Result{}, fmt.Errorf("query %q: %w: a sample without time and value", query, cycle.ErrUnavailable)
		}
		return cycle.Result{Samples: 1, Value: float64(v[0].Value)}, nil
	}
	return cycle.Result{}, wrongType(query, value.Type().String())
}

func wrongType(query, kind string) error {
	return fmt.Errorf("query %q gives a %s; an instant vector or a scalar is needed: %w", query, kind, cycle.ErrWrongType)
}
