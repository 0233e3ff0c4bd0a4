package sources

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	client "github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
	"github.com/karpenter-sim/karpenter/providers/promql"
)

// reloadEvery is how often the file is looked at.
const reloadEvery = 10 * time.Second

// Options holds what sources need.
type Options struct {
	// Own is asked by metrics that name no source.
	Own cycle.MetricSource
	// Path is the file; empty for no named source.
	Path string
	// EnforceLabel is that of sources that name none.
	EnforceLabel promql.Label
	// Client has what clients of all sources share; their URLs and credentials are
	// the file's.
	Client prometheus.Options
	// Sign wraps what sends requests into what signs them for Amazon's service.
	Sign func(SigV4, http.RoundTripper) (http.RoundTripper, error)
	// Opened, if set, is told of each named server that was opened, and may ask it.
	Opened func(name, address string, source cycle.Querier)
	// Clock times the looks at the file; Log and Registry tell of it.
	Clock    clock.WithTicker
	Log      logr.Logger
	Registry client.Registerer
}

// Sources is a cycle.MetricSource that asks each query's own server. It follows its
// file; one that becomes wrong leaves the last good one in force.
type Sources struct {
	o     Options
	now   atomic.Pointer[servers]
	valid client.Gauge

	// Of the last look at the file.
	seen  []byte
	wrong atomic.Pointer[string]
}

// servers are the named ones.
type servers struct {
	names []string
	by    map[string]cycle.MetricSource
	// urls and clients have what each of names asks, without labels.
	urls    []string
	clients []*prometheus.Client
}

var _ cycle.MetricSource = (*Sources)(nil)

// New reads the file. Its error is Load's, or names the source that cannot be built.
func New(o Options) (*Sources, error) {
	s := &Sources{o: o}
	s.now.Store(&servers{})
	if o.Path == "" {
		return s, nil
	}
	s.valid = client.NewGauge(client.GaugeOpts{
		Name: "karpenter_autoscaling_metrics_sources_valid", Help: "Whether the file of --metrics-sources is valid; while it is 0, the last good one is in force.",
	})
	if err := o.Registry.Register(s.valid); err != nil {
		return nil, err
	}
	file, content, err := Load(o.Path)
	if err != nil {
		return nil, err
	}
	s.seen = content
	built, err := s.build(file, content)
	if err != nil {
		return nil, err
	}
	s.now.Store(built)
	s.valid.Set(1)
	s.tell(built)
	return s, nil
}

// tell tells whoever wants to know which servers were opened.
func (s *Sources) tell(built *servers) {
	for i, name := range built.names {
		if s.o.Opened != nil {
			s.o.Opened(name, built.urls[i], built.clients[i])
		}
	}
}

// build makes the clients of a file.
func (s *Sources) build(f *File, content []byte) (*servers, error) {
	built := &servers{by: map[string]cycle.MetricSource{}}
	for i := range f.Sources {
		source := &f.Sources[i]
		c, field, err := s.client(source)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: sources[%d].%s: %w", s.o.Path, linesOf(content).of(i, field), i, field, err)
		}
		label := s.o.EnforceLabel
		if source.EnforceLabel != "" {
			label = promql.Label(source.EnforceLabel)
		}
		built.names, built.urls, built.clients = append(built.names, source.Name), append(built.urls, source.URL), append(built.clients, c)
		built.by[source.Name] = promql.Enforcing(label, promql.Narrowing(source.Labels, c))
	}
	return built, nil
}

// client makes the client of a source. Where it cannot, it names the field that is
// wrong.
func (s *Sources) client(source *Source) (c *prometheus.Client, field string, err error) {
	o := s.o.Client
	o.URL, o.ConfigFile, o.Config = source.URL, "", source.HTTP
	if o.Config != nil {
		o.Config.SetDirectory(filepath.Dir(s.o.Path))
	}
	if source.Tenant != "" {
		o.Header = http.Header{"X-Scope-Orgid": {source.Tenant}}
	}
	field = "http"
	if source.SigV4 != nil {
		if s.o.Sign == nil {
			return nil, "sigv4", errors.New("this controller cannot sign requests")
		}
		o.Wrap = func(next http.RoundTripper) (http.RoundTripper, error) {
			field = "sigv4" // what follows is no longer http's
			return s.o.Sign(*source.SigV4, next)
		}
	}
	c, err = prometheus.New(o)
	return c, field, err
}

// QueryAll implements cycle.MetricSource: all servers are asked at once. What names
// none that there is is answered with cycle.ErrNotFound.
func (s *Sources) QueryAll(ctx context.Context, queries []cycle.Query, at time.Time, within time.Duration, answers []cycle.Answer) {
	named := false
	for i := range queries {
		named = named || queries[i].Source != ""
	}
	if !named {
		s.o.Own.QueryAll(ctx, queries, at, within, answers)
		return
	}
	now := s.now.Load()
	places := map[string][]int{}
	for i := range queries {
		places[queries[i].Source] = append(places[queries[i].Source], i)
	}
	var group sync.WaitGroup
	for name, places := range places {
		server := s.o.Own
		if name != "" {
			server = now.by[name]
		}
		if server == nil {
			for _, i := range places {
				answers[i] = cycle.Answer{Err: s.unknown(name, now)}
			}
			continue
		}
		group.Go(func() {
			asked, given := make([]cycle.Query, len(places)), make([]cycle.Answer, len(places))
			for k, i := range places {
				asked[k] = queries[i]
			}
			server.QueryAll(ctx, asked, at, within, given)
			for k, i := range places {
				answers[i] = given[k]
			}
		})
	}
	group.Wait()
}

// unknown is the answer to a query of a source that there is not.
func (s *Sources) unknown(name string, now *servers) error {
	if s.o.Path == "" {
		return &unknown{fmt.Sprintf("there is no source %s: this controller was started without --metrics-sources", name)}
	}
	return &unknown{fmt.Sprintf("there is no source %s; --metrics-sources has %s", name, strings.Join(now.names, ", "))}
}

type unknown struct{ text string }

func (u *unknown) Error() string    { return cycle.ErrNotFound.Error() + ": " + u.text }
func (u *unknown) Unwrap() error    { return cycle.ErrNotFound }
func (u *unknown) Sentence() string { return u.text }

// Notice says what is to be said of a source to those that use it: that its file is
// wrong by now, and the last good one in force. Mostly it is empty.
func (s *Sources) Notice(source string) string {
	if wrong := s.wrong.Load(); wrong != nil && source != "" {
		return *wrong
	}
	return ""
}

// Start implements manager.Runnable: it follows the file until the context ends.
func (s *Sources) Start(ctx context.Context) error {
	if s.o.Path == "" {
		return nil
	}
	ticker := s.o.Clock.NewTicker(reloadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
			s.Reload()
		}
	}
}

// NeedLeaderElection has replicas that wait for leadership follow the file, too.
func (s *Sources) NeedLeaderElection() bool { return false }

// Reload takes over the file if it has changed and is right. What is wrong is said
// once, until the file changes again.
func (s *Sources) Reload() {
	file, content, err := Load(s.o.Path)
	if content != nil && bytes.Equal(content, s.seen) && s.wrong.Load() == nil {
		return
	}
	var built *servers
	if err == nil {
		built, err = s.build(file, content)
	}
	if err != nil {
		text := fmt.Sprintf("%v: the last good file of sources stays in force", err)
		if before := s.wrong.Swap(&text); before == nil || *before != text {
			s.o.Log.Error(err, "the file of metrics sources is wrong: the last good one stays in force", "file", s.o.Path)
		}
		s.seen = content
		s.valid.Set(0)
		return
	}
	s.seen = content
	s.now.Store(built)
	s.o.Log.Info("the file of metrics sources is in force", "file", s.o.Path, "sources", built.names)
	s.tell(built)
	s.valid.Set(1)
	s.wrong.Store(nil)
}
