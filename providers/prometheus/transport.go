package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/prometheus/client_golang/api"
	"github.com/prometheus/common/config"
)

// client is an HTTP client as the options want it.
func (o *Options) client() (*http.Client, error) {
	settings := config.DefaultHTTPClientConfig
	if o.ConfigFile != "" {
		loaded, _, err := config.LoadHTTPConfigFile(o.ConfigFile)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.ConfigFile, err)
		}
		settings = *loaded
	}
	client, err := config.NewClientFromConfig(settings, "prometheus", config.WithUserAgent("karpenter-autoscaling"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.ConfigFile, err)
	}
	client.Transport = &roundTripper{next: client.Transport, header: o.Header, maxBytes: o.MaxBytes}
	return client, nil
}

// checkURL refuses what no request could go to.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("the address of Prometheus is no URL: %w", withoutURL(err))
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the address of Prometheus, %s, is not of the form http://HOST:PORT or https://HOST:PORT", u.Redacted())
	}
	return nil
}

// withoutURL takes the address off an error, which may hold credentials.
func withoutURL(err error) error {
	var located *url.Error
	if errors.As(err, &located) {
		return located.Err
	}
	return err
}

// A roundTripper adds headers to requests and bounds their answers.
type roundTripper struct {
	next     http.RoundTripper
	header   http.Header
	maxBytes int64
}

func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(t.header) > 0 {
		r = r.Clone(r.Context())
		for name, values := range t.header {
			r.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	response, err := t.next.RoundTrip(r)
	if err == nil {
		response.Body = &boundedBody{ReadCloser: response.Body, max: t.maxBytes, left: t.maxBytes}
	}
	return response, err
}

// A boundedBody fails once more than max bytes have been read.
type boundedBody struct {
	io.ReadCloser
	max, left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("the answer has more than %d bytes; aggregate in the query", b.max)
	}
	return n, err
}

// A strictClient turns into errors of their own what the API's client would not
// tell apart: a status that the API does not use for its answers, and a string.
type strictClient struct{ api.Client }

func (c strictClient) Do(ctx context.Context, r *http.Request) (*http.Response, []byte, error) {
	response, body, err := c.Client.Do(ctx, r)
	if err != nil {
		return response, body, err
	}
	switch code := response.StatusCode; {
	case code/100 == 2 && isString(body):
		return response, body, errString
	case code/100 == 2, code == http.StatusBadRequest, code == http.StatusUnprocessableEntity:
		return response, body, nil
	}
	return response, body, newStatusError(response.StatusCode, body)
}

var errString = errors.New("the result is a string")

// isString says whether the answer's result is a string.
func isString(body []byte) bool {
	if !bytes.Contains(body, []byte(`"string"`)) {
		return false
	}
	var answer struct{ Data struct{ ResultType string } }
	return json.Unmarshal(body, &answer) == nil && answer.Data.ResultType == "string"
}
