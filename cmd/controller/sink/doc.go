// Package sink writes the journal of a running controller, to files, to stdout
// or to both.
//
// A decision never waits for it: records pass through a bounded channel, and
// what does not fit is dropped and counted. Lines reach the file in whole, as
// soon as there is nothing more to encode, so a killed process loses at most
// what it had not encoded yet and leaves a file that can be read. A file is
// written as plain text and compressed when the next one begins. Each stands
// alone, and each process writes its own. What a file begins with is repeated
// after a dropped record and, on stdout, every hour: there, others cut the text.
package sink
