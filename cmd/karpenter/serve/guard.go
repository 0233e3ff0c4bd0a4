package serve

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// maxBody is the length of a request's body in bytes: a policy is text that somebody
// types.
const maxBody = 1 << 20

// policy is the content security policy of the pages: their own files only. Reports
// bring a stricter one of their own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Guard lets through what the pages themselves ask: requests that name the server by
// an IP address, by localhost or by one of the hosts, since a name that another site
// has pointed at this address could read everything otherwise (DNS rebinding), and
// changes only from a page of this server.
func Guard(next http.Handler, hosts ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !knownHost(r.Host, hosts) {
			http.Error(w, fmt.Sprintf("host %q: want an IP address, localhost, or a name given by --host", r.Host), http.StatusMisdirectedRequest)
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodPost:
			if !sameOrigin(r) {
				http.Error(w, "the request comes from another site", http.StatusForbidden)
				return
			}
		default:
			h.Set("Allow", "GET, HEAD, POST")
			http.Error(w, r.Method+" is not allowed", http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// knownHost reports whether a Host header names this server and cannot be a name that
// another site chose.
func knownHost(hostport string, hosts []string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" {
		return true
	}
	for _, h := range hosts {
		if host == strings.ToLower(h) {
			return true
		}
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// sameOrigin reports whether a request comes from a page of this server, or from no
// page at all, such as curl.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host
}
