// Command karpenter replays, simulates, explains and verifies what the
// autoscaler decides, without a cluster. `karpenter help` lists its commands.
//
// Exit codes: 0 all good; 1 an expectation, threshold, comparison or
// verification failed; 2 invalid input or usage; 3 a determinism check failed;
// 4 internal error; 130 interrupted.
package main
