package boltstore

import (
	"fmt"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// job is what one caller waits for: operations that go into one transaction together.
type job struct {
	ops  []op
	size int  // bytes of keys and records
	pair bool // all of the ops or none

	err   error // of the commit, or why it was never begun with
	state jobState
	wake  chan struct{} // capacity 1: carried out, turned away, or the turn to lead

	buf []byte // keys and records
}

type jobState uint8

// The states of a job, guarded by the queue's mutex.
const (
	jobWaiting jobState = iota
	jobLeading          // its caller was told to lead
	jobTaken            // part of a commit, or turned away
)

type opKind uint8

const (
	opPut opKind = iota
	opPurge
	opCreate
	opRejected // never gets as far as the transaction; err says why
)

// op is one step of a transaction. Its slices stay untouched until the job is done.
type op struct {
	kind   opKind
	bucket []byte
	key    []byte
	rec    []byte
	cond   stores.Condition
	note   bool  // what is replaced becomes prev
	err    error // its own outcome, if the commit succeeds
}

// A job that grew larger than this is not kept for reuse.
const (
	keepBytes = 1 << 20
	keepOps   = 2 * chunkOps
)

var jobs = sync.Pool{New: func() any { return &job{wake: make(chan struct{}, 1)} }}

func newJob() *job { return jobs.Get().(*job) }

// free gives a job back that is done. Nothing of it may be used any more.
func (j *job) free() {
	if cap(j.buf) > keepBytes || cap(j.ops) > keepOps {
		return
	}
	clear(j.ops)
	*j = job{wake: j.wake, ops: j.ops[:0], buf: j.buf[:0]}
	jobs.Put(j)
}

// batch reports whether the job is one of the many writes of a batch. One write, and a pair, is what a service waits for.
func (j *job) batch() bool { return len(j.ops) > 2 }

func (j *job) add(o op) {
	j.ops = append(j.ops, o)
	j.size += len(o.key) + len(o.rec)
}

// reject notes an operation that is refused before it reaches the file.
func (j *job) reject(err error) { j.ops = append(j.ops, op{kind: opRejected, err: err}) }

// outcome is the answer for one operation.
func (j *job) outcome(i int) error {
	if o := &j.ops[i]; j.err == nil || o.kind == opRejected {
		return o.err
	}
	return j.err
}

// apply carries out the job in a transaction and tells whether it changed anything.
func (j *job) apply(tx *bbolt.Tx) (changed bool) {
	if j.pair && !j.holds(tx) {
		return false
	}
	for i := range j.ops {
		changed = j.ops[i].apply(tx) || changed
	}
	return changed
}

// holds tells whether every operation of a pair can be applied, and notes why not.
func (j *job) holds(tx *bbolt.Tx) bool {
	all := true
	for i := range j.ops {
		if o := &j.ops[i]; o.kind != opRejected {
			_, _, o.err = o.look(tx)
		}
		all = all && j.ops[i].err == nil
	}
	return all
}

// look evaluates the condition on what is stored.
func (o *op) look(tx *bbolt.Tx) (b *bbolt.Bucket, stored []byte, err error) {
	b = tx.Bucket(o.bucket)
	if b == nil {
		return nil, nil, stores.Permanent(fmt.Errorf("boltstore: the file has no view %q any more", o.bucket))
	}
	stored = b.Get(o.key)
	m, err := storedMeta(stored)
	if err != nil {
		return nil, nil, stores.Permanent(&stores.RecordError{Key: append([]byte(nil), o.key...), Err: err})
	}
	if !o.cond.Holds(m.Version) {
		return nil, nil, &stores.ConditionError{Stored: m}
	}
	return b, stored, nil
}

func (o *op) apply(tx *bbolt.Tx) (changed bool) {
	switch o.kind {
	case opRejected:
		return false
	case opCreate:
		_, err := tx.CreateBucketIfNotExists(o.bucket)
		o.err = stores.Permanent(err)
		return err == nil
	}
	b, stored, err := o.look(tx)
	if err == nil && o.note {
		o.rec, err = noting(o.rec, stored)
	}
	switch {
	case err != nil:
	case o.kind == opPurge:
		err = purge(b, o.key, stored)
	case stored == nil:
		err = insert(b, o.key, o.rec)
	default:
		err = b.Put(o.key, o.rec)
	}
	o.err = err
	return err == nil
}
