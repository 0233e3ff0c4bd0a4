package sources

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"

	"github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/http/httpguts"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
	"github.com/karpenter-sim/karpenter/providers/promql"
)

// Limits of a file.
const (
	maxFileBytes = 1 << 20
	maxSources   = 100
)

// A File holds what a file of sources says.
type File struct {
	Sources []Source `yaml:"sources"`
}

// A Source is one server.
type Source struct {
	// Name is the name in metrics, URL the address.
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
	// HTTP says how to reach it, as promtool's --http.config.file does; nil for
	// nothing in particular.
	HTTP *config.HTTPClientConfig `yaml:"http"`
	// Tenant is sent as X-Scope-OrgID, which Mimir, Cortex and Thanos know.
	Tenant string `yaml:"tenant"`
	// EnforceLabel takes the place of the controller's --enforce-label.
	EnforceLabel string `yaml:"enforceLabel"`
	// Labels enter every selector of every query with their values.
	Labels map[string]string `yaml:"labels"`
	// SigV4 signs requests for Amazon's service; nil for none.
	SigV4 *SigV4 `yaml:"sigv4"`
}

// SigV4 says who signs requests, and for where. What is empty comes from the
// environment, as elsewhere in AWS.
type SigV4 struct {
	Region  string `yaml:"region"`
	Profile string `yaml:"profile"`
	RoleARN string `yaml:"roleARN"`
}

// Load reads a file. Names of files in it are relative to it. An error is one line,
// FILE:LINE: FIELD: what is wrong; it has no value that might be a secret.
func Load(path string) (*File, []byte, error) {
	content, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := parse(path, content)
	return f, content, err
}

// read reads a whole file, unless it is too long to be meant.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err == nil && len(content) > maxFileBytes {
		err = fmt.Errorf("%s: more than %d bytes, the limit of a file of sources", path, maxFileBytes)
	}
	return content, err
}

func parse(path string, content []byte) (*File, error) {
	f := &File{}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(f); err != nil && err != io.EOF {
		return nil, placed(path, content, err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err != io.EOF {
		return nil, fmt.Errorf("%s:%d: one YAML document is wanted, and there are more", path, second.Line)
	}
	lines := linesOf(content)
	fail := func(i int, field, format string, args ...any) error {
		return fmt.Errorf("%s:%d: sources[%d]%s: %s", path, lines.of(i, field), i, dotted(field), fmt.Sprintf(format, args...))
	}
	switch {
	case len(f.Sources) == 0:
		return nil, fmt.Errorf("%s:1: sources: want at least one, as in sources: [{name: shop, url: http://prometheus.shop:9090}]", path)
	case len(f.Sources) > maxSources:
		return nil, fmt.Errorf("%s:%d: sources: %d of them; at most %d are allowed", path, lines.of(maxSources, ""), len(f.Sources), maxSources)
	}
	for i := range f.Sources {
		s := &f.Sources[i]
		if field, err := s.check(f.Sources[:i]); err != nil {
			return nil, fail(i, field, "%v", err)
		}
	}
	return f, nil
}

// check names the field that is wrong, and why.
func (s *Source) check(before []Source) (field string, err error) {
	if len(validation.IsDNS1123Label(s.Name)) > 0 {
		return "name", fmt.Errorf("%s: want lower case letters, digits and -, at most 63", escape.Excerpt(fmt.Sprintf("%q", s.Name)))
	}
	if slices.ContainsFunc(before, func(o Source) bool { return o.Name == s.Name }) {
		return "name", fmt.Errorf("%s is the name of an earlier source", s.Name)
	}
	u, err := url.Parse(s.URL)
	if err != nil || !prometheus.Reachable(u) {
		return "url", errors.New("want http://HOST:PORT or https://HOST:PORT, with the prefix of the API if it has one")
	}
	if u.User != nil {
		return "url", errors.New("has credentials in it; put them into files that http.basic_auth or http.authorization names")
	}
	if !httpguts.ValidHeaderFieldValue(s.Tenant) {
		return "tenant", errors.New("can be no value of a header")
	}
	if _, err := promql.ParseLabel(s.EnforceLabel); err != nil {
		return "enforceLabel", err
	}
	for name, value := range s.Labels {
		switch _, err := promql.ParseLabel(name); {
		case err != nil || name == "":
			return "labels", fmt.Errorf("%q: want the name of a label", name)
		case name == s.EnforceLabel:
			return "labels", fmt.Errorf("%s is enforceLabel, too, with another value", name)
		case value == "":
			return "labels", fmt.Errorf("%s: want a value", name)
		}
	}
	if s.HTTP != nil && s.SigV4 != nil && (s.HTTP.Authorization != nil || s.HTTP.BasicAuth != nil || s.HTTP.OAuth2 != nil || s.HTTP.BearerToken != "" || s.HTTP.BearerTokenFile != "") {
		return "sigv4", errors.New("signs requests, and http has other credentials for them; leave one out")
	}
	if s.SigV4 != nil && s.SigV4.RoleARN != "" && !roleForm.MatchString(s.SigV4.RoleARN) {
		return "sigv4.roleARN", errors.New("want the ARN of a role, as in arn:aws:iam::123456789012:role/reader")
	}
	return "", nil
}

// roleForm is the form of the ARN of a role, in any partition.
var roleForm = regexp.MustCompile(`^arn:[a-z-]+:iam::[0-9]{12}:role/\S+$`)

func dotted(field string) string {
	if field == "" {
		return ""
	}
	return "." + field
}
