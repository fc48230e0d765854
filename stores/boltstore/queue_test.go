package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// gate is a commit that waits to be let through and remembers what it was given.
type gate struct {
	open    chan error
	batches [][]*job
}

func newGate() (*gate, *queue) {
	g, q := &gate{open: make(chan error)}, &queue{}
	q.init(func(batch []*job) error {
		g.batches = append(g.batches, slices.Clone(batch))
		return <-g.open
	})
	return g, q
}

func newTestJob(size int) *job {
	return &job{wake: make(chan struct{}, 1), ops: make([]op, 1), size: size}
}

// start runs do in a goroutine of the bubble and waits until it can not go on.
func start(ctx context.Context, q *queue, j *job) {
	go q.do(ctx, j)
	synctest.Wait()
}

func TestWaitingWritesShareOneCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, q := newGate()
		var js []*job
		for range 100 {
			js = append(js, newTestJob(1))
			start(t.Context(), q, js[len(js)-1])
		}
		g.open <- nil
		synctest.Wait()
		g.open <- nil
		synctest.Wait()
		if len(g.batches) != 2 || !slices.Equal(g.batches[0], js[:1]) || !slices.Equal(g.batches[1], js[1:]) {
			t.Errorf("%d commits", len(g.batches))
		}
		q.close()
	})
}

func TestTransactionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, q := newGate()
		start(t.Context(), q, newTestJob(1))
		for _, size := range []int{maxBatchBytes + 1, 1, maxBatchBytes, maxBatchBytes / 2, maxBatchBytes / 2} {
			start(t.Context(), q, newTestJob(size))
		}
		var got []int
		for range 5 {
			g.open <- nil
			synctest.Wait()
		}
		for _, b := range g.batches {
			got = append(got, len(b))
		}
		if want := []int{1, 1, 1, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("jobs in each commit: %v, want %v", got, want)
		}
		q.close()
	})
}

func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, q := newGate()
		ctx, cancel := context.WithCancel(t.Context())
		first, gone, stays := newTestJob(1), newTestJob(1), newTestJob(1)
		start(ctx, q, first)
		start(ctx, q, gone)
		start(t.Context(), q, stays)
		cancel()
		synctest.Wait()
		if outcome, _ := stores.OutcomeOf(gone.err); !errors.Is(gone.err, context.Canceled) || outcome != stores.OutcomeFailed {
			t.Errorf("the waiting one got %v", gone.err)
		}
		if first.err != nil {
			t.Errorf("the one under way did not wait for its outcome: %v", first.err)
		}
		g.open <- nil
		synctest.Wait()
		g.open <- nil
		synctest.Wait()
		if len(g.batches) != 2 || !slices.Equal(g.batches[1], []*job{stays}) || first.err != nil || stays.err != nil {
			t.Errorf("batches %v, errors %v, %v", g.batches, first.err, stays.err)
		}
		q.close()
	})
}

// TestCancelledWithinACommit: whoever is part of a commit waits for its outcome, also if somebody else leads it.
func TestCancelledWithinACommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, q := newGate()
		ctx, cancel := context.WithCancel(t.Context())
		first, leader, follower := newTestJob(1), newTestJob(1), newTestJob(1)
		start(t.Context(), q, first)
		start(t.Context(), q, leader)
		returned := false
		go func() {
			q.do(ctx, follower)
			returned = true
		}()
		synctest.Wait()
		g.open <- nil // the second commit begins, of leader and follower
		synctest.Wait()
		cancel()
		synctest.Wait()
		if returned || len(g.batches) != 2 || !slices.Equal(g.batches[1], []*job{leader, follower}) {
			t.Errorf("after %d commits the follower has an answer: %v, %v", len(g.batches), returned, follower.err)
		}
		g.open <- nil
		synctest.Wait()
		if !returned || follower.err != nil {
			t.Errorf("the follower got %v", follower.err)
		}
		q.close()
	})
}

// TestCancelledFollowers: whoever is cancelled at whatever moment, the lead is never lost and each outcome is exact.
func TestCancelledFollowers(t *testing.T) {
	t.Parallel()
	s := notes(t, open(t), "v")
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				key := fmt.Sprintf("%d-%d", g, i)
				go cancel()
				err := s.Put(ctx, write{Key: key, Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))})
				_, gerr := s.Get(t.Context(), key)
				outcome, _ := stores.OutcomeOf(err)
				switch {
				case err == nil && gerr == nil:
				case outcome == stores.OutcomeFailed && errors.Is(gerr, stores.ErrNotFound):
				default:
					t.Errorf("put: %v, get: %v", err, gerr)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

func TestCloseWaitsForWritesUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, q := newGate()
		a, b := newTestJob(1), newTestJob(1)
		start(t.Context(), q, a)
		start(t.Context(), q, b)
		closed := false
		go func() { q.close(); closed = true }()
		synctest.Wait()
		late := newTestJob(1)
		q.do(t.Context(), late)
		if !errors.Is(late.err, stores.ErrClosed) {
			t.Errorf("a write after close: %v", late.err)
		}
		for range 2 {
			if closed {
				t.Error("closed with a write under way")
			}
			g.open <- nil
			synctest.Wait()
		}
		if !closed || a.err != nil || b.err != nil || len(g.batches) != 2 {
			t.Error(closed, a.err, b.err, len(g.batches))
		}
	})
}

func TestFailedCommit(t *testing.T) {
	t.Parallel()
	full := &fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}
	for name, c := range map[string]struct {
		err  error
		goes bool // whether later writes are tried
	}{
		"disk full":          {fmt.Errorf("commit: %w", full), true},
		"write error":        {&fs.PathError{Op: "write", Path: "f", Err: syscall.EIO}, false},
		"fsync":              {syscall.EIO, false},
		"fsync of full disk": {syscall.ENOSPC, false},
		"panic":              {errors.New("bbolt panicked"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { failedCommit(t, c.err, c.goes) })
		})
	}
}

func failedCommit(t *testing.T, cause error, goes bool) {
	g, q := newGate()
	first, waiting, batch, later := newTestJob(1), newTestJob(1), newTestBatch(3), newTestJob(1)
	start(t.Context(), q, first)
	start(t.Context(), q, batch)
	start(t.Context(), q, waiting)
	g.open <- cause
	synctest.Wait()
	if outcome, _ := stores.OutcomeOf(first.err); outcome != stores.OutcomeUnknown || !errors.Is(first.err, cause) {
		t.Errorf("the write in the commit: %v", first.err)
	}
	if goes {
		for range 2 {
			g.open <- nil
			synctest.Wait()
		}
		go q.do(t.Context(), later)
		g.open <- nil
		synctest.Wait()
	} else {
		q.do(t.Context(), later)
	}
	for _, j := range []*job{waiting, batch, later} {
		if outcome, _ := stores.OutcomeOf(j.err); goes && j.err != nil ||
			!goes && (outcome != stores.OutcomeFailed || !errors.Is(j.err, ErrDamaged) || !errors.Is(j.err, cause)) {
			t.Errorf("a write behind it: %v", j.err)
		}
	}
	q.close()
}

// TestFailingDisk: the file is opened in a way that no write to it can succeed.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	db, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, notes(t, db, "v"), 10)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = Open(path, &Options{openFile: func(name string, _ int, mode os.FileMode) (*os.File, error) {
		return os.OpenFile(name, os.O_RDONLY, mode)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it can not succeed
	s := notes(t, db, "v")
	w := write{Key: "k00003", Record: live(stamp(2), stores.Unknown, 99), If: stores.IfOlder(stamp(2))}
	if outcome, _ := stores.OutcomeOf(s.Put(t.Context(), w)); outcome != stores.OutcomeUnknown {
		t.Errorf("outcome %v of a write whose commit failed", outcome)
	}
	if err := s.Put(t.Context(), w); !errors.Is(err, ErrDamaged) || !errors.Is(err, stores.ErrTransient) {
		t.Errorf("the next one: %v", err)
	}
	if _, err := s.PutMany(t.Context(), []write{w}); !errors.Is(err, ErrDamaged) {
		t.Errorf("the next batch: %v", err)
	}
	if r, err := s.Get(t.Context(), "k00003"); err != nil || r.Value.N != 3 {
		t.Errorf("a read: %v, %v", r, err)
	}
}

// TestRefusalsOfAFailedCommit: what a write was refused by may have been in the same transaction, which was not committed, so the
// refusal is as unknown as the commit. What never got as far as the transaction has its own answer.
func TestRefusalsOfAFailedCommit(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := notes(t, db, "v")
	commit := db.writes.commit
	db.writes.commit = func(jobs []*job) error { return errors.Join(commit(jobs), syscall.EIO) }
	writes := []write{
		{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)},
		{Key: "k", Record: live(stamp(2), stores.Absent, 2), If: stores.IfStamp(stores.Absent)},
		{Key: "other", Record: live(stamp(3), stores.Absent, 3), If: stores.Condition{}},
	}
	errs, err := s.PutMany(t.Context(), writes)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []stores.Outcome{stores.OutcomeUnknown, stores.OutcomeUnknown, stores.OutcomeRejected} {
		if got, _ := stores.OutcomeOf(errs[i]); got != want {
			t.Errorf("write %d: outcome %v, %v", i, got, errs[i])
		}
	}
}

// TestPanicInBolt: a view whose bucket is a plain value makes bbolt stumble; the caller gets an error.
func TestPanicInBolt(t *testing.T) {
	t.Parallel()
	db := open(t)
	j := newTestJob(1)
	j.ops = []op{{kind: opPut, bucket: []byte("v"), key: []byte("k")}}
	db.writes.commit = func([]*job) error { return db.commit([]*job{nil}) }
	db.writes.do(t.Context(), j)
	if outcome, _ := stores.OutcomeOf(j.err); outcome != stores.OutcomeUnknown {
		t.Errorf("got %v", j.err)
	}
	if err := db.bolt.Update(func(*bbolt.Tx) error { return nil }); err != nil {
		t.Errorf("the transaction was left open: %v", err)
	}
}

// TestRefusalsCostNoCommit: a transaction that changes nothing is rolled back.
func TestRefusalsCostNoCommit(t *testing.T) {
	t.Parallel()
	db := open(t)
	s := notes(t, db, "v")
	fill(t, s, 1)
	before := txid(t, db)
	err := s.Put(t.Context(), write{Key: "k00000", Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))})
	if outcome, _ := stores.OutcomeOf(err); outcome != stores.OutcomeRefused {
		t.Fatal(err)
	}
	if after := txid(t, db); after != before {
		t.Errorf("%d commits for a refusal", after-before)
	}
}

func txid(t testing.TB, db *DB) (id int) {
	t.Helper()
	if err := db.view(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}
