package cycle

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// Errors that adapters return, wrapped with %w and whatever detail they have.
// Code turns them into the journal's codes.
var (
	ErrNotFound    = errors.New("not found")
	ErrForbidden   = errors.New("forbidden")
	ErrInvalid     = errors.New("invalid")
	ErrThrottled   = errors.New("throttled")
	ErrTimedOut    = errors.New("timed out")
	ErrUnavailable = errors.New("unavailable")
	ErrConflict    = errors.New("conflict")
	ErrInProgress  = errors.New("in progress")
	ErrLimit       = errors.New("limit reached")
	ErrBadQuery    = errors.New("bad query")
	ErrWrongType   = errors.New("wrong result type")
	ErrIncomplete  = errors.New("incomplete answer")
)

// codes is ordered: the first match wins.
var codes = []struct {
	err  error
	code observation.Code
}{
	{ErrNotFound, observation.NotFound},
	{ErrForbidden, observation.Forbidden},
	{ErrInvalid, observation.Invalid},
	{ErrThrottled, observation.Throttled},
	{ErrConflict, observation.Conflict},
	{ErrInProgress, observation.InProgress},
	{ErrLimit, observation.LimitReached},
	{ErrBadQuery, observation.BadQuery},
	{ErrWrongType, observation.WrongType},
	{ErrIncomplete, observation.Incomplete},
	{ErrTimedOut, observation.TimedOut},
	{context.DeadlineExceeded, observation.TimedOut},
}

// Code is the observation code of an adapter's error; an unknown error is
// Unavailable, nil is OK.
func Code(err error) observation.Code {
	if err == nil {
		return observation.OK
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return observation.Unavailable
}

// A Result is the outcome of an instant query.
type Result struct {
	// Samples is the size of the vector; a scalar counts as one sample.
	Samples int
	// Value is the sample's value if Samples is 1. It may be NaN or infinite.
	Value float64
	// Age is how long before the query's instant its newest sample may have been
	// taken; 0 where nobody knows.
	Age time.Duration
	// Warnings are the server's annotations, for logs and events only.
	Warnings []string
}

// An Answer is the outcome of one of a slot's queries.
type Answer struct {
	Result Result
	// Err wraps one of this package's errors; an empty vector is no error.
	Err error
}

// A Query is one PromQL instant query of an object.
type Query struct {
	// Namespace is the object's, which may say what it can read.
	Namespace string
	// Source names the server to ask; empty for the one that is nobody's in
	// particular.
	Source string
	// Text is the PromQL.
	Text string
}

// A MetricSource answers the PromQL instant queries of a slot together, so that
// several slow ones cost no more time than one.
type MetricSource interface {
	// QueryAll evaluates the queries at the instant at, and sets answers, which is
	// as long, in the order of the queries. It takes no longer than within, and
	// keeps neither slice.
	QueryAll(ctx context.Context, queries []Query, at time.Time, within time.Duration, answers []Answer)
}

// A Querier answers one PromQL instant query.
type Querier interface {
	// Query evaluates query at the instant at. Its error is an Answer's.
	Query(ctx context.Context, query string, at time.Time) (Result, error)
}

// InTurn returns a MetricSource that asks a Querier one query after the other,
// whatever their namespaces.
func InTurn(q Querier) MetricSource { return inTurn{q} }

type inTurn struct{ Querier }

// QueryAll implements MetricSource.
func (q inTurn) QueryAll(ctx context.Context, queries []Query, at time.Time, _ time.Duration, answers []Answer) {
	for i := range queries {
		answers[i].Result, answers[i].Err = q.Query(ctx, queries[i].Text, at)
	}
}

// A TargetRef names an object with a scale subresource.
type TargetRef struct {
	APIVersion, Kind, Namespace, Name string
}

// A Scale is a scale subresource as observed.
type Scale struct {
	// Spec is spec.replicas.
	Spec int32
	// Status is status.replicas.
	Status int32
	// Ready is the number of ready replicas: of the pods that the scale's
	// selector matches those that are Running and Ready, terminating ones
	// included; a node group's ready nodes; Status where there is no selector.
	// It is set only where Get was asked for it.
	Ready int32
	// ReadyLeast and ReadyMost are the fewest and the most that were ready since the
	// instant that Get was asked about, as far as that is known.
	ReadyLeast, ReadyMost int32
	// Version is the resourceVersion that a write must carry; it never reaches a decision.
	Version string
}

// ScaleTargets reads and writes scale subresources.
type ScaleTargets interface {
	// Get reads a scale. Unless since is zero it counts the ready replicas: those of
	// now, and the fewest and the most since then.
	Get(ctx context.Context, target TargetRef, since time.Time) (Scale, error)
	// Set writes spec.replicas on condition that the object still has the
	// observed version; otherwise it returns ErrConflict.
	Set(ctx context.Context, target TargetRef, observed Scale, replicas int32) error
}

// A Stored is an object as its store has it.
type Stored[O any] struct {
	Object O
	// Version is the resourceVersion that the next write must carry.
	Version string
}

// A Store keeps objects O. Their status S holds the state, so a commit is the
// decision.
type Store[O, S any] interface {
	// Load reads the object itself, past any cache. It returns ErrNotFound once
	// the object is gone.
	Load(ctx context.Context, name types.NamespacedName) (Stored[O], error)
	// Commit replaces the status on condition that the object still has the
	// version, and returns the new one; otherwise it returns ErrConflict. The
	// status must not be kept.
	Commit(ctx context.Context, name types.NamespacedName, version string, status *S) (string, error)
}

// An AutoscalerStore keeps the HorizontalAutoscalers.
type AutoscalerStore = Store[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]

// A Journal takes the records of decisions and of what came of them. It must
// not keep the record or its slices, and must not block a decision for long.
type Journal interface {
	Record(*journal.Record)
	Outcome(*journal.Outcome)
}

// A NodeGroupRef identifies a node group at a provider.
type NodeGroupRef struct {
	// Type is spec.type of the ScalableNodeGroup, e.g. AWSEKSNodeGroup.
	Type string
	// ID is spec.id, in the provider's own notation.
	ID string
}

// A NodeGroup is one consistent observation of a provider's node group.
type NodeGroup struct {
	// Desired is the size the provider aims for.
	Desired int32
	// Ready is the number of nodes that can run pods.
	Ready int32
	// Min and Max are the provider's own bounds; Max < 0 means it has none.
	Min, Max int32
	// Code says why the group is not as it should be although it could be
	// read, e.g. LimitReached after a stock-out or InProgress during an update.
	Code observation.Code
	// Message explains Code in the provider's words; it never reaches a decision.
	Message string
}

// NodeGroups observes and resizes the groups of one provider.
type NodeGroups interface {
	// Observe reads the group without changing anything.
	Observe(ctx context.Context, group NodeGroupRef) (NodeGroup, error)
	// Resize sets the provider's desired size in nodes. It is idempotent.
	Resize(ctx context.Context, group NodeGroupRef, desired int32) error
}

// A QueueRef identifies a queue at a provider.
type QueueRef struct {
	// Type is the producer's spec.queue.type, e.g. AWSSQSQueue.
	Type string
	// ID is spec.queue.id.
	ID string
}

// A Queue is one observation of a queue.
type Queue struct {
	// Length is the number of visible messages, InFlight of those being worked on.
	Length, InFlight int64
	// OldestAge is the age of the oldest message in seconds, negative if the
	// provider could not tell.
	OldestAge int64
}

// Queues observes the queues of one provider.
type Queues interface {
	Observe(ctx context.Context, queue QueueRef) (Queue, error)
}
