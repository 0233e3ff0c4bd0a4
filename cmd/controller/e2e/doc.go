// Package e2e holds the proofs that the controller, against real servers, decides
// as the simulator does, and that nothing that happens to its process costs or
// repeats a change of scale.
//
// What takes long is cut short unless the environment says otherwise:
//
//   - KARPENTER_PARITY=whole has TestParity play scenarios of more than two hours
//     from end to end; v01-schedule alone takes minutes.
//   - KARPENTER_KILLED=5m has TestKilled kill the controller for five minutes.
//   - KARPENTER_HANG=70 has TestIsolation run for a minute beside as many autoscalers whose queries hang.
//   - KARPENTER_SOAK=2h has TestSoak run the controller among faults for two hours, and
//     compare the memory.
//   - KARPENTER_UPGRADE=v0.9.0 has TestUpgrade begin with the controller of that revision.
//   - KARPENTER_SCALE=1000,5000 are the sizes of BenchmarkController.
package e2e
