package mongostore

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// splitGuard takes the application's version field out of what is written as it is. A tombstone has none.
func (s *Store[K, V]) splitGuard(c *change[K, V]) error {
	if s.guard == "" || c.Record.Deleted || c.Record.Version.IsUnstamped() {
		return nil
	}
	c.guard = int64Value(0)
	if err := s.countable(c.fields); err != nil {
		return err
	}
	for i, f := range c.fields {
		if f.name != s.guard {
			continue
		}
		if f.value.Type != bson.TypeInt32 && f.value.Type != bson.TypeInt64 {
			return fmt.Errorf("field %q is the guard and a %v: it has to be an integer", f.name, f.value.Type)
		}
		c.guard = f.value
		c.fields = slices.Delete(c.fields, i, i+1)
		break
	}
	return nil
}

// countable refuses names that are there twice: the expressions which count do not keep both.
func (s *Store[K, V]) countable(fields []element) error {
	if !s.codec.view.all {
		return nil
	}
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if seen[f.name] {
			return fmt.Errorf("field %q is there twice, which Options.Guard can not keep", f.name)
		}
		seen[f.name] = true
	}
	return nil
}

// comparesGuard tells whether a write was derived from a record that was read.
func comparesGuard[K, V any](c *change[K, V]) bool {
	return !c.guard.IsZero() && c.If.Kind == stores.KindIfStamp && !c.If.Version.IsAbsent()
}

// guardFilter demands the version that the value was derived from. No field counts as zero, as it does to Go.
func (s *Store[K, V]) guardFilter(c *change[K, V]) bson.D {
	if !comparesGuard(c) {
		return nil
	}
	want := bson.A{c.guard}
	if n, _ := wholeNumber(c.guard); n == 0 {
		want = append(want, nil)
	}
	return bson.D{{Key: s.guard, Value: bson.D{{Key: "$in", Value: want}}}}
}

func (s *Store[K, V]) guardHolds(c *change[K, V], doc bson.Raw) bool {
	if !comparesGuard(c) || doc == nil {
		return true
	}
	want, _ := wholeNumber(c.guard)
	stored := doc.Lookup(s.guard)
	have, whole := wholeNumber(stored)
	return have == want && (whole || stored.IsZero() || stored.Type == bson.TypeNull)
}

// guardedUpdate is update as a pipeline, which can count on from what is stored.
func (s *Store[K, V]) guardedUpdate(c *change[K, V]) []bson.D {
	counted := bson.D{{Key: "$add", Value: bson.A{bson.D{{Key: "$max", Value: bson.A{"$" + s.guard, c.guard}}}, 1}}}
	if s.codec.view.all {
		return []bson.D{{{Key: "$replaceWith", Value: bson.D{{Key: "$mergeObjects", Value: bson.A{
			literal(s.document(c)), bson.D{{Key: s.guard, Value: counted}},
		}}}}}}
	}
	set := bson.D{{Key: s.guard, Value: counted}}
	for _, f := range slices.Concat(c.shard, c.fields) {
		set = append(set, bson.E{Key: f.name, Value: literal(f.value)})
	}
	meta := openDocument(128)
	s.appendMeta(meta, c)
	set = append(set, bson.E{Key: s.codec.view.meta, Value: literal(meta.close().Lookup(s.codec.view.meta))})
	stages := []bson.D{{{Key: "$set", Value: set}}}
	if names := s.missing(c); len(names) > 0 {
		stages = append(stages, bson.D{{Key: "$unset", Value: names}})
	}
	return stages
}

func literal(v any) bson.D { return bson.D{{Key: "$literal", Value: v}} }

func plusOne(guard bson.RawValue) bson.RawValue {
	n, _ := wholeNumber(guard)
	return int64Value(n + 1)
}
