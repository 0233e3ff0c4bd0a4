package pods

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// A Forward is a connection to a pod, over which any number of connections to
// its ports run.
type Forward struct {
	conn  httpstream.Connection
	calls atomic.Int64
}

// Forward connects to a pod: over WebSockets, or by SPDY where the server or a
// proxy before it does not take them. It asks for the rights to get and to
// create pods/portforward.
func (c *Client) Forward(ctx context.Context, namespace, name string) (*Forward, error) {
	dialer, err := c.dialer(namespace, name)
	if err != nil {
		return nil, err
	}
	type dialed struct {
		conn     httpstream.Connection
		protocol string
		err      error
	}
	done := make(chan dialed, 1)
	go func() { // the dialers take no context
		var d dialed
		d.conn, d.protocol, d.err = dialer.Dial(portforward.PortForwardProtocolV1Name)
		done <- d
	}()
	select {
	case <-ctx.Done():
		go func() {
			if d := <-done; d.err == nil {
				d.conn.Close()
			}
		}()
		return nil, ctx.Err()
	case d := <-done:
		if d.err != nil {
			return nil, d.err
		}
		if d.protocol != portforward.PortForwardProtocolV1Name {
			d.conn.Close()
			return nil, fmt.Errorf("the server speaks %q, not %s", d.protocol, portforward.PortForwardProtocolV1Name)
		}
		return &Forward{conn: d.conn}, nil
	}
}

func (c *Client) dialer(namespace, name string) (httpstream.Dialer, error) {
	address := c.server.Post().Namespace(namespace).Resource("pods").Name(name).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, err
	}
	old := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, address)
	tunnel, err := portforward.NewSPDYOverWebsocketDialerForStreaming(address, c.config)
	if err != nil {
		return nil, err
	}
	return portforward.NewFallbackDialerForStreaming(tunnel, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

// Close ends the connection and all that run over it.
func (f *Forward) Close() error { return f.conn.Close() }

// Dial connects to a port of the pod. Whether anything listens there may be known
// only when something is read: the error is then the node's.
func (f *Forward) Dial(port int32) (net.Conn, error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(int(port)))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.FormatInt(f.calls.Add(1), 10))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := f.conn.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	c := &connection{forward: f, failures: failures, port: port, failed: make(chan error, 1)}
	go c.watch()
	if c.data, err = f.dataBeside(failures, headers); err != nil {
		err = c.explained(err) // a node that cannot connect may reset the stream before it is there
		_ = failures.Reset()
		f.conn.RemoveStreams(failures)
		return nil, err
	}
	return c, nil
}

// dataBeside opens the stream of the bytes that belongs to that of the failures.
func (f *Forward) dataBeside(failures httpstream.Stream, headers http.Header) (httpstream.Stream, error) {
	if err := failures.Close(); err != nil { // nothing is written to it
		return nil, err
	}
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	return f.conn.CreateStream(headers)
}

// A connection is one to a port: bytes in one stream, the node's error in another.
type connection struct {
	forward        *Forward
	data, failures httpstream.Stream
	port           int32
	// failed has one value: what the node says in the end, or nil.
	failed chan error
}

func (c *connection) watch() {
	message, err := io.ReadAll(c.failures)
	if len(message) > 0 {
		err = errors.New(string(message)) // whatever ended the stream after it
	}
	c.failed <- err
}

// Read implements net.Conn. An end that the node explains is an error.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.data.Read(p)
	if n > 0 || err == nil {
		return n, err
	}
	return 0, c.explained(err)
}

// Write implements net.Conn. A node that cannot connect to the port resets what
// comes after it has said so.
func (c *connection) Write(p []byte) (int, error) {
	n, err := c.data.Write(p)
	if err != nil {
		err = c.explained(err)
	}
	return n, err
}

// explanation is how long the node may take to explain an end.
const explanation = 5 * time.Second

// explained returns what the node says of an error, or the error itself.
func (c *connection) explained(err error) error {
	select {
	case failed := <-c.failed:
		c.failed <- failed // for the next call
		if failed != nil {
			return failed
		}
	case <-time.After(explanation):
	}
	return err
}

// Close implements net.Conn: at once, in both directions.
func (c *connection) Close() error {
	err := errors.Join(c.data.Reset(), c.failures.Reset())
	c.forward.conn.RemoveStreams(c.data, c.failures)
	return err
}

// LocalAddr implements net.Conn.
func (c *connection) LocalAddr() net.Addr { return address("local") }

// RemoteAddr implements net.Conn.
func (c *connection) RemoteAddr() net.Addr { return address(strconv.Itoa(int(c.port))) }

// There are no deadlines: net/http closes a connection that takes too long.

// SetDeadline implements net.Conn.
func (c *connection) SetDeadline(time.Time) error { return errors.ErrUnsupported }

// SetReadDeadline implements net.Conn.
func (c *connection) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }

// SetWriteDeadline implements net.Conn.
func (c *connection) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// An address is a port of a pod.
type address string

// Network implements net.Addr.
func (address) Network() string { return "portforward" }

// String implements net.Addr.
func (a address) String() string { return string(a) }
