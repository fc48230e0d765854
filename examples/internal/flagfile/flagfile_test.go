package flagfile_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
)

func TestWriteGivesTheFourVariants(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	for _, phase := range flags.Phases() {
		if err := flagfile.Write(path, "users", phase.String()); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"$schema": "https://flagd.dev/schema/v0/flags.json",
			"flags": map[string]any{"users": map[string]any{
				"state": "ENABLED",
				"variants": map[string]any{
					"old-only":            "old-only",
					"read-old/write-both": "read-old/write-both",
					"read-new/write-both": "read-new/write-both",
					"new-only":            "new-only",
				},
				"defaultVariant": phase.String(),
			}},
		}
		if diff := cmp.Diff(want, read(t, path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", phase, diff)
		}
	}
}

func TestWriteRefusesWhatIsNoPhase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	if err := flagfile.Write(path, "users", "new"); err == nil || !strings.Contains(err.Error(), `"new"`) {
		t.Errorf("got %v, want an error that names the value", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestWriteNamesTheFileAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "flags.json")
	if err := os.MkdirAll(filepath.Join(path, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := flagfile.Write(path, "users", flags.OldOnly.String())
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".flag-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Whoever reads while others write sees a whole file, always.
func TestWriteIsAtomic(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	if err := flagfile.Write(path, "users", flags.OldOnly.String()); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for _, phase := range flags.Phases() {
		writers.Go(func() {
			for range 100 {
				if err := flagfile.Write(path, "users", phase.String()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		read(t, path)
		select {
		case <-done:
			return
		default:
		}
	}
}

func read(t *testing.T, path string) (got map[string]any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("half a file: %v\n%s", err, data)
	}
	return got
}
