package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/common/config"
	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"
)

// serverFlags say where Prometheus is and how to reach it, as promtool's do.
type serverFlags struct {
	address    string
	configFile string
	headers    []string
}

func (f *serverFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.address, "prometheus", "", "URL of Prometheus, or of what speaks its API")
	c.Flags().StringVar(&f.configFile, "http.config.file", "", "HTTP client configuration, as promtool takes it: TLS, basic auth, tokens")
	c.Flags().StringArrayVar(&f.headers, "header", nil, "send this header: KEY=VALUE (repeatable)")
}

// client is an HTTP client as the flags say.
func (f *serverFlags) client() (*http.Client, error) {
	settings := &config.DefaultHTTPClientConfig
	if f.configFile != "" {
		loaded, _, err := config.LoadHTTPConfigFile(f.configFile)
		if err != nil {
			return nil, fmt.Errorf("--http.config.file %s: %s", f.configFile, strings.Join(strings.Fields(reason(err).Error()), " "))
		}
		settings = loaded
	}
	transport, err := config.NewRoundTripperFromConfig(*settings, "karpenter", config.WithUserAgent("karpenter/"+version()))
	if err != nil {
		return nil, fmt.Errorf("--http.config.file %s: %w", f.configFile, err)
	}
	headers := http.Header{}
	for _, h := range f.headers {
		key, value, ok := strings.Cut(h, "=")
		if !ok || !httpguts.ValidHeaderFieldName(key) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("--header %q: want KEY=VALUE, e.g. X-Scope-OrgID=team", key)
		}
		headers.Add(key, value)
	}
	return &http.Client{Transport: headerTransport{headers, transport}}, nil
}

// headerTransport adds headers to every request.
type headerTransport struct {
	headers http.Header
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t headerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(t.headers) > 0 {
		r = r.Clone(r.Context())
		for key, values := range t.headers {
			r.Header[key] = values
			if key == "Host" {
				r.Host = values[0]
			}
		}
	}
	return t.next.RoundTrip(r)
}
