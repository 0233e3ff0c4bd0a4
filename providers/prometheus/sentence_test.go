package prometheus

import (
	"errors"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A condition has what Prometheus says of a query, and the cure of a refusal; of what
// comes and goes the code says enough.
func TestSentence(t *testing.T) {
	for _, c := range []struct {
		reason string
		err    error
		want   string
	}{
		{"a query that cannot be read", &v1.Error{Type: v1.ErrBadData, Msg: "1:5: parse error: unexpected end"}, "Prometheus says: 1:5: parse error: unexpected end"},
		{"wrong credentials", newStatusError(401, nil), "Prometheus refuses the controller: check the credentials in --http.config.file, or of the source in --metrics-sources"},
		{"a wrong path", newStatusError(404, []byte("<html>")), "there is no query API at this URL: check the path in --prometheus, or of the source in --metrics-sources"},
		{"an overload", newStatusError(503, nil), ""},
		{"no connection", errors.New("connection refused"), ""},
	} {
		if got := cycle.Sentence(failed("up", c.err)); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
}
