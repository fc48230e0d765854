package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/dualwrite/dualwrite/internal/servers"
)

// serve runs the command between the start and the end of the servers.
func serve(wanted []offer, dir string, command []string, signals <-chan os.Signal) (code int, err error) {
	env := os.Environ()
	for _, o := range wanted {
		data := filepath.Join(dir, o.Program)
		if err := os.Mkdir(data, 0o700); err != nil {
			return 1, err
		}
		p, err2 := servers.Start(context.Background(), o.Server, data)
		if err2 != nil {
			return 1, err2
		}
		defer func() { err = errors.Join(err, p.Kill()) }() // nobody needs its data
		env = append(env, o.variable+"="+o.value(p.Addr()))
	}
	select {
	case s := <-signals: // before there was a command to pass it on to
		return status(s), nil
	default:
		return execute(command, env, signals)
	}
}

// execute runs the command with our standard streams and passes signals on to it. The error is that it could not be started.
func execute(command, env []string, signals <-chan os.Signal) (code int, err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 1, fmt.Errorf("%s: %w", command[0], err)
			}
			return exitCode(cmd.ProcessState), nil
		}
	}
}

// exitCode is what a shell makes of how a process ended.
func exitCode(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return status(w.Signal())
	}
	return s.ExitCode()
}

func status(s os.Signal) int {
	n, _ := s.(syscall.Signal)
	return 128 + int(n)
}
