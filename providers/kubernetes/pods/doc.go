// Package pods finds pods and reaches their ports through the API server, as
// kubectl port-forward does, but without a port on this machine.
package pods
