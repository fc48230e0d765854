package copier

import (
	"context"
	"errors"

	"github.com/dualwrite/dualwrite/stores"
)

// pair is what both places hold under one key, old read before new.
type pair[K, V any] struct {
	key      K
	canon    []byte
	old, new stores.Record[V]
	place    string // of err
	err      error  // a record could not be read
}

// broken tells that the record is there and is no valid one, as against a read that failed and may work later.
func (x *pair[K, V]) broken() bool { return isBroken(x.err) }

func isBroken(err error) bool { return isUndecodable(err) || errors.Is(err, stores.ErrPermanent) }

func isUndecodable(err error) bool { return undecodable(err) != nil }

// undecodable is the record that err says does not decode, or nil.
func undecodable(err error) *stores.RecordError {
	var bad *stores.RecordError
	errors.As(err, &bad)
	return bad
}

// finding describes the pair as a finding.
func (x *pair[K, V]) finding(kind Kind, err error) Finding {
	return Finding{Kind: kind, Key: x.canon, Old: x.old.Meta, New: x.new.Meta, Err: err}
}

// unreadable describes the pair that could not be read.
func (x *pair[K, V]) unreadable() Finding {
	kind := KindFailed
	if x.broken() {
		kind = KindUndecodable
	}
	return Finding{Kind: kind, Key: x.canon, Place: x.place, Err: x.err}
}

// readMany reads keys of one place.
func (p *pass[K, V]) readMany(ctx context.Context, s stores.Store[K, V], keys []K) ([]stores.Result[V], error) {
	return p.read(ctx, s, keys, stores.GetMany[K, V])
}

// read reads keys with GetMany or GetMetas. A call that fails as a whole is repeated; the error is for what ends the pass.
func (p *pass[K, V]) read(ctx context.Context, s stores.Store[K, V], keys []K,
	get func(context.Context, stores.Store[K, V], []K) ([]stores.Result[V], error)) (res []stores.Result[V], err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = p.try(ctx, func() (err error) {
		res, err = get(ctx, s, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range res {
		if err := res[i].Err; err != nil && (errors.Is(err, stores.ErrClosed) || ctx.Err() != nil) {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
	return res, nil
}

// readPairs reads keys in both places: old first, and new only when old has answered.
func (p *pass[K, V]) readPairs(ctx context.Context, old, new stores.Store[K, V], keys []K, canon [][]byte) ([]pair[K, V], error) {
	olds, err := p.readMany(ctx, old, keys)
	if err != nil {
		return nil, err
	}
	news, err := p.readMany(ctx, new, keys)
	if err != nil {
		return nil, err
	}
	pairs := make([]pair[K, V], len(keys))
	for i := range pairs {
		x := &pairs[i]
		x.key, x.canon = keys[i], canon[i]
		if x.old, x.err = stores.OrAbsent(olds[i].Record, olds[i].Err); x.err != nil {
			x.place = placeOld
			continue
		}
		if x.new, x.err = stores.OrAbsent(news[i].Record, news[i].Err); x.err != nil {
			x.place = placeNew
		}
	}
	return pairs, nil
}

// parseKeys is the way back from canonical keys.
func parseKeys[K any](codec stores.KeyCodec[K], canon [][]byte) ([]K, error) {
	keys := make([]K, len(canon))
	for i, b := range canon {
		k, err := codec.Parse(b)
		if err != nil {
			return nil, &stores.Error{Op: "parse", Key: stores.FormatKey(b), Err: err}
		}
		keys[i] = k
	}
	return keys, nil
}
