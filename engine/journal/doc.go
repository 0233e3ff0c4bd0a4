// Package journal is the record of decisions: one JSON object a line for every
// decided slot of every object, with keys in a fixed order and no byte in it
// that a simulation of the same inputs would not write too.
//
// A line's digest is the SHA-256 of the line without it; its chain repeats the
// digest of the object's line before it in the same file. So a changed byte is
// told apart from a lost line: the first breaks a digest, the second a chain.
//
// A file stands alone: the first record of an object in it carries the compiled
// policy and the state before the step, from which Verify decides every later
// record again. They are repeated every 256 records, where verification resumes
// after a lost line; until then Verify decides again what rests on no state.
//
// What Verify proves is that the numbers follow from the inputs, policies and
// states in the file. It does not prove who wrote it: digests have no key.
//
// A ScalableNodeGroup's record observes spec, desired, ready, min and max, the
// provider's issue with the group (trouble), or the error of reading it; resize is what the slot's own
// command failed with, because the state after the slot rests on it. Its
// decisions are made again like an autoscaler's.
//
// A MetricsProducer's record has its gauges as value. A schedule's is computed
// again from the slot. What the others read, nodes, pods and queues, is not in
// the journal, so of their records only digest and chain are checked.
package journal
