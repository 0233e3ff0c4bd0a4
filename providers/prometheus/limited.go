package prometheus

import (
	"io"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// Limited returns a RoundTripper that begins at most perSecond requests a second, without
// bursts, and has at most inFlight at a time, each until its answer is read or closed. 0
// is no limit.
func Limited(next http.RoundTripper, perSecond float64, inFlight int) http.RoundTripper {
	l := &limited{next: next, pace: rate.NewLimiter(rate.Inf, 1)}
	if perSecond > 0 {
		l.pace.SetLimit(rate.Limit(perSecond))
	}
	if inFlight > 0 {
		l.slots = make(chan struct{}, inFlight)
	}
	return l
}

type limited struct {
	next  http.RoundTripper
	pace  *rate.Limiter
	slots chan struct{} // nil without a limit
}

// RoundTrip implements http.RoundTripper.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	release, err := l.acquire(r)
	if err != nil {
		return nil, err
	}
	response, err := l.next.RoundTrip(r)
	if err != nil {
		release()
		return nil, err
	}
	response.Body = &releasing{response.Body, release}
	return response, nil
}

// acquire waits for a slot and for the pace.
func (l *limited) acquire(r *http.Request) (release func(), err error) {
	release = func() {}
	if l.slots != nil {
		select {
		case l.slots <- struct{}{}:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		release = sync.OnceFunc(func() { <-l.slots })
	}
	if err := l.pace.Wait(r.Context()); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// A releasing body frees its request's slot at its end.
type releasing struct {
	io.ReadCloser
	release func()
}

// Read implements io.Reader.
func (b *releasing) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

// Close implements io.Closer.
func (b *releasing) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
