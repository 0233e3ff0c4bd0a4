package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// built is the controller, built once for all tests.
var built struct {
	once   sync.Once
	binary []byte
	err    error
}

// build builds the controller.
func build(t testing.TB, directory string) string {
	t.Helper()
	built.once.Do(func() {
		file := filepath.Join(t.TempDir(), "controller")
		if out, err := exec.Command("go", "build", "-o", file, "..").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
			return
		}
		built.binary, built.err = os.ReadFile(file)
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	binary := filepath.Join(directory, "controller")
	if err := os.WriteFile(binary, built.binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return binary
}

// kubeconfig writes how to reach the server.
func kubeconfig(t testing.TB, directory string) string {
	t.Helper()
	path := filepath.Join(directory, "kubeconfig")
	if err := os.WriteFile(path, servertest.Environment(t).KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A process is the controller, one life after the other.
type process struct {
	t       *testing.T
	name    string
	binary  string
	flags   []string
	journal string
	command *exec.Cmd
	// ended is closed when the life is over, err says how.
	ended  chan struct{}
	err    error
	output output
}

// start begins a life; more flags come after those of all lives.
func (p *process) start(more ...string) {
	p.t.Helper()
	arguments := append([]string{"--journal-dir", p.journal, "--metrics-port", "0", "--health-probe-address", "127.0.0.1:0"}, p.flags...)
	p.command = exec.Command(p.binary, append(arguments, more...)...)
	p.command.Stderr = &p.output
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	command, ended := p.command, make(chan struct{})
	p.ended = ended
	go func() {
		defer close(ended)
		p.err = command.Wait()
	}()
	p.t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: %s: %v\n%s", p.name, s, err, p.output.String())
	}
}

// kill ends the life with -9, at whatever it is doing.
func (p *process) kill() {
	p.t.Helper()
	select {
	case <-p.ended:
		p.t.Fatalf("%s ended by itself: %v\n%s", p.name, p.err, p.output.String())
	default:
	}
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// terminate ends the life as a cluster does.
func (p *process) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if err := p.exit(); err != nil {
		p.t.Errorf("%s after SIGTERM: %v\n%s", p.name, err, p.output.String())
	}
}

// exit waits for the end of the life.
func (p *process) exit() error {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(timeout):
		p.t.Fatalf("%s does not end\n%s", p.name, p.output.String())
	}
	return p.err
}

// An output is what a process writes, which tests read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
