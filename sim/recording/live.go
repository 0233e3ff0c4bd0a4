package recording

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// A Source is a live Prometheus, or what speaks its API, to record from.
type Source interface {
	// Address is the source's URL without user, password and query.
	Address() string
	// StaleMarkers tells whether Read returns stale markers.
	StaleMarkers() bool
	// Read calls visit for the series that match all matchers, with their raw
	// samples in [from, to] (Unix milliseconds) in order of time. A series may
	// come in several parts, one after the other.
	Read(ctx context.Context, matchers []*labels.Matcher, from, to int64, visit func(storage.Series) error) error
}

// Probe returns the best way to read raw samples from the Prometheus at
// address: remote read where it is offered, which keeps stale markers, else the
// query API. at is an instant for which there may be data. client carries what
// authentication is needed. An unreachable server is an error.
func Probe(ctx context.Context, address string, client *http.Client, at int64) (Source, error) {
	remoteRead, err := NewRemoteRead(address, client)
	if err != nil {
		return nil, err
	}
	nothing := func(storage.Series) error { return nil }
	matchers := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, "up")}
	if err := remoteRead.Read(ctx, matchers, at, at, nothing); err == nil {
		return remoteRead, nil
	}
	query, err := NewQueryAPI(address, client)
	if err != nil {
		return nil, err
	}
	if err := query.Read(ctx, matchers, at, at, nothing); err != nil {
		return nil, err
	}
	return query, nil
}

// parseAddress accepts http and https URLs.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		// The parser's own message would repeat the address with its password.
		return nil, fmt.Errorf("the address of Prometheus must be a URL such as http://prometheus:9090")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// public is an address that may be written down.
func public(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
