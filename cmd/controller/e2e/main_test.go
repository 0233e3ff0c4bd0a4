package e2e

import (
	"os"
	"testing"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }
