package aws

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/ec2metadata"
	"github.com/aws/aws-sdk-go/aws/session"
	"k8s.io/utils/clock"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A ReadyNodes counts the Kubernetes nodes with a label that are Ready and
// not cordoned.
type ReadyNodes func(ctx context.Context, label, value string) (int32, error)

// Options holds what a Provider needs.
type Options struct {
	// Clock tells how old an answer is; required.
	Clock clock.PassiveClock
	// ReadyNodes counts the nodes of managed node groups; required.
	ReadyNodes ReadyNodes
	// TTL is how long an answer serves others of the same slot; 3 s if zero.
	TTL time.Duration
	// Config overrides what the SDK's usual chain finds, e.g. the endpoint; it
	// may be nil.
	Config *aws.Config
}

const (
	defaultTTL = 3 * time.Second
	// callTimeout bounds a call, retries included, whose caller sets no deadline.
	// It is not that of the HTTP client, which the SDK also uses to look for
	// metadata, with a shorter one.
	callTimeout = 10 * time.Second
	// retries is small because the next slot is a retry, too.
	retries = 2
)

// A Provider reads and resizes what is in the regions of one account. It may be
// used by many goroutines at a time.
type Provider struct {
	clock   clock.PassiveClock
	ttl     time.Duration
	ready   ReadyNodes
	session *session.Session

	mu      sync.Mutex
	region  string // of IDs that name none; empty until it is known
	regions map[string]*region
}

// New returns a Provider. It calls nothing: wrong credentials or a missing
// region show when they are first needed.
func New(options Options) (*Provider, error) {
	if options.Clock == nil || options.ReadyNodes == nil {
		return nil, errors.New("the AWS provider needs a clock and a reader of ready nodes")
	}
	config := aws.NewConfig().WithMaxRetries(retries)
	if options.Config != nil {
		config.MergeIn(options.Config)
	}
	s, err := session.NewSessionWithOptions(session.Options{SharedConfigState: session.SharedConfigEnable, Config: *config})
	if err != nil {
		return nil, fmt.Errorf("AWS session from environment and shared configuration: %w", err)
	}
	ttl := options.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	return &Provider{
		clock:   options.Clock,
		ttl:     ttl,
		ready:   options.ReadyNodes,
		session: s,
		region:  aws.StringValue(s.Config.Region),
		regions: map[string]*region{},
	}, nil
}

// NodeGroups are the kinds of node groups, by spec.type.
func (p *Provider) NodeGroups() map[string]cycle.NodeGroups {
	return map[string]cycle.NodeGroups{
		string(v1alpha1.AWSEC2AutoScalingGroupType): autoScalingGroups{p},
		string(v1alpha1.AWSEKSNodeGroupType):        managedNodeGroups{p},
	}
}

// Queues are the kinds of queues, by spec.queue.type.
func (p *Provider) Queues() map[string]cycle.Queues {
	return map[string]cycle.Queues{string(v1alpha1.AWSSQSQueueType): queues{p}}
}

// at returns the clients and caches of a place.
func (p *Provider) at(ctx context.Context, where place) (*region, error) {
	name := where.region
	if name == "" {
		var err error
		if name, err = p.home(ctx); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.regions[name] == nil {
		p.regions[name] = p.open(name)
	}
	return p.regions[name], nil
}

// home is the region of IDs that name none: the chain's, else the instance's.
func (p *Provider) home(ctx context.Context) (string, error) {
	p.mu.Lock()
	known := p.region
	p.mu.Unlock()
	if known != "" {
		return known, nil
	}
	found, err := ec2metadata.New(p.session).RegionWithContext(ctx)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil || !regionForm.MatchString(found) {
		return "", errNoRegion
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.region = found
	return found, nil
}
