package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim"
)

// apiPath begins the addresses of Prometheus' HTTP API.
const apiPath = "/api/v1/"

// queryTimeout is how long a query may take, Prometheus' own default.
const queryTimeout = 2 * time.Minute

// A prometheus answers as the HTTP API of a Prometheus that has the series of the runs
// that are shown. It has them read once they are asked for, and again when they change.
type prometheus struct {
	// state names the runs as they are now; publish reads their series.
	state   func() string
	publish func(context.Context) (*sim.Published, error)

	mu      sync.RWMutex
	read    string // the state that published is of
	current *sim.Published
	handler http.Handler
}

// ServeHTTP implements http.Handler. What it lacks is said in Prometheus' own form.
func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == apiPath+"read" {
		http.NotFound(w, r) // a database may be larger than an answer
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	state := p.state()
	p.mu.RLock()
	if p.handler == nil || p.read != state {
		p.mu.RUnlock()
		if err := p.renew(ctx, state); err != nil {
			unavailable(w, err)
			return
		}
		p.mu.RLock()
	}
	defer p.mu.RUnlock()
	p.handler.ServeHTTP(w, r.WithContext(ctx))
}

// renew reads the series of a state, unless another request has.
func (p *prometheus) renew(ctx context.Context, state string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handler != nil && p.read == state {
		return nil
	}
	published, err := p.publish(ctx)
	if err != nil {
		return err
	}
	if p.current != nil {
		p.current.Close() // in memory, and a temporary directory
	}
	p.current, p.handler, p.read = published, fake.Handler(published.Prometheus), state
	return nil
}

// Close forgets the series.
func (p *prometheus) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = nil
	if p.current == nil {
		return nil
	}
	return p.current.Close()
}

// unavailable answers as Prometheus does while it has nothing to say.
func unavailable(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	json.NewEncoder(w).Encode(map[string]string{"status": "error", "errorType": "unavailable", "error": strings.TrimSpace(err.Error())})
}
