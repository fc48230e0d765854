package main

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores/dynamostore"
)

// shape is all that the example has to know about one kind of record. V is what the service works with, which is the
// new shape; the functions map it to what the old place holds and back.
type shape[V any] struct {
	// name and change are for people: what the records are, and what happens to their shape.
	name, change string
	// parse reads a line of input strictly. It is the only way into the old place from outside.
	parse func(line []byte) (id string, v V, err error)
	// encodeOld and decodeOld are the old shape, encodeNew and decodeNew the new one, as the stores want them.
	encodeOld, encodeNew func(dst []byte, v V) ([]byte, error)
	decodeOld, decodeNew func(b []byte) (V, error)
	// oldDocuments and newDocuments are the two shapes in MongoDB.
	oldDocuments, newDocuments documents[V]
	// oldItems and newItems are the two shapes in DynamoDB.
	oldItems, newItems items[V]
	// settle makes of a record that was read one that every place gives back as it is; nil if parse sees to that.
	settle func(v V) (V, error)
	// fresh is what live write number n stores under a key, whatever was there.
	fresh func(id string, n int64) V
	// edit is what live write number n makes of a record that is there. It depends on what it is given, so that an
	// edit which is lost or applied twice shows in every later state of the record.
	edit func(v *V, n int64)
}

// documents map V to a document and back. A struct with bson tags would do for one shape; mongostore takes either.
type documents[V any] struct {
	encode func(v V) (bson.D, error)
	decode func(doc bson.Raw) (V, error)
}

// items map V to an item and back, with the id as its key. A struct with dynamodbav tags would do for one shape; dynamostore
// takes either.
type items[V any] struct {
	encode func(v V) (dynamostore.Item, error)
	decode func(item dynamostore.Item) (V, error)
}

// text is the content of a record as the checker compares it: two records are equal exactly if their texts are.
func (s *shape[V]) text(v V) (string, error) {
	b, err := s.encodeNew(nil, v)
	return string(b), err
}

// edited is edit on texts.
func (s *shape[V]) edited(text string, n int64) (string, error) {
	v, err := s.decodeNew([]byte(text))
	if err != nil {
		return "", err
	}
	s.edit(&v, n)
	return s.text(v)
}
