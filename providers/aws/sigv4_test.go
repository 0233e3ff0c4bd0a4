package aws_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/providers/aws"
)

// TestSignV4 has a request signed for the service and the region.
func TestSignV4(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	defer server.Close()
	signing, err := aws.SignV4("eu-west-1", "", "", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: signing}).Post(server.URL+"/workspaces/w/api/v1/query", "application/x-www-form-urlencoded", strings.NewReader("query=up"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	signed := got.Get("Authorization")
	if !strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(signed, "/eu-west-1/aps/aws4_request") || strings.Contains(signed, "SECRET") {
		t.Errorf("Authorization is %q", signed)
	}
}
