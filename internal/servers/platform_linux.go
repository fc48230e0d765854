package servers

import (
	"os/exec"
	"runtime"
	"syscall"
)

// tie makes the kernel end the child when this process dies, however it dies.
func tie(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// tieGroup ties a command that starts others: cancelling its context ends all of them.
func tieGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// startTied starts a tied command and calls wait, on one thread: the kernel ties the child to the thread that started
// it, which has to live as long as the child.
func startTied(cmd *exec.Cmd, started chan<- error, wait func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err == nil {
		wait()
	}
}
