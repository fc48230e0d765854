package boltstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// newTestBatch is a job of so many operations.
func newTestBatch(ops int) *job {
	j := newTestJob(1)
	j.ops = make([]op, ops)
	return j
}

// line is a queue whose every commit is let through by hand. Jobs have names, in the order in which they come.
type line struct {
	t     *testing.T
	g     *gate
	q     *queue
	names map[*job]string
}

func newLine(t *testing.T) *line {
	g, q := newGate()
	return &line{t: t, g: g, q: q, names: map[*job]string{}}
}

// comes lines up a job of so many operations.
func (l *line) comes(name string, ops int) {
	j := newTestBatch(ops)
	l.names[j] = name
	start(l.t.Context(), l.q, j)
}

// commit lets the commit that is under way through, and expects these to be in the next one.
func (l *line) commit(next ...string) {
	l.t.Helper()
	l.letThrough()
	var got []string
	for _, j := range l.g.batches[len(l.g.batches)-1] {
		got = append(got, l.names[j])
	}
	if !slices.Equal(got, next) {
		l.t.Errorf("commit %d has %v, want %v", len(l.g.batches), got, next)
	}
}

// letThrough reports whether there was a commit to let through.
func (l *line) letThrough() bool {
	select {
	case l.g.open <- nil:
	default:
		return false
	}
	synctest.Wait()
	return true
}

// end lets the last commit through. There must be no other.
func (l *line) end() {
	l.t.Helper()
	for n := 0; l.letThrough(); n++ {
		if n > 0 {
			l.t.Errorf("there is one more commit")
		}
	}
	l.q.close()
}

// TestWritesGoBeforeBatches: a write that comes behind batches is in the next commit, and without them; so is a pair.
func TestWritesGoBeforeBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.comes("first", 500)
		for _, name := range []string{"batch 1", "batch 2", "batch 3"} {
			l.comes(name, 500)
		}
		l.comes("write 1", 1)
		l.comes("pair", 2)
		l.comes("write 2", 1)
		l.commit("write 1", "pair", "write 2")
		l.commit("batch 1", "batch 2")
		l.commit("batch 3")
		l.end()
	})
}

// TestBatchesDoNotStarve: with writes in line all the time each second commit takes the batch that has waited longest,
// no other batch, and the writes that wait.
func TestBatchesDoNotStarve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.comes("write 0", 1)
		l.comes("batch 1", 500)
		l.comes("batch 2", 500)
		l.comes("write 1", 1)
		l.commit("write 1")
		l.comes("write 2", 1)
		l.commit("batch 1", "write 2")
		l.comes("write 3", 1)
		l.comes("batch 3", 500)
		l.comes("write 4", 1)
		l.commit("write 3", "write 4")
		l.comes("write 5", 1)
		l.commit("batch 2", "write 5")
		l.comes("write 6", 1)
		l.commit("write 6")
		l.commit("batch 3")
		l.end()
	})
}

// TestOneCommitIsShort: a write that comes waits for the commit under way, however many batches are in line. What is in one
// commit is bounded.
func TestOneCommitIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.comes("first", 500)
		for _, name := range []string{"a", "b", "c", "d"} {
			l.comes(name, 500)
		}
		l.commit("a", "b")
		l.comes("write", 1)
		l.commit("write")
		l.commit("c", "d")
		l.comes("long", maxBatchOps-1)
		for _, name := range []string{"write 1", "write 2", "write 3"} {
			l.comes(name, 1)
		}
		l.comes("more", 3)
		l.commit("write 1", "write 2", "write 3")
		l.comes("write 4", 1)
		l.comes("write 5", 1)
		l.commit("long", "write 4")
		l.commit("write 5")
		l.commit("more")
		l.end()
	})
}

// TestBatchGivesUpItsPlace: a batch that is withdrawn leaves no turn behind.
func TestBatchGivesUpItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.comes("w0", 1)
		ctx, cancel := context.WithCancel(t.Context())
		gone := newTestBatch(500)
		start(ctx, l.q, gone)
		l.comes("w1", 1)
		cancel()
		synctest.Wait()
		if !errors.Is(gone.err, context.Canceled) {
			t.Errorf("the batch got %v", gone.err)
		}
		l.commit("w1")
		l.end()
	})
}
