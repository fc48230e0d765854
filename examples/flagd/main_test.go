package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/flags/flagtest"
)

func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	if err := run(ctx, &out, ""); err != nil {
		t.Fatal(err)
	}
	want := `^old-only +after \S+
read-old/write-both +after \S+
read-new/write-both +after \S+
new-only +after \S+
$`
	if !regexp.MustCompile(want).Match(out.Bytes()) {
		t.Errorf("got:\n%s", out.Bytes())
	}
}

func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, flags.ReadNewWriteBoth)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- run(ctx, in, path) }()
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil || !bytes.Contains(line[:n], []byte("read-new/write-both")) {
		t.Errorf("%q, %v", line[:n], err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.json")
	if err := run(t.Context(), &bytes.Buffer{}, path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}

// A file that is half written, empty, of another flag or of another value does not move the phase; the file after it does.
func TestABrokenFileKeepsThePhase(t *testing.T) {
	t.Parallel()
	whole := func(t *testing.T) []byte {
		path := filepath.Join(t.TempDir(), "whole.json")
		write(t, path, flags.NewOnly)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	inPlace := func(path string, data []byte) error { return os.WriteFile(path, data, 0o644) }
	renamed := func(path string, data []byte) error {
		if err := os.WriteFile(path+".new", data, 0o644); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	}
	for name, tc := range map[string]struct {
		data  func([]byte) []byte
		write func(string, []byte) error
	}{
		"half a file, in place":   {func(b []byte) []byte { return b[:len(b)/2] }, inPlace},
		"half a file, renamed":    {func(b []byte) []byte { return b[:len(b)/2] }, renamed},
		"an empty file, in place": {func([]byte) []byte { return nil }, inPlace},
		"an empty file, renamed":  {func([]byte) []byte { return nil }, renamed},
		"another flag":            {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(flagKey), []byte("other")) }, renamed},
		"another value":           {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("new-only"), []byte("done")) }, renamed},
		"disabled":                {func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("ENABLED"), []byte("DISABLED")) }, renamed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			path, source := start(t, flags.ReadNewWriteBoth)
			s := breakFile(ctx, t, source, func() error { return tc.write(path, tc.data(whole(t))) })
			if s.Phase != flags.ReadNewWriteBoth {
				t.Fatalf("%+v", s)
			}
			t.Log(s.Reason)
			write(t, path, flags.NewOnly)
			if err := source.Wait(ctx, flags.NewOnly); err != nil {
				t.Error(err)
			}
			if s, err := source.WaitFor(ctx, func(s flags.Status) bool { return s.Reason == "" }); err != nil {
				t.Errorf("%v: %+v", err, s)
			}
		})
	}
}

// A flag that is off, missing or mistyped is read all the same: the instance stays in touch with it, and holds the
// jump that comes after.
func TestAFlagWithoutAPhaseIsNoCut(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(string) string{
		"off":          func(s string) string { return strings.ReplaceAll(s, "ENABLED", "DISABLED") },
		"mistyped":     func(s string) string { return strings.ReplaceAll(s, "old-only", "old_only") },
		"another flag": func(s string) string { return strings.ReplaceAll(s, flagKey, "other") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			path, source := startWith(t, flags.OldOnly, 10*time.Millisecond)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.WriteFile(path+".new", []byte(change(string(data))), 0o644), os.Rename(path+".new", path)); err != nil {
				t.Fatal(err)
			}
			s, err := source.WaitFor(ctx, func(s flags.Status) bool { return s.Err != nil && s.InTouch.After(s.ErrSince) })
			if err != nil {
				t.Fatalf("%v: %+v", err, s)
			}
			t.Log(s.Reason)
			write(t, path, flags.NewOnly)
			if s, err := source.WaitFor(ctx, func(s flags.Status) bool { return s.Held != 0 || s.Phase != flags.OldOnly }); err != nil || s.Held != flags.NewOnly {
				t.Errorf("%v: %+v", err, s)
			}
		})
	}
}

// breakFile writes until the source has a reason to doubt, or another phase. Once need not be enough: the SDK runs the
// handlers of two events at once, and that of the first flags may come after that of the broken file, as good news.
func breakFile(ctx context.Context, t *testing.T, source *flags.OpenFeature, write func() error) flags.Status {
	t.Helper()
	noticed := func(s flags.Status) bool { return s.Reason != "" || s.Phase != flags.ReadNewWriteBoth }
	for {
		if err := write(); err != nil {
			t.Fatal(err)
		}
		once, cancel := context.WithTimeout(ctx, time.Second)
		s, err := source.WaitFor(once, noticed)
		cancel()
		if err == nil {
			return s
		}
		if ctx.Err() != nil {
			t.Fatalf("%v: %+v", err, s)
		}
	}
}

// A burst of flips ends at the last one, without the help of the timer: a source left in old-only would hold the last jump.
func TestBurst(t *testing.T) {
	t.Parallel()
	path, source := start(t, flags.OldOnly)
	for i := range 200 {
		write(t, path, flags.Phases()[i%2])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, phase := range []flags.Phase{flags.ReadOldWriteBoth, flags.ReadNewWriteBoth} {
		write(t, path, phase)
		if err := source.Wait(ctx, phase); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkFlip(b *testing.B) {
	path, source := start(b, flags.OldOnly)
	for i := 0; b.Loop(); i++ {
		phase := flags.Phases()[(i+1)%2]
		write(b, path, phase)
		if err := source.Wait(b.Context(), phase); err != nil {
			b.Fatal(err)
		}
	}
}

// start follows a flag file of the test's own, without the help of the timer.
func start(t testing.TB, phase flags.Phase) (path string, source *flags.OpenFeature) {
	t.Helper()
	return startWith(t, phase, time.Hour)
}

func startWith(t testing.TB, phase flags.Phase, refresh time.Duration) (path string, source *flags.OpenFeature) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "flags.json")
	write(t, path, phase)
	provider, err := flagfile.NewProvider(path)
	if err != nil {
		t.Fatal(err)
	}
	source, err = flags.NewOpenFeature(t.Context(), flagtest.NewClient(t, provider), flagKey, &flags.Options{Refresh: refresh})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return path, source
}

func write(t testing.TB, path string, phase flags.Phase) {
	t.Helper()
	if err := flagfile.Write(path, flagKey, phase.String()); err != nil {
		t.Fatal(err)
	}
}
