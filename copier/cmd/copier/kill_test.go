package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// process makes the program a process of its own, to be started, and returns the lines that it will print.
func process(t *testing.T, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCopier+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// Ten times killed at a random moment and started again, a copy ends as if it had run once: nothing is skipped, and no
// record is counted twice.
func TestKilledTenTimes(t *testing.T) {
	t.Parallel()
	rng := seeded(t)
	dir := t.TempDir()
	file, once := filepath.Join(dir, "a.bolt"), filepath.Join(dir, "once.bolt")
	const n = 20_000
	put(t, file, "old", some(n))
	args := []string{"copy", "--old", file + ":old", "--new", filepath.Join(dir, "b.bolt") + ":new", "--checkpoint", filepath.Join(dir, "cp"),
		"--checkpoint-every", "1ms", "--progress-every", "2ms", "--batch", "100", "--no-verify", "--json",
		"--mirroring-since", time.Now().Add(-time.Hour).Format(time.RFC3339)}
	rate := 20_000
	for kills := 0; kills < 10; kills++ {
		cmd, lines := process(t, append(args, "--rate", strconv.Itoa(rate))...)
		start(t, cmd)
		ended := false
		for left := 1 + rng.IntN(30); left > 0 && lines.Scan(); left-- {
			ended = ended || strings.Contains(lines.Text(), `"event":"report"`)
		}
		if ended { // before this test got to run: once more from the start, and slower
			t.Logf("at %d records a second it ended after %d kills", rate, kills)
			if err := errors.Join(cmd.Wait(), os.Remove(filepath.Join(dir, "b.bolt")), os.Remove(filepath.Join(dir, "cp"))); err != nil {
				t.Fatal(err)
			}
			rate, kills = rate/4+1, -1
			continue
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("it was not killed: %v", err)
		}
	}
	cmd, lines := process(t, append(args, "--rate", "0")...)
	start(t, cmd)
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	var e struct {
		Report struct {
			Read, Applied int64
			AlreadyThere  int64 `json:"already_there"`
			Resumed       int
			Clean         bool
		}
	}
	if err := json.Unmarshal([]byte(last), &e); err != nil {
		t.Fatalf("%v: %s", err, last)
	}
	if r := e.Report; !r.Clean || r.Read != n || r.Applied+r.AlreadyThere != n || r.Resumed == 0 {
		t.Errorf("%s", last)
	}
	t.Logf("%s", last)

	if o := copierRun(t.Context(), "copy", "--old", file+":old", "--new", once+":new"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	if diff := cmp.Diff(content(t, once, "new"), content(t, filepath.Join(dir, "b.bolt"), "new")); diff != "" {
		t.Error(diff)
	}
	if o := copierRun(t.Context(), "verify", "--old", file+":old", "--new", filepath.Join(dir, "b.bolt")+":new"); o.code != 0 {
		t.Errorf("%+v", o)
	}
}

// SIGTERM ends the program at a checkpoint, with the exit code that says so.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, cp := filepath.Join(dir, "a.bolt"), filepath.Join(dir, "cp")
	put(t, file, "old", some(5000))
	// At this rate it takes more than a minute.
	args := []string{"copy", "--old", file + ":old", "--new", file + ":new", "--checkpoint", cp, "--rate", "80",
		"--batch", "5", "--progress-every", "5ms", "--json"}
	cmd, lines := process(t, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	start(t, cmd)
	for i := 0; lines.Scan() && (i < 20 || strings.Contains(lines.Text(), `"done":0,`)); i++ {
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("%v", err)
	}
	if !strings.Contains(last, `"event":"report"`) || !strings.Contains(last, `"finished":false`) {
		t.Errorf("no report at the end: %s", last)
	}
	if !regexp.MustCompile(`^copier: the copy was interrupted at \d+ % \(\d+ of about 5000 records\): run it again, and it goes on where it was`).Match(said.Bytes()) {
		t.Errorf("it says: %s", &said)
	}
	b, err := os.ReadFile(cp)
	if err != nil {
		t.Fatal(err)
	}
	var saved struct{ Report struct{ Read int } }
	if err := json.Unmarshal(b, &saved); err != nil || saved.Report.Read == 0 || saved.Report.Read != len(content(t, file, "new")) {
		t.Errorf("%d in the checkpoint, %d copied (%v)", saved.Report.Read, len(content(t, file, "new")), err)
	}
}
