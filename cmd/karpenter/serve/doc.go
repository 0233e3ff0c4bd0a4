// Package serve is the local page of karpenter serve: the reports of a directory, or
// a workbench that decides a run again while its policy changes.
//
// Nothing is loaded from anywhere, and nothing is written. Whoever asks must name the
// server by an address or by localhost (a name that another site points at it is
// refused), and what changes something must come from the page itself.
package serve
