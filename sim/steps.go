package sim

import (
	"github.com/karpenter-sim/karpenter/sim/result"
)

// Steps is a step function of time.
type Steps = result.Steps
