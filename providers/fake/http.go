package fake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

// maxRequestBytes bounds the body of a request.
const maxRequestBytes = 32 << 20

// Handler serves the parts of Prometheus' HTTP API that read: instant and range
// queries, series, label names and values, metadata, and remote read with sampled
// responses. Where a request names no time, it is the instant reached.
func Handler(p *Prometheus) http.Handler {
	mux := http.NewServeMux()
	for path, serve := range map[string]func(*Prometheus, *http.Request) (answer, error){
		"/api/v1/query":               serveQuery,
		"/api/v1/query_range":         serveQueryRange,
		"/api/v1/series":              serveSeries,
		"/api/v1/labels":              serveLabels,
		"/api/v1/label/{name}/values": serveLabelValues,
		"/api/v1/metadata":            serveMetadata,
	} {
		h := apiHandler(p, serve)
		mux.HandleFunc("GET "+path, h)
		mux.HandleFunc("POST "+path, h)
	}
	mux.HandleFunc("POST /api/v1/read", func(w http.ResponseWriter, r *http.Request) { serveRead(p, w, r) })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Prometheus Server is Ready.")
	})
	return mux
}

// An answer holds what a successful call returns.
type answer struct {
	data     any
	warnings annotations.Annotations
	query    string
}

// An apiError is an error with Prometheus' type for it.
type apiError struct {
	kind   string
	status int
	err    error
}

func (e *apiError) Error() string { return e.err.Error() }
func (e *apiError) Unwrap() error { return e.err }

func badData(format string, args ...any) error {
	return &apiError{kind: "bad_data", status: http.StatusBadRequest, err: fmt.Errorf(format, args...)}
}

// executionFailed gives an engine's error its type.
func executionFailed(err error) error {
	var timeout promql.ErrQueryTimeout
	var canceled promql.ErrQueryCanceled
	switch {
	case errors.As(err, &timeout):
		return &apiError{kind: "timeout", status: http.StatusServiceUnavailable, err: err}
	case errors.As(err, &canceled) || errors.Is(err, context.Canceled):
		return &apiError{kind: "canceled", status: 499, err: err}
	}
	return &apiError{kind: "execution", status: http.StatusUnprocessableEntity, err: err}
}

// apiHandler wraps a call in the API's envelope.
func apiHandler(p *Prometheus, serve func(*Prometheus, *http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequestBytes)
		result, err := answer{}, r.ParseForm()
		if err != nil {
			err = badData("error parsing form values: %w", err)
		} else {
			p.mu.Lock()
			result, err = serve(p, r)
			p.mu.Unlock()
		}
		respond(w, result, err)
	}
}

func respond(w http.ResponseWriter, result answer, err error) {
	envelope := struct {
		Status    string   `json:"status"`
		Data      any      `json:"data,omitempty"`
		ErrorType string   `json:"errorType,omitempty"`
		Error     string   `json:"error,omitempty"`
		Warnings  []string `json:"warnings,omitempty"`
		Infos     []string `json:"infos,omitempty"`
	}{Status: "success", Data: result.data}
	status := http.StatusOK
	if err != nil {
		failure := &apiError{kind: "internal", status: http.StatusInternalServerError, err: err}
		errors.As(err, &failure)
		envelope.Status, envelope.ErrorType, envelope.Error, envelope.Data = "error", failure.kind, failure.Error(), nil
		status = failure.status
	}
	envelope.Warnings, envelope.Infos = sortedAnnotations(result)
	body, err := json.Marshal(envelope)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// timeParameter reads a time as Unix seconds or RFC 3339, in milliseconds.
func timeParameter(r *http.Request, name string, missing int64) (int64, error) {
	text := r.FormValue(name)
	if text == "" {
		return missing, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(seconds) || math.Abs(seconds) > math.MaxInt64/2000 {
			return 0, badData("invalid parameter %q: %q is out of range", name, text)
		}
		return int64(math.Round(seconds * 1000)), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UnixMilli(), nil
	}
	return 0, badData("invalid parameter %q: cannot parse %q to a valid timestamp", name, text)
}

// requiredTime is a time parameter without a default.
func requiredTime(r *http.Request, name string) (int64, error) {
	if r.FormValue(name) == "" {
		return 0, badData("invalid parameter %q: cannot parse \"\" to a valid timestamp", name)
	}
	return timeParameter(r, name, 0)
}

// durationParameter reads a duration as seconds or in Prometheus' notation.
func durationParameter(r *http.Request, name string) (time.Duration, error) {
	text := r.FormValue(name)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(seconds) || math.Abs(seconds) > math.MaxInt64/2e9 {
			return 0, badData("invalid parameter %q: %q is out of range", name, text)
		}
		return time.Duration(math.Round(seconds*1000)) * time.Millisecond, nil
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0, badData("invalid parameter %q: cannot parse %q to a valid duration", name, text)
	}
	return time.Duration(d), nil
}

// limitParameter reads the maximum number of results, 0 for none.
func limitParameter(r *http.Request) (int, error) {
	text := r.FormValue("limit")
	if text == "" {
		return 0, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 0 {
		return 0, badData("invalid parameter \"limit\": %q is not a count", text)
	}
	return limit, nil
}

// reached is the instant that queries without a time mean.
func (p *Prometheus) reached() int64 {
	if p.now == math.MinInt64 {
		return p.options.Start
	}
	return p.now
}
