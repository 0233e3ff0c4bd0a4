package prometheus

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A countingTripper answers at once and keeps when it was asked.
type countingTripper struct {
	mu    sync.Mutex
	asked []time.Time
}

func (c *countingTripper) RoundTrip(*http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, time.Now())
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("answer"))}, nil
}

func get(t *testing.T, ctx context.Context, through http.RoundTripper) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://p/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return through.RoundTrip(r)
}

// Requests begin a fifth of a second apart, the first at once.
func TestLimitedPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &countingTripper{}
		through := Limited(next, 5, 0)
		began := time.Now()
		for range 4 {
			response, err := get(t, t.Context(), through)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
		}
		for i, at := range next.asked {
			if want := time.Duration(i) * 200 * time.Millisecond; at.Sub(began) != want {
				t.Errorf("request %d after %s, want %s", i, at.Sub(began), want)
			}
		}
	})
}

// A request is in flight until its answer is read to its end or closed; one that waits
// can be cancelled.
func TestLimitedInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &countingTripper{}
		through := Limited(next, 0, 1)
		first, err := get(t, t.Context(), through)
		if err != nil {
			t.Fatal(err)
		}
		waiting, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, err := get(t, waiting, through)
			result <- err
		}()
		synctest.Wait()
		if len(next.asked) != 1 {
			t.Errorf("%d requests are in flight, want 1", len(next.asked))
		}
		cancel()
		if err := <-result; err != context.Canceled {
			t.Errorf("cancelled, it ends with %v", err)
		}
		if _, err := io.ReadAll(first.Body); err != nil {
			t.Fatal(err)
		}
		first.Body.Close() // frees nothing twice
		for range 2 {
			response, err := get(t, t.Context(), through)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
		}
		if len(next.asked) != 3 {
			t.Errorf("%d requests came through, want 3", len(next.asked))
		}
	})
}
