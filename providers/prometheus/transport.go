package prometheus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/prometheus/client_golang/api"
	"github.com/prometheus/common/config"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// HTTPClient returns a client as a file says that is in the format of promtool's
// --http.config.file: TLS, credentials, proxy and headers. Files that it names are
// read again when they change. No file name means none. The header is added to
// every request. After a redirect to another host, or from TLS to none, neither the
// header nor the file's own headers and credentials are sent: any may be a secret.
func HTTPClient(file string, header http.Header, agent string) (*http.Client, error) {
	settings := config.DefaultHTTPClientConfig
	if file != "" {
		loaded, _, err := config.LoadHTTPConfigFile(file)
		if err != nil {
			return nil, withoutValue(withoutURL(err))
		}
		settings = *loaded
	}
	return clientOf(settings, header, agent)
}

// clientOf is HTTPClient of what a file says.
func clientOf(settings config.HTTPClientConfig, header http.Header, agent string) (*http.Client, error) {
	options := []config.HTTPClientOption{config.WithUserAgent(cmp.Or(header.Get("User-Agent"), agent))}
	if host := header.Get("Host"); host != "" {
		options = append(options, config.WithHost(host))
	}
	headers := withHeader(settings.HTTPHeaders, header)
	settings.HTTPHeaders = nil
	client, err := config.NewClientFromConfig(settings, "prometheus", options...)
	if err != nil {
		return nil, withoutURL(err)
	}
	if headers != nil {
		client.Transport = &homeHeaders{RoundTripper: client.Transport, home: config.NewHeadersRoundTripper(headers, client.Transport)}
	}
	return client, nil
}

// homeHeaders adds headers to requests to the host that was asked first.
type homeHeaders struct {
	http.RoundTripper
	home http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *homeHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	first := r
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request // what was redirected here
	}
	if first.URL.Host != r.URL.Host || first.URL.Scheme == "https" && r.URL.Scheme != "https" {
		return t.RoundTripper.RoundTrip(r)
	}
	return t.home.RoundTrip(r)
}

// CloseIdleConnections is for http.Client's method of this name.
func (t *homeHeaders) CloseIdleConnections() {
	if idle, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// withHeader replaces what a file says of the headers given.
func withHeader(of *config.Headers, header http.Header) *config.Headers {
	if len(header) == 0 {
		return of
	}
	all := &config.Headers{Headers: map[string]config.Header{}}
	if of != nil {
		for name, value := range of.Headers {
			all.Headers[http.CanonicalHeaderKey(name)] = value
		}
	}
	for name, values := range header {
		all.Headers[http.CanonicalHeaderKey(name)] = config.Header{Values: values}
	}
	// These are set in ways of their own.
	delete(all.Headers, "Host")
	delete(all.Headers, "User-Agent")
	return all
}

// quoted is a value in an error of the YAML parser. Where a field is misplaced,
// that is a password.
var quoted = regexp.MustCompile("(?s) `.*?` into ")

// withoutValue takes values off an error of the YAML parser.
func withoutValue(err error) error {
	text := err.Error()
	if bare := quoted.ReplaceAllLiteralString(text, " into "); bare != text {
		return errors.New(bare)
	}
	return err
}

// checkURL refuses what no request could go to.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("the address of Prometheus is no URL: %w", withoutURL(err))
	}
	if !Reachable(u) {
		return fmt.Errorf("the address of Prometheus, %s, is not of the form http://HOST:PORT or https://HOST:PORT", u.Redacted())
	}
	return nil
}

// Reachable says whether requests can go to an address: http or https, a host, a port
// that there is. A query goes along with each request.
func Reachable(u *url.URL) bool {
	_, err := strconv.ParseUint(cmp.Or(u.Port(), "1"), 10, 16)
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && err == nil && u.Port() != "0" && u.Fragment == ""
}

// withoutURL takes addresses off an error, which may hold credentials.
func withoutURL(err error) error {
	for located := (*url.Error)(nil); errors.As(err, &located); {
		err = located.Err
	}
	return err
}

// A roundTripper bounds answers.
type roundTripper struct {
	next     http.RoundTripper
	maxBytes int64
}

func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
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
	case code/100 == 2 && isPartial(body):
		return response, body, fmt.Errorf("isPartial: %w", cycle.ErrIncomplete)
	case code/100 == 2, code == http.StatusBadRequest, code == http.StatusUnprocessableEntity:
		return response, body, nil
	}
	return response, body, newStatusError(response.StatusCode, body)
}

// isPartial says whether an answer of the API says, as VictoriaMetrics' do, that a
// part of it is missing.
func isPartial(body []byte) bool {
	if !bytes.Contains(body, []byte(`"isPartial"`)) {
		return false
	}
	var answer struct{ IsPartial bool }
	return json.Unmarshal(body, &answer) == nil && answer.IsPartial
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
