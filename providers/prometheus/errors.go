package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/escape"
)

// A statusError is an answer with a status other than those of the API.
type statusError struct {
	code int
	// kind and text are of the API's envelope, where the body has one.
	kind, text string
}

// newStatusError keeps of the body only what is Prometheus' own: a proxy might
// repeat the request in it.
func newStatusError(code int, body []byte) *statusError {
	var envelope struct{ ErrorType, Error string }
	if json.Unmarshal(body, &envelope) != nil {
		return &statusError{code: code}
	}
	return &statusError{code: code, kind: envelope.ErrorType, text: envelope.Error}
}

func (e *statusError) Error() string {
	status := fmt.Sprintf("status %d %s", e.code, http.StatusText(e.code))
	if e.text == "" {
		return status
	}
	return status + ": " + escape.Excerpt(e.text)
}

// failed gives a query's error its place among the errors of engine/cycle.
func failed(query string, err error) error {
	err = withoutURL(err)
	return &explained{fmt.Errorf("query %s: %w: %w", escape.Excerpt(strconv.Quote(query)), cause(err), &excerpt{err}), sentence(err)}
}

// An explained error has a sentence for people: see cycle.Sentence.
type explained struct {
	error
	sentence string
}

// Unwrap is the error without the sentence.
func (e *explained) Unwrap() error { return e.error }

// Sentence implements what cycle.Sentence asks for.
func (e *explained) Sentence() string { return e.sentence }

// sentence says what is likely wrong, and the cure, where that stays the same from
// slot to slot: what Prometheus says of a query that it cannot read, and whom it or a
// proxy in front of it refuses.
func sentence(err error) string {
	var status *statusError
	var answer *v1.Error
	switch cause := cause(err); {
	case cause == cycle.ErrBadQuery && errors.As(err, &answer):
		return "Prometheus says: " + escape.Excerpt(answer.Msg)
	case cause == cycle.ErrBadQuery && errors.As(err, &status) && status.text != "":
		return "Prometheus says: " + escape.Excerpt(status.text)
	case cause == cycle.ErrForbidden:
		return "Prometheus refuses the controller: check the credentials in --http.config.file, or of the source in --metrics-sources"
	case cause == cycle.ErrNotFound:
		return "there is no query API at this URL: check the path in --prometheus, or of the source in --metrics-sources"
	}
	return ""
}

// An excerpt is an error whose text, which may be a server's, fits into a line.
type excerpt struct{ error }

func (e *excerpt) Error() string { return escape.Excerpt(e.error.Error()) }

// Unwrap is the error as it was.
func (e *excerpt) Unwrap() error { return e.error }

func cause(err error) error {
	var status *statusError
	var answer *v1.Error
	var network net.Error
	switch {
	case errors.Is(err, cycle.ErrIncomplete):
		return cycle.ErrIncomplete
	case errors.As(err, &status):
		return causeOfStatus(status)
	case errors.As(err, &answer):
		return causeOfAnswer(answer.Type)
	case errors.As(err, &network) && network.Timeout():
		// So is the end of the query's own time.
		return cycle.ErrTimedOut
	}
	return cycle.ErrUnavailable
}

// causeOfAnswer places the error types of the API.
func causeOfAnswer(kind v1.ErrorType) error {
	switch kind {
	case v1.ErrBadData:
		return cycle.ErrBadQuery
	case v1.ErrTimeout:
		return cycle.ErrTimedOut
	}
	return cycle.ErrUnavailable
}

func causeOfStatus(e *statusError) error {
	switch e.code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return cycle.ErrForbidden
	case http.StatusNotFound:
		return cycle.ErrNotFound
	case http.StatusTooManyRequests:
		return cycle.ErrThrottled
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return cycle.ErrTimedOut
	}
	return causeOfAnswer(v1.ErrorType(e.kind))
}
