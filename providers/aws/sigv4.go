package aws

import (
	"net/http"

	"github.com/prometheus/sigv4"
)

// SignV4 returns a RoundTripper that signs requests for Amazon Managed Service for
// Prometheus and sends them on by next. Region, profile and role that are empty come
// from the environment, like the credentials; it is an error where there are none.
func SignV4(region, profile, roleARN string, next http.RoundTripper) (http.RoundTripper, error) {
	c := &sigv4.SigV4Config{Region: region, Profile: profile, RoleARN: roleARN}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return sigv4.NewSigV4RoundTripper(c, next)
}
