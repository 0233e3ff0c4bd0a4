package e2e

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// asleep are the parallel tests that do little but wait for real time to pass.
const asleep = 2

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests that sleep must not keep those from running that want a core.
	if parallel := flag.Lookup("test.parallel").Value; parallel.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = parallel.Set(strconv.Itoa(runtime.GOMAXPROCS(0) + asleep))
	}
	os.Exit(servertest.Main(m))
}
