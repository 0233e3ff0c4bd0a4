// Package share hands out the files of a journal's directory over HTTP, read-only:
// the controller serves them, `karpenter journal fetch` asks for them.
//
// It asks nobody who they are. The controller therefore listens on its own
// loopback only, and who wants to read comes through the API server, which asks
// for the right to pods/portforward.
package share
