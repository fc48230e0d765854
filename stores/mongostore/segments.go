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

// filter finds the documents of the range. In the query language a comparison only finds ids of the type that it names;
// those of the types that sort above or below come in by their type.
func (r *idRange) filter() bson.D {
	var plain bson.D
	var all []bson.D
	for _, b := range []struct {
		op    string
		value bson.RawValue
		above bool
	}{{"$gte", r.from, true}, {"$gt", r.after, true}, {"$lt", r.to, false}} {
		if b.value.IsZero() {
			continue
		}
		compared := bson.E{Key: b.op, Value: b.value}
		if r.withNaN(b.value, b.above) {
			all = append(all, bson.D{{Key: "$expr", Value: bson.D{{Key: b.op, Value: bson.A{"$_id", literal(b.value)}}}}})
			continue
		}
		if others := r.others(b.value, b.above); others == nil {
			plain = append(plain, compared)
		} else {
			all = append(all, anyOf(bson.D{{Key: "_id", Value: bson.D{compared}}}, bson.D{{Key: "_id", Value: bson.D{{Key: "$type", Value: others}}}}))
		}
	}
	if plain != nil {
		all = append(all, bson.D{{Key: "_id", Value: plain}})
	}
	switch len(all) {
	case 0:
		return bson.D{}
	case 1:
		return all[0]
	default:
		return bson.D{{Key: "$and", Value: all}}
	}
}

// withNaN tells whether a bound is NaN, or among the numbers that it lets through there may be NaN: only an expression
// compares with that.
func (r *idRange) withNaN(bound bson.RawValue, above bool) bool {
	if notANumber(bound) {
		return true
	}
	number := func(v bson.RawValue) bool { return v.IsNumber() && !notANumber(v) }
	return !above && bound.IsNumber() && !number(r.from) && !number(r.after)
}

// notANumber sorts before all numbers, but in the query language it is neither smaller nor greater than any.
func notANumber(v bson.RawValue) bool {
	return v.Type == bson.TypeDouble && math.IsNaN(v.Double()) || v.Type == bson.TypeDecimal128 && v.Decimal128().IsNaN()
}

// others are the types above or below that of a bound and within the range.
func (r *idRange) others(bound bson.RawValue, above bool) bson.A {
	from, to := rank(bound)+1, len(typeOrder)
	if !above {
		from, to = 0, rank(bound)
	}
	for _, limit := range []bson.RawValue{r.from, r.after} {
		if !limit.IsZero() {
			from = max(from, rank(limit))
		}
	}
	if !r.to.IsZero() {
		to = min(to, rank(r.to)+1)
	}
	var types bson.A
	for i := from; i < to; i++ {
		for _, t := range typeOrder[i] {
			types = append(types, int32(int8(t))) // MinKey is -1
		}
	}
	return types
}

// typeOrder is how BSON sorts the types that an _id may have; those of one group are compared with each other.
var typeOrder = [][]bson.Type{
	{bson.TypeMinKey},
	{bson.TypeNull},
	{bson.TypeDouble, bson.TypeInt32, bson.TypeInt64, bson.TypeDecimal128},
	{bson.TypeString, bson.TypeSymbol},
	{bson.TypeEmbeddedDocument},
	{bson.TypeBinary},
	{bson.TypeObjectID},
	{bson.TypeBoolean},
	{bson.TypeDateTime},
	{bson.TypeTimestamp},
	{bson.TypeDBPointer},
	{bson.TypeJavaScript},
	{bson.TypeCodeWithScope},
	{bson.TypeMaxKey},
}

func rank(v bson.RawValue) int {
	return slices.IndexFunc(typeOrder, func(types []bson.Type) bool { return slices.Contains(types, v.Type) })
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
		err = walk(doc, func(name []byte, v bson.RawValue) error {
			switch string(name) {
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

// Segments implements [stores.Segmenter]: ranges of ids that hold about as many documents each now, by a random
// sample, which the store keeps as long as the collection has not doubled or halved.
func (s *Store[K, V]) Segments(ctx context.Context, n int) ([]stores.Segment, error) {
	ctx, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	bounds, err := s.bounds(ctx, n)
	if err != nil {
		return nil, err
	}
	segs := make([]stores.Segment, 0, len(bounds)+1)
	var r idRange
	for _, bound := range bounds {
		r.to = bound
		segs = append(segs, r.segment())
		r.from = bound
	}
	r.to = bson.RawValue{}
	return append(segs, r.segment()), nil
}
