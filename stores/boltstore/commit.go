package boltstore

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

var errUnchanged = errors.New("nothing to commit")

// commit carries out jobs in one transaction. An error means that the outcome of all of them is unknown. A transaction
// in which every write was refused costs no fsync: what the refusals are based on is durable already.
func (d *DB) commit(batch []*job) (err error) {
	defer func() {
		if p := recover(); p != nil { // bbolt found its file broken; other callers wait for an answer
			err = fmt.Errorf("boltstore: commit: bbolt panicked: %v", p)
		}
	}()
	err = d.bolt.Update(func(tx *bbolt.Tx) error {
		changed := false
		for _, j := range batch {
			changed = j.apply(tx) || changed
		}
		if !changed {
			return errUnchanged
		}
		return nil
	})
	if err == nil || errors.Is(err, errUnchanged) {
		return nil
	}
	return fmt.Errorf("boltstore: commit: %w", err)
}

// insert and purge keep the bucket's sequence number equal to the number of its records. An error of bbolt here comes
// before any change: it looks at its arguments first.
func insert(b *bbolt.Bucket, key, rec []byte) error {
	if err := b.Put(key, rec); err != nil {
		return stores.Permanent(err)
	}
	return b.SetSequence(b.Sequence() + 1)
}

func purge(b *bbolt.Bucket, key, stored []byte) error {
	m, value, err := cutMeta(stored)
	if err != nil {
		return stores.Permanent(err)
	}
	if !m.Deleted {
		bare := appendMeta(make([]byte, 0, 3+len(value)), stores.Meta{Version: stores.Unstamped})
		return b.Put(key, append(bare, value...))
	}
	if err := b.Delete(key); err != nil {
		return stores.Permanent(err)
	}
	return b.SetSequence(b.Sequence() - 1)
}
