package boltstore

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// A batch goes into transactions of at most this many keys, and of about so many bytes.
const (
	chunkOps   = 1000
	chunkBytes = 4 << 20
)

// GetMany reads many keys, a thousand in one transaction. See stores.BatchReader.
func (s *Store[K, V]) GetMany(ctx context.Context, keys []K) ([]stores.Result[V], error) {
	res := make([]stores.Result[V], len(keys))
	for at := 0; at < len(keys); at += chunkOps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(at+chunkOps, len(keys))
		if err := s.getChunk(keys[at:end], res[at:end]); err != nil {
			return nil, err
		}
	}
	return res, nil
}

func (s *Store[K, V]) getChunk(keys []K, res []stores.Result[V]) error {
	canonical := make([][]byte, len(keys))
	for i, key := range keys {
		canonical[i], res[i].Err = s.appendKey(nil, key)
	}
	raw := make([][]byte, len(keys))
	err := s.read(func(b *bbolt.Bucket) error {
		for i, k := range canonical {
			if res[i].Err == nil {
				raw[i] = bytes.Clone(b.Get(k))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range raw {
		if res[i].Err == nil {
			res[i].Record, res[i].Err = s.decode(canonical[i], raw[i])
		}
	}
	return nil
}

// PutMany carries out many conditional writes, a thousand in one transaction. See stores.BatchWriter. When ctx ends or
// the file is closed half way, the writes of the transactions that were not begun get that as their error.
func (s *Store[K, V]) PutMany(ctx context.Context, writes []stores.Write[K, V]) ([]error, error) {
	return s.inChunks(ctx, len(writes), func(j *job, i int) error { return s.add(j, &writes[i]) })
}

// Purge removes the SDK's traces, a thousand records in one transaction. See stores.Purger. A target without a stamp is
// an error that Is stores.ErrPermanent.
func (s *Store[K, V]) Purge(ctx context.Context, targets []stores.PurgeTarget[K]) ([]error, error) {
	return s.inChunks(ctx, len(targets), func(j *job, i int) error { return s.addPurge(j, &targets[i]) })
}

func (s *Store[K, V]) addPurge(j *job, t *stores.PurgeTarget[K]) error {
	if _, stamped := t.Version.Stamp(); !stamped {
		return stores.Permanent(fmt.Errorf("boltstore: a purge names the record's stamp, not %v", t.Version))
	}
	at := len(j.buf)
	buf, err := s.appendKey(j.buf, t.Key)
	if err != nil {
		return err
	}
	j.buf = buf
	j.add(op{kind: opPurge, bucket: s.bucket, key: buf[at:], cond: stores.IfStamp(t.Version)})
	return nil
}

// inChunks carries out n operations that add puts into jobs.
func (s *Store[K, V]) inChunks(ctx context.Context, n int, add func(*job, int) error) ([]error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.db.writes.open(); err != nil {
		return nil, err
	}
	errs := make([]error, n)
	for at := 0; at < n; {
		at += s.chunk(ctx, errs[at:], func(j *job, i int) error { return add(j, at+i) })
	}
	return errs, nil
}

// chunk carries out one transaction and returns how many operations it took.
func (s *Store[K, V]) chunk(ctx context.Context, errs []error, add func(*job, int) error) (taken int) {
	j := newJob()
	defer j.free()
	for taken < min(len(errs), chunkOps) && j.size < chunkBytes {
		if err := add(j, taken); err != nil {
			j.reject(err)
		}
		taken++
	}
	s.db.writes.do(ctx, j)
	for i := range j.ops {
		errs[i] = j.outcome(i)
	}
	return taken
}
