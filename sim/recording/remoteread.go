package recording

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
)

// readTimeout is for one chunk of a recording.
const readTimeout = 5 * time.Minute

// A RemoteRead reads by Prometheus' remote read protocol, streamed.
type RemoteRead struct {
	url    *url.URL
	client remote.ReadClient
}

// NewRemoteRead reads from the Prometheus at address with the given client.
func NewRemoteRead(address string, client *http.Client) (*RemoteRead, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	reader, err := remote.NewReadClient("karpenter", &remote.ClientConfig{
		URL:              &promconfig.URL{URL: u.JoinPath("api/v1/read")},
		Timeout:          model.Duration(readTimeout),
		HTTPClientConfig: promconfig.DefaultHTTPClientConfig,
		ChunkedReadLimit: config.DefaultChunkedReadLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: remote read: %w", public(u), err)
	}
	if c, ok := reader.(*remote.Client); ok {
		if client == nil {
			client = c.Client
		}
		c.Client = bounded(client)
	}
	return &RemoteRead{url: u, client: reader}, nil
}

// Address returns the URL without secrets.
func (r *RemoteRead) Address() string { return public(r.url) }

// StaleMarkers is true: remote read returns samples as they are stored.
func (r *RemoteRead) StaleMarkers() bool { return true }

// Read implements Source.
func (r *RemoteRead) Read(ctx context.Context, matchers []*labels.Matcher, from, to int64, visit func(storage.Series) error) error {
	// Cancelling ends a stream that is left early.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query, err := remote.ToQuery(from, to, matchers, nil)
	if err != nil {
		return fmt.Errorf("%s: remote read: %w", r.Address(), err)
	}
	set, err := r.client.Read(ctx, query, true)
	if err != nil {
		return fmt.Errorf("%s: remote read: %w", r.Address(), flat(err))
	}
	for set.Next() {
		if err := visit(set.At()); err != nil {
			return err
		}
	}
	if err := set.Err(); err != nil {
		return fmt.Errorf("%s: remote read: %w", r.Address(), flat(err))
	}
	return nil
}
