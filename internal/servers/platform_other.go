//go:build !linux

package servers

import "os/exec"

// tie does nothing here: a child may outlive this process if that is killed.
func tie(*exec.Cmd) {}

// tieGroup does nothing here: what a cancelled command has started ends by itself.
func tieGroup(*exec.Cmd) {}

// startTied starts a command and calls wait.
func startTied(cmd *exec.Cmd, started chan<- error, wait func()) {
	err := cmd.Start()
	started <- err
	if err == nil {
		wait()
	}
}
