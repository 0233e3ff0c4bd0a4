package providertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/providertest"
)

// A rack is an example of a provider: groups of machines behind a small HTTP
// API. GET /groups/NAME answers a size; PUT /groups/NAME?size=N changes it.
type rack struct {
	url    string
	client *http.Client
}

type size struct{ Desired, Ready, Min, Max int32 }

// Observe reads, and only reads. It answers all numbers or an error, never a
// part of them.
func (r rack) Observe(ctx context.Context, group cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	var got size
	if err := r.call(ctx, http.MethodGet, group.ID, "", &got); err != nil {
		return cycle.NodeGroup{}, fmt.Errorf("group %s: %w", group.ID, err)
	}
	return cycle.NodeGroup{Desired: got.Desired, Ready: got.Ready, Min: got.Min, Max: got.Max}, nil
}

// Resize sends an absolute number, so that sending it twice does no harm.
func (r rack) Resize(ctx context.Context, group cycle.NodeGroupRef, desired int32) error {
	if desired < 0 {
		return fmt.Errorf("group %s: size %d: %w", group.ID, desired, cycle.ErrInvalid)
	}
	if err := r.call(ctx, http.MethodPut, group.ID, "?size="+strconv.Itoa(int(desired)), &size{}); err != nil {
		return fmt.Errorf("group %s: %w", group.ID, err)
	}
	return nil
}

func (r rack) call(ctx context.Context, method, name, query string, into *size) error {
	if name == "" || strings.ContainsAny(name, "/?#") {
		return fmt.Errorf("a group's id is its name: %w", cycle.ErrInvalid)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.url+"/groups/"+name+query, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", cycle.ErrInvalid, err)
	}
	answer, err := r.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // cancelled, or timed out
		}
		return fmt.Errorf("%w: %w", cycle.ErrUnavailable, err)
	}
	defer answer.Body.Close()
	if class, failed := classes[answer.StatusCode]; failed {
		return fmt.Errorf("%s: %w", answer.Status, class)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", answer.Status, cycle.ErrUnavailable)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("malformed answer: %w: %w", cycle.ErrUnavailable, err)
	}
	return nil
}

// classes say what to do about a failure; the engine knows nothing else of it.
var classes = map[int]error{
	http.StatusBadRequest:          cycle.ErrInvalid,
	http.StatusForbidden:           cycle.ErrForbidden,
	http.StatusNotFound:            cycle.ErrNotFound,
	http.StatusTooManyRequests:     cycle.ErrThrottled,
	http.StatusConflict:            cycle.ErrInProgress,
	http.StatusInsufficientStorage: cycle.ErrLimit,
	http.StatusGatewayTimeout:      cycle.ErrTimedOut,
}

// A rackServer is the cloud of the example.
type rackServer struct {
	mu     sync.Mutex
	group  size
	writes int
	fail   int // the status of every answer, 0 for none
	hang   bool
}

func (s *rackServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPut {
		s.writes++
	}
	switch {
	case s.hang:
		<-r.Context().Done()
		return
	case s.fail != 0:
		w.WriteHeader(s.fail)
		return
	case r.URL.Path != "/groups/web":
		w.WriteHeader(http.StatusNotFound)
		return
	case r.Method == http.MethodPut:
		n, _ := strconv.Atoi(r.URL.Query().Get("size"))
		if int32(n) < s.group.Min || int32(n) > s.group.Max {
			w.WriteHeader(http.StatusInsufficientStorage)
			return
		}
		s.group.Desired = int32(n)
	}
	_ = json.NewEncoder(w).Encode(s.group) // the client may be gone
}

func TestExampleProvider(t *testing.T) {
	providertest.NodeGroups(t, func(t *testing.T) providertest.NodeGroupHarness {
		cloud := &rackServer{group: size{Desired: 5, Ready: 3, Min: 1, Max: 9}}
		server := httptest.NewServer(cloud)
		t.Cleanup(server.Close)
		all := []error{cycle.ErrUnavailable}
		statuses := map[error]int{cycle.ErrUnavailable: http.StatusInternalServerError}
		for status, class := range classes {
			statuses[class] = status
			all = append(all, class)
		}
		return providertest.NodeGroupHarness{
			Groups:    rack{server.URL, server.Client()},
			Ref:       cycle.NodeGroupRef{Type: "Rack", ID: "web"},
			Want:      cycle.NodeGroup{Desired: 5, Ready: 3, Min: 1, Max: 9},
			Missing:   cycle.NodeGroupRef{Type: "Rack", ID: "gone"},
			Malformed: []cycle.NodeGroupRef{{Type: "Rack"}, {Type: "Rack", ID: "a/b"}},
			Stored:    func() int32 { return cloud.group.Desired },
			Writes:    func() int { return cloud.writes },
			Elapse:    func() {},
			Fail:      func(class error) { cloud.fail = statuses[class] },
			Observe:   all,
			Resize:    all,
			Hang:      func() { cloud.hang = true },
		}
	})
}
