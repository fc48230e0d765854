package example

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/copier"
)

// Clean is nil if a pass of the copier has nothing to report, and otherwise says what.
func Clean(r copier.Report, err error) error {
	if err == nil && !r.Clean() {
		err = fmt.Errorf("%s is not clean: %q, first of all %v", r.Op, r.Reasons(), r.Findings)
	}
	return err
}

// wrongShown is how many documents that are not as they should be an error names.
const wrongShown = 5

// Compare compares a collection with the documents that it has to hold, by the plain driver: none missing, none more, each
// with exactly these fields, every value byte for byte. The order of fields does not count. The documents wanted are by _id,
// which they need not have.
func Compare[K comparable](ctx context.Context, coll *mongo.Collection, want map[K]bson.D) error {
	cursor, err := coll.Find(ctx, bson.D{})
	if err != nil {
		return err
	}
	defer cursor.Close(ctx) //nolint:errcheck // it was read to its end, or there is an error already
	seen := make(map[K]bool, len(want))
	var wrong []error
	for cursor.Next(ctx) && len(wrong) < wrongShown {
		var id K
		if err := cursor.Current.Lookup("_id").Unmarshal(&id); err != nil {
			return err
		}
		seen[id] = true
		if doc, ok := want[id]; !ok {
			wrong = append(wrong, fmt.Errorf("document %v should not be there: %v", id, cursor.Current))
		} else if err := same(cursor.Current, doc); err != nil {
			wrong = append(wrong, fmt.Errorf("document %v: %w: %v", id, err, cursor.Current))
		}
	}
	if len(wrong) == 0 {
		for id := range want {
			if !seen[id] {
				wrong = append(wrong, fmt.Errorf("document %v is missing", id))
			}
		}
	}
	return errors.Join(append(wrong[:min(len(wrong), wrongShown)], cursor.Err())...)
}

// same compares the fields of a document apart from _id.
func same(got bson.Raw, want bson.D) error {
	elements, err := got.Elements()
	if err != nil {
		return err
	}
	left := slices.Clone(want)
	for _, e := range elements {
		if e.Key() == "_id" {
			continue
		}
		i := slices.IndexFunc(left, func(f bson.E) bool { return f.Key == e.Key() })
		if i < 0 {
			return fmt.Errorf("field %q should not be there", e.Key())
		}
		doc, err := bson.Marshal(bson.D{left[i]})
		if err != nil {
			return err
		}
		if value := bson.Raw(doc).Lookup(e.Key()); !e.Value().Equal(value) {
			return fmt.Errorf("field %q is not %v", e.Key(), left[i].Value)
		}
		left = slices.Delete(left, i, i+1)
	}
	left = slices.DeleteFunc(left, func(f bson.E) bool { return f.Key == "_id" })
	if len(left) > 0 {
		return fmt.Errorf("field %q is missing", left[0].Key)
	}
	return nil
}
