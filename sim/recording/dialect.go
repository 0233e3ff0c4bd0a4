package recording

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
)

// A dialectClient asks servers that speak Prometheus' API for what Prometheus would
// answer: whole answers of raw samples. What a server does not know it passes over.
type dialectClient struct {
	api.Client
	// victoria says that VictoriaMetrics has answered, of which raw samples that are
	// NaN are stale markers.
	victoria atomic.Bool
}

// victoriaHeader stands in every answer of VictoriaMetrics.
const victoriaHeader = "X-Server-Hostname"

// victoriaExec is the type of VictoriaMetrics' errors in executing a query, such as that
// it would read too many samples.
const victoriaExec = "422"

// exact are the parameters of queries by which
//
//   - VictoriaMetrics keeps to the instants that are asked for, instead of aligning
//     ranges with its cache,
//   - Thanos fails where a store does not answer, and takes no downsampled blocks.
var exact = map[string]string{"nocache": "1", "partial_response": "false", "max_source_resolution": "0s"}

var (
	errPartial = errors.New("the answer says isPartial: some of the server's storage nodes did not answer, and what they have would be missing; record when they do")
	errTenant  = errors.New("the server wants a tenant: name it with --header X-Scope-OrgID=TENANT")
)

// Do implements api.Client.
func (c *dialectClient) Do(ctx context.Context, r *http.Request) (*http.Response, []byte, error) {
	query := r.URL.Query()
	for name, value := range exact {
		if !query.Has(name) {
			query.Set(name, value)
		}
	}
	r.URL.RawQuery = query.Encode()
	response, body, err := c.Client.Do(ctx, r)
	if response != nil && response.Header.Get(victoriaHeader) != "" {
		c.victoria.Store(true)
	}
	switch {
	case err != nil:
		return response, body, err
	case response.StatusCode == http.StatusUnauthorized && bytes.Contains(body, []byte("no org id")):
		return response, body, errTenant
	case bytes.Contains(body, []byte(`"isPartial"`)):
		var answer struct{ IsPartial bool }
		if json.Unmarshal(body, &answer) == nil && answer.IsPartial {
			return response, body, errPartial
		}
	}
	return response, body, nil
}

// checkWarnings refuses an answer with warnings that are not about the PromQL: Thanos
// and Cortex tell so of stores that did not answer.
func checkWarnings(warnings prometheus.Warnings) error {
	of := slices.DeleteFunc(slices.Clone(warnings), func(w string) bool { return strings.HasPrefix(w, "PromQL ") })
	if len(of) == 0 {
		return nil
	}
	return errors.New("the answer has a warning, so something may be missing: " + strings.Join(strings.Fields(of[0]), " "))
}
