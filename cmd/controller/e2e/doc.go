// Package e2e holds the proofs that the controller, against real servers, decides
// as the simulator does.
package e2e
