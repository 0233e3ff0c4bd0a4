package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/request"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/escape"
)

// An Error is a failed call. It unwraps to one of engine/cycle's errors and to
// the SDK's own.
type Error struct {
	// Operation is the call that failed, e.g. autoscaling DescribeAutoScalingGroups.
	Operation string
	// Code is AWS' short code, e.g. Throttling.
	Code string
	// Message is AWS' explanation; it may be empty.
	Message string

	class, cause error
}

// Error is one line.
func (e *Error) Error() string {
	text := e.Operation + ": " + escape.Excerpt(e.Code)
	if e.Message != "" {
		text += ": " + escape.Excerpt(e.Message)
	}
	return fmt.Sprintf("%s (%v)", text, e.class)
}

// Sentence is AWS' explanation for people, where it stays the same from call to
// call: what the network says does not, and throttling says it all.
func (e *Error) Sentence() string {
	if e.Code == "NoCredentialProviders" {
		return "this controller has no credentials for AWS: its service account has no role (see the install page)"
	}
	if errors.Is(e.class, cycle.ErrForbidden) || errors.Is(e.class, cycle.ErrNotFound) || errors.Is(e.class, cycle.ErrInvalid) {
		return e.Code + ": " + withoutRequest(e.Message)
	}
	return ""
}

// errNoRegion is the error of an ID that names no region where nothing else does.
var errNoRegion error = noRegion{}

type noRegion struct{}

// Error is one line.
func (e noRegion) Error() string { return e.Sentence() }

// Sentence says what to do.
func (noRegion) Sentence() string {
	return "no AWS region is configured, and the instance metadata has none: set AWS_REGION (see the install page); an ARN as id names its own region"
}

// Unwrap returns the class of the error.
func (noRegion) Unwrap() error { return cycle.ErrInvalid }

// withoutRequest leaves out what names a single request.
func withoutRequest(message string) string {
	for _, mark := range []string{"request id:", "Request ID:", "RequestID:", "Encoded authorization failure message:"} {
		message, _, _ = strings.Cut(message, mark)
	}
	return strings.TrimSpace(message)
}

// Unwrap returns the class of the error and its cause.
func (e *Error) Unwrap() []error { return []error{e.class, e.cause} }

// failure classifies what the SDK returned for a call; nil stays nil.
func failure(operation string, err error) error {
	if err == nil {
		return nil
	}
	failed := &Error{Operation: operation, Code: "Unknown", class: class(err), cause: err}
	var coded awserr.Error
	if errors.As(err, &coded) {
		failed.Code, failed.Message = coded.Code(), coded.Message()
		if origin := coded.OrigErr(); origin != nil {
			failed.Message += ": " + origin.Error()
		}
	} else {
		failed.Message = err.Error()
	}
	return failed
}

// malformed is the error of an answer that makes no sense.
func malformed(operation, format string, args ...any) error {
	return fmt.Errorf("%s: malformed answer: %s: %w", operation, fmt.Sprintf(format, args...), cycle.ErrUnavailable)
}

// classes are the codes whose class does not follow from the HTTP status, by
// their name without the suffix Exception.
var classes = map[string]error{
	"ScalingActivityInProgress": cycle.ErrInProgress,
	"ResourceContention":        cycle.ErrInProgress,
	"ResourceInUse":             cycle.ErrInProgress,
	"InstanceRefreshInProgress": cycle.ErrInProgress,
	"ResourcePropagationDelay":  cycle.ErrInProgress,

	"LimitExceeded":                cycle.ErrLimit,
	"ResourceLimitExceeded":        cycle.ErrLimit,
	"OverLimit":                    cycle.ErrLimit,
	"InsufficientInstanceCapacity": cycle.ErrLimit,

	"AccessDenied":               cycle.ErrForbidden,
	"UnauthorizedOperation":      cycle.ErrForbidden,
	"AuthFailure":                cycle.ErrForbidden,
	"NotAuthorized":              cycle.ErrForbidden,
	"OptInRequired":              cycle.ErrForbidden,
	"InvalidSecurity":            cycle.ErrForbidden,
	"KmsAccessDenied":            cycle.ErrForbidden,
	"InvalidClientTokenId":       cycle.ErrForbidden,
	"UnrecognizedClient":         cycle.ErrForbidden,
	"SignatureDoesNotMatch":      cycle.ErrForbidden,
	"MissingAuthenticationToken": cycle.ErrForbidden,
	"IncompleteSignature":        cycle.ErrForbidden,
	"ServiceLinkedRoleFailure":   cycle.ErrForbidden,
	"NoCredentialProviders":      cycle.ErrForbidden,

	// New credentials are on their way.
	"ExpiredToken":   cycle.ErrUnavailable,
	"RequestExpired": cycle.ErrUnavailable,

	"ResourceNotFound":  cycle.ErrNotFound,
	"NotFound":          cycle.ErrNotFound,
	"QueueDoesNotExist": cycle.ErrNotFound,
	"AWS.SimpleQueueService.NonExistentQueue":     cycle.ErrNotFound,
	"AWS.SimpleQueueService.QueueDeletedRecently": cycle.ErrNotFound,

	"RequestTimeout":               cycle.ErrTimedOut,
	request.ErrCodeResponseTimeout: cycle.ErrTimedOut,
	"KmsThrottled":                 cycle.ErrThrottled,

	// The SDK's own checks of a request, which has not been sent.
	request.InvalidParameterErrCode: cycle.ErrInvalid,
}

// unread are the SDK's codes for a connection that failed and for an answer
// whose code could not be read.
var unread = []string{request.ErrCodeSerialization, request.ErrCodeRequestError, request.ErrCodeRead}

// class is the error of engine/cycle that an error of the SDK stands for.
func class(err error) error {
	if within(err, context.Canceled) {
		return context.Canceled
	}
	if within(err, context.DeadlineExceeded) {
		return cycle.ErrTimedOut
	}
	if request.IsErrorThrottle(err) {
		return cycle.ErrThrottled
	}
	var coded awserr.Error
	if !errors.As(err, &coded) {
		return ofNetwork(err)
	}
	if found, known := classes[strings.TrimSuffix(coded.Code(), "Exception")]; known {
		return found
	}
	if slices.Contains(unread, coded.Code()) && statusOf(err) < 300 {
		return ofNetwork(coded.OrigErr())
	}
	if status := statusOf(err); status > 0 {
		return ofStatus(status)
	}
	// Credentials wrap the error of the call that was to fetch them.
	if origin := coded.OrigErr(); origin != nil {
		return class(origin)
	}
	return cycle.ErrUnavailable
}

// within says whether an error is another one, or carries it where errors.Is
// cannot see it: the SDK's errors do not unwrap.
func within(err, target error) bool {
	for err != nil {
		if errors.Is(err, target) {
			return true
		}
		var coded awserr.Error
		if !errors.As(err, &coded) {
			return false
		}
		err = coded.OrigErr()
	}
	return false
}

func statusOf(err error) int {
	var failed awserr.RequestFailure
	if errors.As(err, &failed) {
		return failed.StatusCode()
	}
	return 0
}

func ofStatus(status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return cycle.ErrThrottled
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return cycle.ErrTimedOut
	case status >= 500:
		return cycle.ErrUnavailable
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return cycle.ErrForbidden
	case status == http.StatusNotFound:
		return cycle.ErrNotFound
	case status >= 400:
		return cycle.ErrInvalid
	}
	return cycle.ErrUnavailable
}

func ofNetwork(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return cycle.ErrTimedOut
	}
	return cycle.ErrUnavailable
}
