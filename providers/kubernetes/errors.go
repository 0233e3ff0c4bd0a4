package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// failed gives an error of the API server its place among the errors of
// engine/cycle, nil for nil.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", cause(err), err)
}

func cause(err error) error {
	var network net.Error
	switch {
	case apierrors.IsNotFound(err), apierrors.IsGone(err), meta.IsNoMatchError(err):
		return cycle.ErrNotFound
	case apierrors.IsConflict(err):
		return cycle.ErrConflict
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return cycle.ErrForbidden
	case apierrors.IsTooManyRequests(err):
		return cycle.ErrThrottled
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsMethodNotSupported(err):
		return cycle.ErrInvalid
	case apierrors.IsTimeout(err), apierrors.IsServerTimeout(err), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return cycle.ErrTimedOut
	}
	return cycle.ErrUnavailable
}
