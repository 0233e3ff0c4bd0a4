package awstest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/endpoints"
)

// Account is the account of all resources that name no other.
const Account = "123456789012"

// A Request is a call that was made.
type Request struct {
	// Service, Region and Key are what the request was signed for and with; a
	// request for credentials is not signed.
	Service, Region, Key string
	// Operation is e.g. DescribeAutoScalingGroups.
	Operation string
	// Names are the resources that it named.
	Names []string
}

// A Server is an AWS with the resources that were put into it. Its methods may
// be called while clients use it.
type Server struct {
	url  string
	stop chan struct{}

	mu         sync.Mutex
	pageSize   int
	groups     map[key]*Group
	nodeGroups map[key]*NodeGroup
	queues     map[key]*Queue
	faults     map[string]*Fault
	requests   []Request
}

// A key is a region and a name within it.
type key struct{ region, name string }

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		stop:       make(chan struct{}),
		groups:     map[key]*Group{},
		nodeGroups: map[key]*NodeGroup{},
		queues:     map[key]*Queue{},
		faults:     map[string]*Fault{},
	}
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(func() {
		close(s.stop) // lets hanging calls go
		server.Close()
	})
	return s
}

// Config makes an SDK session use the server, without retries. Without its
// Credentials the session looks for its own, and the server grants them for
// any web identity.
func (s *Server) Config() *aws.Config {
	config := aws.NewConfig().
		WithEndpointResolver(endpoints.ResolverFunc(s.resolve)).
		WithCredentials(credentials.NewStaticCredentials("AKIDEXAMPLE", "secret", "")).
		WithMaxRetries(0)
	config.SleepDelay = func(time.Duration) {}
	return config
}

// resolve sends every service here but the instance's metadata, which tests
// set up by its environment variables.
func (s *Server) resolve(service, region string, options ...func(*endpoints.Options)) (endpoints.ResolvedEndpoint, error) {
	if service == endpoints.Ec2metadataServiceID {
		return endpoints.DefaultResolver().EndpointFor(service, region, options...)
	}
	return endpoints.ResolvedEndpoint{URL: s.url, SigningRegion: region}, nil
}

// SetPageSize makes lists end after n entries, with a token for the rest.
func (s *Server) SetPageSize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageSize = n
}

// Requests are the calls of an operation so far, in their order; all calls if
// the operation is empty.
func (s *Server) Requests(operation string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.requests), func(r Request) bool { return operation != "" && r.Operation != operation })
}

// Writes is the number of calls so far that could change something.
func (s *Server) Writes() int {
	return len(slices.DeleteFunc(s.Requests(""), func(r Request) bool {
		return strings.HasPrefix(r.Operation, "Describe") || strings.HasPrefix(r.Operation, "Get") || r.Service == "sts"
	}))
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := readCall(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{Service: c.service, Region: c.region, Key: c.key, Operation: c.operation, Names: c.names()})
	fault := s.takeFault(c.operation)
	s.mu.Unlock()
	if fault != nil && fault.Hang {
		s.hang(r.Context())
		return
	}
	if fault != nil && fault.before(w, c) {
		return
	}
	s.mu.Lock()
	answer, refusal := s.answer(c)
	s.mu.Unlock()
	if refusal != nil {
		refusal.write(w, c.protocol)
		return
	}
	body := c.encode(answer)
	if fault != nil && fault.Truncate {
		truncate(w, c, body)
		return
	}
	w.Header().Set("Content-Type", c.protocol.contentType())
	_, _ = w.Write(body) // a client that has gone is no failure of the server
}

// answer carries out a call.
func (s *Server) answer(c *call) (any, *Refusal) {
	operations := map[string]func(*call) (any, *Refusal){
		"AssumeRoleWithWebIdentity": s.assumeRole,
		"DescribeAutoScalingGroups": s.describeGroups,
		"DescribeScalingActivities": s.describeActivities,
		"SetDesiredCapacity":        s.setDesiredCapacity,
		"DescribeNodegroup":         s.describeNodegroup,
		"UpdateNodegroupConfig":     s.updateNodegroupConfig,
		"GetQueueUrl":               s.getQueueURL,
		"GetQueueAttributes":        s.getQueueAttributes,
		"GetMetricData":             s.getMetricData,
	}
	if operation := operations[c.operation]; operation != nil {
		return operation(c)
	}
	return nil, &Refusal{Status: http.StatusBadRequest, Code: "InvalidAction", Message: "no such action: " + c.operation}
}

// hang waits until the client or the server gives up.
func (s *Server) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.stop:
	}
}
