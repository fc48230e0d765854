package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// What New looks at to find records that a write of the service could not store as they are: so many documents, or so many bytes of them.
const (
	trialDocuments = 20
	trialBytes     = 1 << 20
	trialNamed     = 3 // how many of them are named
)

// trial reads some records, and says which of them could not be written back as they are, or only in part.
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
		if text := s.tryBack(cursor.Current); text != "" {
			advice = append(advice, fmt.Sprintf("%s (seen in the first %d records: there may be more)", text, trialDocuments))
		}
	}
	return advice, cursor.Err()
}

// tryBack says what a write of what is stored would be refused for, or leave as it is; empty if there is nothing to say.
func (s *Store[K, V]) tryBack(doc bson.Raw) string {
	canon, err := s.writeBack(doc)
	if err != nil {
		return fmt.Sprintf("record %s can not be written back as it is, so that each update of it is refused, already in old-only: %v", stores.FormatKey(canon), err)
	}
	if s.codec.view.all {
		return "" // who owns all fields replaces the document
	}
	for name := range twice(doc) {
		if s.codec.view.owns(name) {
			return fmt.Sprintf("record %s has the field %q twice: reads and updates go to the first, and the other one is left behind; remove one", stores.FormatKey(canon), name)
		}
	}
	return ""
}

// writeBack is the error of a write of what is stored.
func (s *Store[K, V]) writeBack(doc bson.Raw) (canon []byte, err error) {
	key, canon, err := s.keyOf(doc.Lookup("_id"))
	if err != nil {
		return canon, err
	}
	r, err := s.record(doc, canon)
	if err != nil || !r.Live() {
		return canon, err
	}
	later := stores.Stamp{1}.Version()
	_, err = s.prepare(&stores.Write[K, V]{Key: key, Record: stores.Record[V]{Meta: stores.Meta{Version: later}, Value: r.Value}, If: stores.IfOlder(later)})
	return canon, err
}
