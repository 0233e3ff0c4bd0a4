package recording

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// A longAnswer is the error of an answer that is longer than its limit.
type longAnswer struct{ most int64 }

func (e *longAnswer) Error() string {
	return fmt.Sprintf("the answer is longer than %d MiB", e.most>>20)
}

// bounded is a client whose answers end: a server may be anything that an address
// happens to lead to.
func bounded(client *http.Client) *http.Client {
	out := http.Client{}
	if client != nil {
		out = *client
	}
	if out.Transport == nil {
		out.Transport = http.DefaultTransport
	}
	out.Transport = boundedTransport{out.Transport}
	return &out
}

type boundedTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return response, err
	}
	most := int64(limit.Answer)
	switch kind := response.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/x-streamed-protobuf"):
		most = limit.StreamedAnswer
	case strings.HasPrefix(kind, "application/x-protobuf"):
		most /= 4 // it is compressed, and unpacked in one piece
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: most, most: most}
	return response, nil
}

type boundedBody struct {
	io.ReadCloser
	left, most int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, &longAnswer{b.most}
	}
	return n, err
}
