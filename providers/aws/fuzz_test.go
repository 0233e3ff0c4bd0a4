package aws

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go/aws/awserr"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// FuzzErrors classifies errors as AWS may send them: always one of the driver's
// errors, in one short line, and never one that would be taken for success.
func FuzzErrors(f *testing.F) {
	for code, text := range map[string]string{"Throttling": "Rate exceeded", "AccessDeniedException": "x\ny", "": "", "SerializationError": "failed", "RequestCanceled": "canceled"} {
		for _, status := range []int{0, 200, 400, 403, 404, 429, 500, 503} {
			f.Add(code, text, status, status%3)
		}
	}
	classes := []error{
		cycle.ErrInProgress, cycle.ErrLimit, cycle.ErrForbidden, cycle.ErrUnavailable, cycle.ErrNotFound,
		cycle.ErrTimedOut, cycle.ErrThrottled, cycle.ErrInvalid, context.Canceled,
	}
	f.Fuzz(func(t *testing.T, code, text string, status, origin int) {
		origins := []error{nil, errors.New(text), context.DeadlineExceeded}
		var err error = awserr.New(code, text, origins[uint(origin)%3])
		if status > 0 {
			err = awserr.NewRequestFailure(err.(awserr.Error), status, "id")
		}
		got := failure("sqs GetQueueAttributes", err)
		if !slices.ContainsFunc(classes, func(c error) bool { return errors.Is(got, c) }) {
			t.Errorf("%v is none of the driver's errors", got)
		}
		if line := got.Error(); strings.ContainsAny(line, "\n\r\x1b") || len(line) > 1024+len(code) {
			t.Errorf("%d bytes: %q", len(line), line)
		}
	})
}
