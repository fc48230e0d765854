package mongostore

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// What New looks at to find records that no write of the service could store: so many documents, or so many bytes of them.
const (
	trialDocuments = 20
	trialBytes     = 1 << 20
	trialNamed     = 3 // how many of them are named
)

// trial reads some records and tells which of them could not be written back as they are: the first update of one would be refused,
// also in old-only.
func (s *Store[K, V]) trial(ctx context.Context) (advice []string, err error) {
	o := options.Find().SetLimit(trialDocuments)
	if s.fields != nil {
		o.SetProjection(s.fields)
	}
	cursor, err := s.coll.Find(ctx, bson.D{}, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }()
	for bytes := 0; bytes < trialBytes && len(advice) < trialNamed && cursor.Next(ctx); bytes += len(cursor.Current) {
		if canon, err := s.tryBack(cursor.Current); err != nil {
			advice = append(advice, fmt.Sprintf("record %s can not be written back as it is, so that each update of it is refused, already in old-only; "+
				"of the first %d there may be more like it: %v", stores.FormatKey(canon), trialDocuments, err))
		}
	}
	return advice, cursor.Err()
}

// tryBack is the error of a write of what is stored.
func (s *Store[K, V]) tryBack(doc bson.Raw) (canon []byte, err error) {
	key, canon, err := s.keyOf(doc.Lookup("_id"))
	if err != nil {
		return canon, err
	}
	r, err := s.record(doc, canon)
	if err != nil || !r.Live() {
		return canon, err
	}
	if name := s.codec.view.twice(doc); name != "" {
		return canon, fmt.Errorf("field %q is there twice, and which of the two an update sets is not defined: remove one", name)
	}
	later := stores.Stamp{1}.Version()
	_, err = s.prepare(&stores.Write[K, V]{Key: key, Record: stores.Record[V]{Meta: stores.Meta{Version: later}, Value: r.Value}, If: stores.IfOlder(later)})
	return canon, err
}

// twice is a field that an update would name and that a document has twice, or empty. Who owns all fields replaces the document.
func (v *view) twice(doc bson.Raw) (name string) {
	if v.all {
		return ""
	}
	var seen []string
	_ = walk(doc, func(raw []byte, _ bson.RawValue) error {
		field, owned := v.field(raw)
		switch {
		case !owned:
		case slices.Contains(seen, field):
			name = field
		default:
			seen = append(seen, field)
		}
		return nil
	})
	return name
}
