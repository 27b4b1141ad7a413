// Package osspecific, for Linux: the published module lacks this file, so the
// executor does not compile without it. Written for this project.
package osspecific

import (
	"os"
	"syscall"
	"time"

	"github.com/argoproj/argo-workflows/v3/util/errors"
)

// Term is the signal that asks the main container's process to end.
var Term = syscall.SIGTERM

// CanIgnoreSignal tells the signals that concern the executor itself.
func CanIgnoreSignal(s os.Signal) bool {
	return s == syscall.SIGCHLD || s == syscall.SIGURG
}

// Kill signals the whole process group, so that what the step started ends too.
func Kill(pid int, s syscall.Signal) error {
	if group, err := syscall.Getpgid(pid); err == nil {
		pid = -group
	}
	return syscall.Kill(pid, s)
}

// Setpgid makes the process the leader of a group of its own.
func Setpgid(attributes *syscall.SysProcAttr) {
	attributes.Setpgid = true
}

// Wait reaps every child, as process 1 has to, until the given one has ended.
func Wait(process *os.Process) error {
	pid := process.Pid
	if err := process.Release(); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		reaped, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return err
		case reaped == pid && status.Exited():
			return errors.NewExitErr(status.ExitStatus())
		case reaped == pid && status.Signaled():
			return errors.NewExitErr(128 + int(status.Signal()))
		case reaped == 0:
			time.Sleep(50 * time.Millisecond)
		}
	}
}
