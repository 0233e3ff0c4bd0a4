package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"github.com/karpenter-sim/karpenter/providers/prometheus"
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
	header := http.Header{}
	for _, h := range f.headers {
		key, value, ok := strings.Cut(h, "=")
		if !ok || !httpguts.ValidHeaderFieldName(key) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("--header %q: want KEY=VALUE, e.g. X-Scope-OrgID=team", key)
		}
		header.Add(key, value)
	}
	client, err := prometheus.HTTPClient(f.configFile, header, "karpenter/"+version())
	if err != nil {
		return nil, fmt.Errorf("--http.config.file %s: %s", f.configFile, strings.Join(strings.Fields(reason(err).Error()), " "))
	}
	return client, nil
}
