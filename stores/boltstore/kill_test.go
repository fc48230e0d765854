package boltstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// child is the other process: it holds the file open, or writes to it until it is killed.
func child(mode, path string) error {
	db, err := Open(path, nil)
	if err != nil {
		return err
	}
	switch mode {
	case "hold":
		fmt.Println("open")
		_, err = io.Copy(io.Discard, os.Stdin) // until the parent closes it
		return errors.Join(err, db.Close())
	case "write":
		return childWrites(db)
	}
	return fmt.Errorf("no mode %q", mode)
}

const childWorkers = 6

// childWrites says "view key stamp" for every write that was acknowledged, for ever.
func childWrites(db *DB) error {
	views := map[string]*view{}
	for _, name := range []string{"a", "b"} {
		s, err := View[string, note](db, name, stores.StringKeys[string](), nil)
		if err != nil {
			return err
		}
		views[name] = s
	}
	clock, err := stores.NewClock(nil)
	if err != nil {
		return err
	}
	errs := make(chan error)
	for worker := range childWorkers {
		go func() { errs <- childWorker(worker, views, clock) }()
	}
	return <-errs
}

// childWorker writes new keys, hot keys and pairs in turn.
func childWorker(worker int, views map[string]*view, clock *stores.Clock) error {
	ctx := context.Background()
	for i := 0; ; i++ {
		v, err := clock.Next()
		if err != nil {
			return err
		}
		w := write{Key: fmt.Sprintf("new-%v", v), Record: childRecord(v), If: stores.IfOlder(v)}
		switch i % 3 {
		case 0:
			err = views["a"].Put(ctx, w)
		case 1:
			w.Key = fmt.Sprintf("hot-%d", worker)
			err = views["a"].Put(ctx, w)
		case 2:
			w.Key = fmt.Sprintf("pair-%v", v)
			err = views["a"].PutPair(ctx, w, views["b"], w)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.Key, err)
		}
		if _, err := fmt.Printf("%s %v\n", w.Key, v); err != nil { // one write(2) a line
			return err
		}
	}
}

// childRecord is a value of up to some pages in which a tear would show.
func childRecord(v stores.Version) record {
	s, _ := v.Stamp()
	n := (int(s[7])*131 + int(s[5])) % 300
	return record{Meta: stores.Meta{Version: v, Prev: stores.Absent}, Value: note{N: int64(n), Text: strings.Repeat(v.String(), n)}}
}

func startChild(t *testing.T, mode, path string) (*exec.Cmd, io.WriteCloser, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BOLTSTORE_CHILD="+mode, "BOLTSTORE_FILE="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, in, bufio.NewReader(out)
}

func TestLockBetweenProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	cmd, in, out := startChild(t, "hold", path)
	if line, err := out.ReadString('\n'); line != "open\n" {
		t.Fatal(line, err)
	}
	if _, err := Open(path, &Options{LockTimeout: 60 * time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Errorf("while another process has it: %v", err)
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path, nil)
	if err != nil {
		t.Fatalf("after it: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestAcknowledgedWritesSurviveKill kills a writing process at random moments, again and again on the same file.
func TestAcknowledgedWritesSurviveKill(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "f")
	acked := map[string]stores.Version{}
	for round := range rounds {
		lines := killWriter(t, path, rng)
		for _, line := range lines {
			var key, text string
			if _, err := fmt.Sscan(line, &key, &text); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			v, err := stores.ParseVersion(text)
			if err != nil {
				t.Fatal(err)
			}
			acked[key] = v
		}
		checkKilled(t, path, acked)
		t.Logf("round %d: %d lines", round, len(lines))
	}
	if len(acked) < rounds {
		t.Errorf("only %d writes acknowledged", len(acked))
	}
}

// killWriter kills the process at a random moment after a random number of lines, and returns all complete lines.
func killWriter(t *testing.T, path string, rng *rand.Rand) (lines []string) {
	t.Helper()
	cmd, _, out := startChild(t, "write", path)
	after := rng.IntN(150)
	delay := time.Duration(rng.Int64N(int64(5 * time.Millisecond)))
	var once sync.Once
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			break // what follows the last newline was not said
		}
		lines = append(lines, strings.TrimSpace(line))
		if len(lines) > after {
			once.Do(func() { time.AfterFunc(delay, func() { _ = cmd.Process.Kill() }) })
		}
	}
	_ = cmd.Wait()
	if len(lines) <= after {
		t.Fatalf("the writer ended by itself after %d lines", len(lines))
	}
	return lines
}

// checkKilled: everything acknowledged is there, everything there is whole, and pairs are complete.
func checkKilled(t *testing.T, path string, acked map[string]stores.Version) {
	t.Helper()
	db, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	a, b := notes(t, db, "a"), notes(t, db, "b")
	for key, v := range acked {
		r, err := a.Get(t.Context(), key)
		later := strings.HasPrefix(key, "hot-") && r.Version.Newer(v)
		if err != nil || !r.Version.Same(v) && !later {
			t.Errorf("acknowledged %s at %v: stored %v, %v", key, v, r.Version, err)
		}
	}
	pairs := int64(0)
	for name, s := range []*view{a, b} {
		n := int64(0)
		for e, err := range s.Scan(t.Context(), "", nil) {
			if n++; err != nil {
				t.Fatal(err)
			}
			if want := childRecord(e.Record.Version); e.Record != want {
				t.Errorf("%s: torn: %d, %d bytes", e.Key, e.Record.Value.N, len(e.Record.Value.Text))
			}
			if s == a && strings.HasPrefix(e.Key, "pair-") {
				pairs++
				if other, err := b.Get(t.Context(), e.Key); err != nil || other != e.Record {
					t.Errorf("%s: half a pair: %v", e.Key, err)
				}
			}
		}
		count, err := s.ApproxCount(t.Context())
		if err != nil || count != n || s == b && n != pairs {
			t.Errorf("view %d: %d records, counted %d, %d pairs, %v", name, n, count, pairs, err)
		}
	}
}
