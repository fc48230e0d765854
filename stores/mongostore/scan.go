package mongostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

// scanBatch is how many documents the server sends at a time.
const scanBatch = 1000

// Scan implements [stores.Store], in the order of _id. It is one cursor; if the server gives that up (the loop body was
// busy for ten minutes, another node became primary), the scan goes on with another one from where it was.
func (s *Store[K, V]) Scan(ctx context.Context, seg stores.Segment, after []byte) iter.Seq2[stores.Entry[K, V], error] {
	return s.scanAs(ctx, seg, after, s.full())
}

func (s *Store[K, V]) scanAs(ctx context.Context, seg stores.Segment, after []byte, as reading[V]) iter.Seq2[stores.Entry[K, V], error] {
	return func(yield func(stores.Entry[K, V], error) bool) {
		if err := s.scan(ctx, seg, after, as, yield); err != nil {
			yield(stores.Entry[K, V]{}, err)
		}
	}
}

// scan returns the error that ends it, or nil at the end or when the loop body does not want more.
func (s *Store[K, V]) scan(ctx context.Context, seg stores.Segment, after []byte, as reading[V], yield func(stores.Entry[K, V], error) bool) error {
	ctx, err := s.enter(ctx)
	if err != nil {
		return err
	}
	r, err := parseSegment(seg)
	if err != nil {
		return s.at(nil, err)
	}
	if after != nil {
		if r.after, err = s.position(after); err != nil {
			return s.at(nil, stores.Permanent(fmt.Errorf("no key to go on after: %w", err)))
		}
	}
	for failed := 0; ; {
		before := r.after
		left, err := s.scanCursor(ctx, &r, as, yield)
		if err == nil && !left {
			err = s.sameCollection(ctx)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !r.after.Equal(before):
			failed = 0
		}
		if failed++; failed == tries || !resumable(err) {
			return s.at(nil, classify(err))
		}
		if err := stores.Backoff(stores.DefaultBackoff).Wait(ctx, failed); err != nil {
			return err
		}
	}
}

// scanCursor yields what one cursor finds, and moves r.after along. It tells whether the loop body has left.
func (s *Store[K, V]) scanCursor(ctx context.Context, r *idRange, as reading[V], yield func(stores.Entry[K, V], error) bool) (left bool, err error) {
	o := options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetBatchSize(scanBatch)
	if as.fields != nil {
		o.SetProjection(as.fields)
	}
	cursor, err := s.coll.Find(ctx, r.filter(), o)
	if err != nil {
		return false, err
	}
	defer closeCursor(ctx, cursor)
	counts := stores.ExpiryCountsOf(ctx)
	var lost typeshape.Lost
	for cursor.Next(ctx) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		found := cursor.Current.Lookup("_id")
		r.after = bson.RawValue{Type: found.Type, Value: bytes.Clone(found.Value)}
		e, err := s.entry(cursor.Current, as)
		if as.noting && err == nil && e.Record.Live() {
			s.note(&lost, cursor.Current, e.Record)
			e.Lost = lost.Take()
		}
		if err == nil && !e.Record.Live() {
			s.countExpiry(counts, cursor.Current, e.Record.Meta)
			if e.Record.Version.IsAbsent() {
				continue
			}
		}
		if !yield(e, err) {
			return true, nil
		}
	}
	return false, cursor.Err()
}

// closeCursor takes a second for it at most, also where nobody answers. The server gives up cursors that are not closed.
func closeCursor(ctx context.Context, cursor *mongo.Cursor) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = cursor.Close(ctx)
}

// entry decodes a document for a scan. The error is a *[stores.RecordError].
func (s *Store[K, V]) entry(doc bson.Raw, as reading[V]) (stores.Entry[K, V], error) {
	key, canon, err := s.keyOf(doc.Lookup("_id"))
	if err != nil {
		return stores.Entry[K, V]{}, &stores.RecordError{Key: canon, Foreign: true, Err: s.at(nil, err)}
	}
	r, err := as.record(doc, canon)
	return stores.Entry[K, V]{Key: key, Record: r}, err
}

// resumable tells an error of a cursor that another cursor may not have: the connection, the cursor or the primary is gone.
func resumable(err error) bool {
	var command mongo.CommandError
	var pool driver.RetryablePoolError
	return mongo.IsNetworkError(err) || errors.As(err, &pool) && pool.Retryable() || errors.As(err, &command) &&
		(slices.Contains(cursorGone, int(command.Code)) || command.HasErrorLabel("RetryableError"))
}
