package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childVariable makes the test binary a process that starts a server and then does nothing.
const childVariable = "DUALWRITE_TEST_START_PROGRAM"

func TestMain(m *testing.M) {
	program := os.Getenv(childVariable)
	if program == "" {
		os.Exit(m.Run())
	}
	p, err := fakeServer().start(context.Background(), program, "", 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	select {}
}

func TestServerEndsWithTheProcessThatStartedIt(t *testing.T) {
	t.Parallel()
	needsLinux(t)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childVariable+"="+executable(t, "echo listening on 1; exec sleep 600"))
	out := &output{limit: 1 << 10}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, 10*time.Millisecond
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process id", func() bool { return out.tail() != "" })
	pid, err := strconv.Atoi(out.lastLine())
	if err == nil && !alive(pid) {
		err = fmt.Errorf("process %d does not run", pid)
	}
	if killErr := cmd.Process.Kill(); killErr != nil {
		t.Fatal(killErr)
	}
	_ = cmd.Wait() // killed
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server to end", func() bool { return !alive(pid) })
}

func TestStartSaysWhyAServerEnded(t *testing.T) {
	t.Parallel()
	_, err := fakeServer().start(t.Context(), executable(t, "echo no space left; exit 7"), "", 0)
	if err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("got %v, want the output and the exit status", err)
	}
}

func TestStartEndsAServerThatDoesNotBecomeReady(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	marker := t.TempDir()
	if _, err := fakeServer().start(ctx, executable(t, "cd "+marker+"; exec sleep 600"), "", 0); err == nil {
		t.Fatal("no error")
	}
	if runtime.GOOS == "linux" {
		nobodyIn(t, marker)
	}
}

func TestStopKillsAServerThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	p, err := fakeServer().start(t.Context(), executable(t, "trap '' TERM; echo listening on 1; while :; do sleep 0.01; done"), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(20 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not end") {
		t.Errorf("got %v, want a complaint", err)
	}
	select {
	case <-p.done:
	default:
		t.Error("still running")
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		installed bool
		env       map[string]string
		want      verdict
	}{
		{true, nil, run},
		{true, map[string]string{"CI": "true"}, run},
		{false, nil, skip},
		{false, map[string]string{"CI": "true"}, fail},
		{true, map[string]string{SkipVariable: "1"}, skip},
		{false, map[string]string{SkipVariable: "1", "CI": "true"}, skip},
	} {
		if got, why := missing(tc.installed, func(k string) string { return tc.env[k] }); got != tc.want || (why == "") != (got == run) {
			t.Errorf("installed=%v %v: got %v (%q), want %v", tc.installed, tc.env, got, why, tc.want)
		}
	}
}

// fakeServer is ready as soon as it prints its line.
func fakeServer() Server {
	return Server{
		Program: "fake", picksPort: true, listening: regexp.MustCompile(`listening on (\d+)`),
		args: func(string, int) []string { return nil },
		ready: func(_ context.Context, addr string) error {
			if strings.HasSuffix(addr, ":0") {
				return fmt.Errorf("no port yet")
			}
			return nil
		},
	}
}

func needsLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ties a child to its parent")
	}
}

// nobodyIn checks that no process has dir as its working folder.
func nobodyIn(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if cwd, err := os.Readlink("/proc/" + e.Name() + "/cwd"); err == nil && cwd == dir {
			t.Errorf("process %s still runs", e.Name())
		}
	}
}
