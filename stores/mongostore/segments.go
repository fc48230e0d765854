package mongostore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// idRange is a range of ids in BSON order: from on, before to, and after after. A bound that is not set is none.
type idRange struct{ from, to, after bson.RawValue }

// filter finds the documents of the range. A comparison in the query language only finds ids of the type that it names,
// so it is used where both ends are of one type; everything else compares as an expression, which knows the order of all types.
func (r *idRange) filter() bson.D {
	var f bson.D
	plain := bson.D{}
	var exprs bson.A
	sameType := sortsAs(r.from) == sortsAs(r.to) && !r.from.IsZero() && !notANumber(r.from)
	for _, b := range []struct {
		op    string
		value bson.RawValue
		plain bool
	}{
		{"$gte", r.from, sameType},
		{"$lt", r.to, sameType},
		{"$gt", r.after, sameType && sortsAs(r.after) == sortsAs(r.to) && !notANumber(r.after)},
	} {
		switch {
		case b.value.IsZero():
		case b.plain:
			plain = append(plain, bson.E{Key: b.op, Value: b.value})
		default:
			exprs = append(exprs, bson.D{{Key: b.op, Value: bson.A{"$_id", literal(b.value)}}})
		}
	}
	if len(plain) > 0 {
		f = append(f, bson.E{Key: "_id", Value: plain})
	}
	if len(exprs) > 0 {
		f = append(f, bson.E{Key: "$expr", Value: bson.D{{Key: "$and", Value: exprs}}})
	}
	if f == nil {
		return bson.D{}
	}
	return f
}

// notANumber sorts before all numbers, but in the query language it is neither smaller nor greater than any.
func notANumber(v bson.RawValue) bool {
	return v.Type == bson.TypeDouble && math.IsNaN(v.Double()) || v.Type == bson.TypeDecimal128 && v.Decimal128().IsNaN()
}

// sortsAs names the types that sort together.
func sortsAs(v bson.RawValue) bson.Type {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDecimal128:
		return bson.TypeDouble
	case bson.TypeSymbol:
		return bson.TypeString
	default:
		return v.Type
	}
}

// segment is the text of a range, for checkpoints.
func (r *idRange) segment() stores.Segment {
	d := openDocument(64)
	if !r.from.IsZero() {
		d.append("from", r.from)
	}
	if !r.to.IsZero() {
		d.append("to", r.to)
	}
	return stores.Segment(base64.RawURLEncoding.EncodeToString(d.close()))
}

func parseSegment(seg stores.Segment) (r idRange, err error) {
	if seg == "" {
		return r, nil
	}
	doc, err := base64.RawURLEncoding.DecodeString(string(seg))
	if err == nil {
		err = walk(doc, func(name string, v bson.RawValue) error {
			switch name {
			case "from":
				r.from = v
			case "to":
				r.to = v
			default:
				return errors.New("it has other fields")
			}
			return nil
		})
	}
	if err != nil {
		return r, stores.Permanent(fmt.Errorf("%q is no segment of this store: %w", seg, err))
	}
	return r, nil
}

// sampled is how many ids are looked at for each segment, so that their sizes differ by about a fifth.
const sampled = 32

// Segments implements [stores.Segmenter]: ranges of ids that hold about as many documents each now, by a random sample.
func (s *Store[K, V]) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if n <= 1 {
		return []stores.Segment{""}, nil
	}
	ids, err := s.sample(ctx, n*sampled)
	if err != nil {
		return nil, s.at(nil, classify(err))
	}
	var segs []stores.Segment
	var r idRange
	for _, bound := range quantiles(ids, n) {
		r.to = bound
		segs = append(segs, r.segment())
		r.from = bound
	}
	r.to = bson.RawValue{}
	return append(segs, r.segment()), nil
}

// sample is some ids, in order. It may name one twice.
func (s *Store[K, V]) sample(ctx context.Context, n int) ([]bson.RawValue, error) {
	cursor, err := s.coll.Aggregate(ctx, []bson.D{
		{{Key: "$sample", Value: bson.D{{Key: "size", Value: n}}}},
		{{Key: "$project", Value: bson.D{{Key: "_id", Value: 1}}}},
		{{Key: "$sort", Value: bson.D{{Key: "_id", Value: 1}}}},
	})
	if err != nil {
		return nil, err
	}
	var docs []bson.Raw
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	ids := make([]bson.RawValue, len(docs))
	for i, doc := range docs {
		ids[i] = doc.Lookup("_id")
	}
	return ids, nil
}

// quantiles picks up to n-1 different bounds between n parts of sorted ids. The first id is none: nothing is before it.
func quantiles(ids []bson.RawValue, n int) []bson.RawValue {
	ids = slices.CompactFunc(ids, bson.RawValue.Equal)
	var bounds []bson.RawValue
	last := 0
	for i := 1; i < n; i++ {
		if at := i * len(ids) / n; at > last {
			bounds = append(bounds, ids[at])
			last = at
		}
	}
	return bounds
}
