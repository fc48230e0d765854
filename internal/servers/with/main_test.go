//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/internal/servers"
)

// actVariable makes the test binary the command itself.
const actVariable = "DUALWRITE_TEST_ACT_AS_WITH"

func TestMain(m *testing.M) {
	if os.Getenv(actVariable) == "1" {
		main()
	}
	os.Exit(m.Run())
}

// with is the command, with a temporary folder of its own.
func with(t *testing.T, env []string, args ...string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	tmp = t.TempDir()
	// Should it not end, neither the command that it runs: that is in its group.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, os.Args[0], args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = append(append(os.Environ(), actVariable+"=1", "TMPDIR="+tmp, servers.DataVariable+"=", "MONGODB_URI="), env...)
	return cmd, tmp
}

func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWithARealServer(t *testing.T) {
	t.Parallel()
	servers.Need(t, servers.MongoDB())
	cmd, tmp := with(t, nil, "mongodb", "--", "sh", "-c", `read line; echo "$line $MONGODB_URI"; echo problem >&2; exit 7`)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("asked\n"), &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("got %v, want exit status 7", err)
	}
	line, uri, _ := strings.Cut(strings.TrimSpace(stdout.String()), " ")
	if line != "asked" || !strings.HasPrefix(uri, "mongodb://127.0.0.1:") || stderr.String() != "problem\n" {
		t.Errorf("printed %q, and to standard error %q", &stdout, &stderr)
	}
	mustBeEmpty(t, tmp)

	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
}

// A signal goes to the command, which ends as it likes; the server goes after it.
func TestSignalsArePassedOn(t *testing.T) {
	t.Parallel()
	servers.Need(t, servers.MongoDB())
	for _, tc := range []struct {
		name, command string
		code          int
	}{
		{"to a command that handles it", `trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done`, 3},
		{"to one that does not", `echo ready; exec sleep 600`, 128 + int(syscall.SIGTERM)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cmd, tmp := with(t, nil, "mongodb", "--", "sh", "-c", tc.command)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
				t.Error(err)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != tc.code {
				t.Errorf("got %v, want exit status %d", err, tc.code)
			}
			mustBeEmpty(t, tmp)
		})
	}
}

func TestAServerOfOnesOwnIsUsed(t *testing.T) {
	t.Parallel()
	cmd, tmp := with(t, []string{"MONGODB_URI=mine", servers.SkipVariable + "=1"}, "-optional", "mongodb", "--", "sh", "-c", `echo "$MONGODB_URI"`)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "mine\n" {
		t.Errorf("%v, printed %q", err, out)
	}
	mustBeEmpty(t, tmp)
}

func TestOptional(t *testing.T) {
	t.Parallel()
	cmd, _ := with(t, []string{servers.SkipVariable + "=1"}, "-optional", "mongodb", "--", "false")
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.HasPrefix(out, []byte("!!! MongoDB: ")) || !bytes.Contains(out, []byte("NOT RUN: false")) {
		t.Errorf("%v, printed %q", err, out)
	}
	for _, tc := range []struct {
		installed, optional bool
		env                 map[string]string
		skipped             bool
	}{
		{installed: true, optional: true},
		{installed: false, optional: false},
		{installed: false, optional: false, env: map[string]string{servers.SkipVariable: "1"}},
		{installed: false, optional: true, env: map[string]string{"CI": "true"}},
		{installed: false, optional: true, skipped: true},
		{installed: true, optional: true, env: map[string]string{servers.SkipVariable: "1"}, skipped: true},
	} {
		if why := skipped(tc.installed, tc.optional, func(k string) string { return tc.env[k] }); (why != "") != tc.skipped {
			t.Errorf("%+v: %q", tc, why)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	wanted, optional, command, err := parse([]string{"dynamodb,mongodb", "--", "a", "-b", "--"},
		func(k string) string { return map[string]string{"MONGODB_URI": "mine"}[k] })
	if err != nil || optional || len(wanted) != 1 || wanted[0].Name != "DynamoDB" {
		t.Errorf("%+v, %v, %v", wanted, optional, err)
	}
	if diff := cmp.Diff([]string{"a", "-b", "--"}, command); diff != "" {
		t.Error(diff)
	}
	for _, args := range [][]string{{}, {"mongodb"}, {"mongodb", "--"}, {"mongodb", "true"}, {"postgres", "--", "true"}, {"-x", "mongodb", "--", "true"}} {
		if _, _, _, err := parse(args, os.Getenv); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestACommandThatIsNotThere(t *testing.T) {
	t.Parallel()
	if code, err := execute([]string{filepath.Join(t.TempDir(), "none")}, nil, nil); code != 127 || err == nil {
		t.Errorf("%d, %v", code, err)
	}
}
