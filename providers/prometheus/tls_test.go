package prometheus

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// An authority signs certificates.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.certificate, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes a key and signs its certificate, by itself where there is no
// authority yet.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(1), pkix.Name{CommonName: "test"}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if a.certificate != nil {
		parent, signer = a.certificate, a.key
	}
	content, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(content)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificate, key
}

// pair is a certificate for a name, and its key, as files have them.
func (a *authority) pair(name string, usage x509.ExtKeyUsage) (certificate, key []byte) {
	a.t.Helper()
	c, k := a.sign(&x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{usage}})
	content, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return encoded(c), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: content})
}

func encoded(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// serveTLS serves as prometheus.test. Clients may have certificates of the
// authority.
func (a *authority) serveTLS(handler http.HandlerFunc) *httptest.Server {
	a.t.Helper()
	own, err := tls.X509KeyPair(a.pair("prometheus.test", x509.ExtKeyUsageServerAuth))
	if err != nil {
		a.t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.certificate)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven}
	server.StartTLS()
	a.t.Cleanup(server.Close)
	return server
}

// TestTLS has a server that needs something, a configuration that gives it, and
// one that does not and must fail.
func TestTLS(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	file := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("ca.pem", encoded(ours.certificate))
	file("other.pem", encoded(others.certificate))
	certificate, key := ours.pair("client.test", x509.ExtKeyUsageClientAuth)
	file("client.pem", certificate)
	file("client.key", key)
	file("password", []byte("secret\n"))
	file("token", []byte("secret\n"))
	header := func(name, value string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Header.Get(name) == value }
	}
	anybody := func(*http.Request) bool { return true }
	const trust = "tls_config: {ca_file: ca.pem, server_name: prometheus.test}\n"
	cases := []struct {
		reason        string
		needs         func(*http.Request) bool
		with, without string
		want          error // without
	}{
		{"the server is proven by its authority", anybody, trust, "tls_config: {ca_file: other.pem, server_name: prometheus.test}", cycle.ErrUnavailable},
		{"no authority of the machine's proves it", anybody, trust, "tls_config: {server_name: prometheus.test}", cycle.ErrUnavailable},
		{"and by its name", anybody, trust, "tls_config: {ca_file: ca.pem}", cycle.ErrUnavailable},
		{"unless nobody asks for a proof", anybody, "tls_config: {insecure_skip_verify: true}", "follow_redirects: true", cycle.ErrUnavailable},
		{"the authority may stand in the file", anybody, "tls_config:\n  server_name: prometheus.test\n  ca: |\n    " + strings.ReplaceAll(string(encoded(ours.certificate)), "\n", "\n    "), "tls_config: {server_name: prometheus.test}", cycle.ErrUnavailable},
		{"a version that the server has not", anybody, trust, "tls_config: {ca_file: ca.pem, server_name: prometheus.test, max_version: TLS11}", cycle.ErrUnavailable},
		{
			"the client is proven by a certificate", func(r *http.Request) bool { return len(r.TLS.PeerCertificates) == 1 },
			"tls_config: {ca_file: ca.pem, server_name: prometheus.test, cert_file: client.pem, key_file: client.key}", trust, cycle.ErrForbidden,
		},
		{"basic auth", header("Authorization", "Basic bWU6c2VjcmV0"), trust + "basic_auth: {username: me, password: secret}", trust + "basic_auth: {username: me, password: other}", cycle.ErrForbidden},
		{"basic auth from a file", header("Authorization", "Basic bWU6c2VjcmV0"), trust + "basic_auth: {username: me, password_file: password}", trust, cycle.ErrForbidden},
		{"a bearer token", header("Authorization", "Bearer secret"), trust + "authorization: {credentials: secret}", trust, cycle.ErrForbidden},
		{"a bearer token from a file", header("Authorization", "Bearer secret"), trust + "authorization: {credentials_file: token}", trust, cycle.ErrForbidden},
		{"the older name of that", header("Authorization", "Bearer secret"), trust + "bearer_token_file: token", trust, cycle.ErrForbidden},
		{"a header", header("X-Scope-Orgid", "team"), trust + "http_headers: {X-Scope-OrgID: {values: [team]}}", trust, cycle.ErrForbidden},
		{"a header's secret", header("X-Token", "secret"), trust + "http_headers: {X-Token: {secrets: [secret]}}", trust, cycle.ErrForbidden},
		{"a header from a file", header("X-Token", "secret"), trust + "http_headers: {X-Token: {files: [token]}}", trust, cycle.ErrForbidden},
	}
	for _, c := range cases {
		server := ours.serveTLS(func(w http.ResponseWriter, r *http.Request) {
			if !c.needs(r) {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			fmt.Fprint(w, one)
		})
		ask := func(config string) error {
			t.Helper()
			file("http.yaml", []byte(config))
			client, err := New(Options{URL: server.URL, ConfigFile: filepath.Join(dir, "http.yaml")})
			if err != nil {
				t.Fatalf("%s: %v", c.reason, err)
			}
			_, err = client.Query(context.Background(), "up", at)
			return err
		}
		if err := ask(c.with); err != nil {
			t.Errorf("%s: %v", c.reason, err)
		}
		if err := ask(c.without); cycle.Code(err) != cycle.Code(c.want) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: without: got %v, want %v and no secret", c.reason, err, c.want)
		}
	}
}

// TestRotations replaces what a file has while a client is in use.
func TestRotations(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	file := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var now atomic.Pointer[tls.Certificate]
	server := httptest.NewUnstartedServer(write(200, one))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return now.Load(), nil }}
	server.StartTLS()
	defer server.Close()
	shown := func(a *authority) {
		t.Helper()
		own, err := tls.X509KeyPair(a.pair("prometheus.test", x509.ExtKeyUsageServerAuth))
		if err != nil {
			t.Fatal(err)
		}
		now.Store(&own)
		server.CloseClientConnections()
	}
	file("ca.pem", encoded(first.certificate))
	file("http.yaml", []byte("tls_config: {ca_file: ca.pem, server_name: prometheus.test}"))
	client, err := New(Options{URL: server.URL, ConfigFile: filepath.Join(dir, "http.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(query string) error {
		_, err := client.Query(context.Background(), query, at)
		return err
	}
	shown(first)
	if err := ask("before"); err != nil {
		t.Fatal(err)
	}
	shown(second)
	if err := ask("between"); cycle.Code(err) != cycle.Code(cycle.ErrUnavailable) {
		t.Errorf("an authority that is not known: got %v", err)
	}
	file("ca.pem", encoded(second.certificate))
	if err := ask("after"); err != nil {
		t.Errorf("after the file has the new authority: %v", err)
	}
}

// TestRedirects holds that what proves who asks goes to no other host.
func TestRedirects(t *testing.T) {
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		fmt.Fprint(w, one)
	}))
	defer other.Close()
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "http.yaml")
	cases := []struct {
		reason, config string
		header         http.Header
		reached        bool
	}{
		{"redirects are followed without credentials", "basic_auth: {username: me, password: secret}", nil, true},
		{"a header may be a credential", "follow_redirects: true", http.Header{"Authorization": {"Bearer secret"}, "Cookie": {"secret"}}, true},
		{"so may one of the caller's", "follow_redirects: true", http.Header{"X-Api-Key": {"secret"}}, true},
		{"or one of the file", "http_headers: {X-Token: {secrets: [secret]}, X-Other: {values: [secret]}}", nil, true},
		{"or not followed at all", "follow_redirects: false", nil, false},
	}
	for _, c := range cases {
		got = nil
		if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		client, err := HTTPClient(file, c.header, "test")
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if (got != nil) != c.reached || strings.Contains(fmt.Sprint(got), "ecret") || got.Get("Authorization") != "" {
			t.Errorf("%s: the other host got %v, want it reached: %t", c.reason, got, c.reached)
		}
	}
}

// TestRedirectsAtHome holds that headers stay where the host stays.
func TestRedirectsAtHome(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
			return
		}
		got = r.Header.Clone()
	}))
	defer server.Close()
	client, err := HTTPClient("", http.Header{"X-Api-Key": {"secret"}}, "test")
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got.Get("X-Api-Key") != "secret" {
		t.Errorf("after a redirect on the same host the server got %v", got)
	}
}

// TestHeader has the headers that a caller adds to those of the file.
func TestHeader(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "http.yaml")
	if err := os.WriteFile(file, []byte("http_headers: {x-scope-orgid: {values: [file]}, x-other: {values: [file]}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		reason string
		header http.Header
		want   string
	}{
		{"none", nil, "file file agent 127.0.0.1"},
		{"the caller goes before the file", http.Header{"X-Scope-Orgid": {"team"}}, "team file agent 127.0.0.1"},
		{"a host is no header", http.Header{"Host": {"p.test"}}, "file file agent p.test"},
		{"one agent", http.Header{"User-Agent": {"me"}}, "file file me 127.0.0.1"},
	}
	for _, c := range cases {
		client, err := HTTPClient(file, c.header, "agent")
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		host, _, _ := strings.Cut(got.Host, ":")
		have := strings.Join([]string{
			strings.Join(got.Header["X-Scope-Orgid"], ","), got.Header.Get("X-Other"), strings.Join(got.Header["User-Agent"], ","), host,
		}, " ")
		if have != c.want {
			t.Errorf("%s: got %s, want %s", c.reason, have, c.want)
		}
	}
}
