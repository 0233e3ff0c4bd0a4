package awstest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
)

// A Refusal is an error as the services report it.
type Refusal struct {
	// Status is the HTTP status, 400 if zero.
	Status int
	// Code and Message are the service's.
	Code, Message string
}

// A Fault is a way for calls to fail. Exactly one of Refusal and the flags
// should be set.
type Fault struct {
	// Refusal is answered instead of doing anything.
	Refusal *Refusal
	// Body is answered word for word, with status 200 and instead of doing anything.
	Body string
	// Status is that of Body, 200 if zero.
	Status int
	// Hang never answers.
	Hang bool
	// Drop closes the connection instead of answering.
	Drop bool
	// Truncate does what was asked and closes the connection amid the answer.
	Truncate bool
	// Times is how many calls fail; all until Heal if zero.
	Times int
}

// Fail makes calls of an operation fail; of every operation if it is empty.
func (s *Server) Fail(operation string, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[operation] = &fault
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// takeFault is the fault that the next call of an operation has, or nil.
func (s *Server) takeFault(operation string) *Fault {
	for _, which := range []string{operation, ""} {
		fault := s.faults[which]
		if fault == nil {
			continue
		}
		if fault.Times > 0 {
			if fault.Times--; fault.Times == 0 {
				delete(s.faults, which)
			}
		}
		return fault
	}
	return nil
}

// before answers in place of the operation, where the fault says so.
func (f *Fault) before(w http.ResponseWriter, c *call) bool {
	switch {
	case f.Refusal != nil:
		f.Refusal.write(w, c.protocol)
	case f.Drop:
		panic(http.ErrAbortHandler) // net/http's way to close the connection
	case f.Body != "" || f.Status != 0:
		w.Header().Set("Content-Type", c.protocol.contentType())
		w.WriteHeader(max(f.Status, http.StatusOK))
		_, _ = w.Write([]byte(f.Body))
	default:
		return false
	}
	return true
}

// write is an error in the form of a protocol.
func (r *Refusal) write(w http.ResponseWriter, p protocol) {
	status := r.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", p.contentType())
	if p == query {
		w.WriteHeader(status)
		_, _ = w.Write(must(xml.Marshal(struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Code    string   `xml:"Error>Code"`
			Message string   `xml:"Error>Message"`
			Request string   `xml:"RequestId"`
		}{Code: r.Code, Message: r.Message, Request: "1"})))
		return
	}
	body := map[string]string{"message": r.Message}
	if p == jsonRPC {
		body["__type"] = "com.amazonaws.sqs#" + r.Code
	} else {
		w.Header().Set("X-Amzn-Errortype", r.Code)
	}
	w.WriteHeader(status)
	_, _ = w.Write(must(json.Marshal(body)))
}

// truncate promises an answer and sends half of it.
func truncate(w http.ResponseWriter, c *call, body []byte) {
	w.Header().Set("Content-Type", c.protocol.contentType())
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}
