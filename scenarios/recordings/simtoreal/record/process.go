package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// A process is a program that runs beside this one and ends with it.
type process struct {
	command *exec.Cmd
	log     string
	ended   chan struct{}
}

// start starts a program that writes to NAME.log in the directory.
func start(directory, name, binary string, arguments ...string) (*process, error) {
	log, err := os.Create(filepath.Join(directory, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{command: exec.Command(binary, arguments...), log: log.Name(), ended: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.command.Wait() // killed, or said so in its log
		close(p.ended)
	}()
	return p, nil
}

// stop ends the process.
func (p *process) stop() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// running returns an error with the end of the log once the process has ended.
func (p *process) running() error {
	select {
	case <-p.ended:
	default:
		return nil
	}
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s ended: %s\n%s", filepath.Base(p.command.Path), p.command.ProcessState, text[max(0, len(text)-2000):])
}

// freePort returns a port of the loopback interface on which nobody listens.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}
