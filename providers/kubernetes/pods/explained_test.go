package pods

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"k8s.io/streaming/pkg/httpstream"
)

var errReset = errors.New("stream reset")

// A stream reads a text and then ends with an error; writes are reset.
type stream struct {
	httpstream.Stream
	text io.Reader
	end  error
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.text.Read(p)
	if errors.Is(err, io.EOF) {
		err = s.end
	}
	return n, err
}

func (s *stream) Write([]byte) (int, error) { return 0, errReset }

func (s *stream) Close() error { return nil }

func (s *stream) Reset() error { return nil }

func (s *stream) Headers() http.Header { return nil }

// What the node says of an end is the error, however the end shows.
func TestExplained(t *testing.T) {
	for name, c := range map[string]struct {
		reason, said string
		end          error
		read, write  string
	}{
		"End":         {"an end without a reason is one", "", io.EOF, "EOF", "stream reset"},
		"Refused":     {"the node closes what it could not connect", "connection refused", io.EOF, "connection refused", "connection refused"},
		"Reset":       {"or resets what was written meanwhile", "connection refused", errReset, "connection refused", "connection refused"},
		"Ended":       {"whatever ends what it says", "connection refused", errReset, "connection refused", "connection refused"},
		"Unexplained": {"a reset without a reason is what it is", "", errReset, "stream reset", "stream reset"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := &connection{
				data:     &stream{text: strings.NewReader(""), end: c.end},
				failures: &stream{text: strings.NewReader(c.said), end: map[bool]error{true: errReset, false: io.EOF}[name == "Ended"]},
				failed:   make(chan error, 1),
			}
			go conn.watch()
			if _, err := conn.Read(make([]byte, 1)); err == nil || err.Error() != c.read {
				t.Errorf("%s: read: %v, want %s", c.reason, err, c.read)
			}
			if _, err := conn.Write([]byte("x")); err == nil || err.Error() != c.write {
				t.Errorf("%s: write: %v, want %s", c.reason, err, c.write)
			}
		})
	}
}

// A refusing node resets the stream of the bytes before it is there.
type refusing struct {
	httpstream.Connection
	streams int
}

func (r *refusing) CreateStream(http.Header) (httpstream.Stream, error) {
	if r.streams++; r.streams > 1 {
		return nil, errReset
	}
	return &stream{text: strings.NewReader("connection refused"), end: io.EOF}, nil
}

func (r *refusing) RemoveStreams(...httpstream.Stream) {}

// The reason of a node is the error also where it comes before the connection.
func TestDialExplained(t *testing.T) {
	f := &Forward{conn: &refusing{}}
	if _, err := f.Dial(8083); err == nil || err.Error() != "connection refused" {
		t.Errorf("dial: %v, want connection refused", err)
	}
}
