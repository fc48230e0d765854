package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// builds is a cargo that counts its calls and puts the program where it belongs.
const builds = `
for a; do [ "$prev" = --root ] && root=$a; prev=$a; done
echo "$*" >> "$(dirname "$0")/calls"
echo "   Compiling $2"
sleep 0.2
mkdir -p "$root/bin" && printf '#!/bin/sh\n' > "$root/bin/dynoxide" && chmod +x "$root/bin/dynoxide"
`

func TestInstallBuildsOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	o := fakeCargo(t, builds)
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = Install(t.Context(), DynamoDB(), &bytes.Buffer{}, o) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	calls, err := os.ReadFile(filepath.Join(filepath.Dir(o.Cargo), "calls"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(calls), "\n"); got != 1 {
		t.Errorf("cargo was called %d times, want once:\n%s", got, calls)
	}
	want := "install dynoxide-rs --version 3.2.0 --locked --root "
	if !strings.HasPrefix(string(calls), want) {
		t.Errorf("cargo was called with %q, want %q…", calls, want)
	}
	if !DynamoDB().Installed(o.Root) {
		t.Error("the program is not there")
	}
	leavesNothing(t, o.Root)
}

func TestFailedBuildLeavesNothingAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"cargo fails":     builds + "echo 'error: linker not found' >&2; exit 101",
		"without program": "exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := fakeCargo(t, script)
			err := Install(t.Context(), DynamoDB(), &bytes.Buffer{}, o)
			if err == nil {
				t.Fatal("no error")
			}
			if name == "cargo fails" && !strings.Contains(err.Error(), "linker not found") {
				t.Errorf("the error does not say what cargo said: %v", err)
			}
			if DynamoDB().Installed(o.Root) {
				t.Error("counts as installed")
			}
			leavesNothing(t, o.Root)
			again := fakeCargo(t, builds)
			again.Root = o.Root
			if err := Install(t.Context(), DynamoDB(), &bytes.Buffer{}, again); err != nil {
				t.Fatal(err)
			}
			if !DynamoDB().Installed(o.Root) {
				t.Error("not installed by the second try")
			}
		})
	}
}

func TestInstallRemovesWhatAKilledRunHasLeft(t *testing.T) {
	t.Parallel()
	o := fakeCargo(t, builds)
	rest := filepath.Join(o.Root, ".building-dynoxide-rs-3.2.0", "root", "bin", "half")
	if err := os.MkdirAll(rest, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Install(t.Context(), DynamoDB(), &bytes.Buffer{}, o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(o.Root, "dynoxide-rs-3.2.0", "bin", "half")); err == nil {
		t.Error("the rest was installed")
	}
	leavesNothing(t, o.Root)
}

func TestInstallWithoutCargo(t *testing.T) {
	t.Parallel()
	o := &InstallOptions{Root: t.TempDir(), Cargo: filepath.Join(t.TempDir(), "cargo")}
	if err := Install(t.Context(), DynamoDB(), &bytes.Buffer{}, o); !errors.Is(err, ErrNoCargo) {
		t.Errorf("got %v, want ErrNoCargo", err)
	}
}

// The build goes on when a line of progress was shown.
func TestInstallShowsProgress(t *testing.T) {
	t.Parallel()
	o := fakeCargo(t, strings.Replace(builds, "sleep 0.2", `while [ ! -e "$(dirname "$0")/shown" ]; do sleep 0.01; done`, 1))
	o.Tick = time.Millisecond
	shown := onLine{text: "Compiling dynoxide-rs", file: filepath.Join(filepath.Dir(o.Cargo), "shown")}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := Install(ctx, DynamoDB(), shown, o); err != nil {
		t.Fatalf("no line of progress: %v", err)
	}
}

// onLine makes a file when a text is written to it.
type onLine struct{ text, file string }

func (o onLine) Write(p []byte) (int, error) {
	if strings.Contains(string(p), o.text) {
		return len(p), os.WriteFile(o.file, nil, 0o600)
	}
	return len(p), nil
}

func TestCancelledInstallEndsTheWholeBuild(t *testing.T) {
	t.Parallel()
	needsLinux(t)
	o := fakeCargo(t, `sleep 600 & echo $! > "$(dirname "$0")/half"; mv "$(dirname "$0")/half" "$(dirname "$0")/pid"; wait`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- Install(ctx, DynamoDB(), &bytes.Buffer{}, o) }()
	pid := 0
	eventually(t, "the build to start", func() bool {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(o.Cargo), "pid"))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		return err == nil
	})
	if !alive(pid) {
		t.Fatal("the compiler does not run")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	eventually(t, "the compiler to end", func() bool { return !alive(pid) })
	leavesNothing(t, o.Root)
}

func fakeCargo(t *testing.T, script string) *InstallOptions {
	t.Helper()
	return &InstallOptions{Root: t.TempDir(), Cargo: executable(t, script)}
}

// executable writes a shell script. It is renamed into place, as a program that is open for writing can not be started.
func executable(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path+".new", []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func leavesNothing(t *testing.T, root string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(root, ".building-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
