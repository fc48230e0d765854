package mongostore

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// truth is what can be said of something about all documents of a kind.
type truth int8

const (
	never  truth = -1
	maybe  truth = 0
	always truth = 1
)

func truthOf(b bool) truth {
	if b {
		return always
	}
	return never
}

// known is what is known of a field of a document; the zero value is nothing.
type known struct {
	exists truth
	// kind is its type, or 0, and is of a boolean always true.
	kind bson.Type
}

var missing = known{exists: never}

// place is what is known of a document's field at a path.
type place func(path string) known

// tombstone is what a tombstone has: the _id, the metadata, the fields of the shard key, and those of others, if it leaves them.
type tombstone struct {
	meta  string
	shard []string
	lost  func(field string) bool
}

// tombstones are the kinds of tombstone of a view. That of shared documents leaves the fields of others, if there are any.
func tombstones(v *view, shard []string) []tombstone {
	bare := func(field string) bool { return field != "_id" && field != v.meta && !slices.Contains(shard, field) }
	if v.whole {
		return []tombstone{{v.meta, shard, bare}}
	}
	shared := func(field string) bool { return bare(field) && v.owns(field) }
	return []tombstone{{v.meta, shard, shared}, {v.meta, shard, bare}}
}

// at is what is known of a field of a tombstone.
func (t tombstone) at(path string) known {
	field, rest, nested := strings.Cut(path, ".")
	switch {
	case field == t.meta:
		return metaAt(rest)
	case t.lost(field):
		return missing
	case !nested && (field == "_id" || slices.Contains(t.shard, field)):
		return known{exists: always}
	}
	return known{}
}

func metaAt(path string) known {
	switch path {
	case "":
		return known{always, bson.TypeEmbeddedDocument}
	case stampField:
		return known{always, bson.TypeBinary}
	case deletedField:
		return known{always, bson.TypeBoolean}
	case prevField, intentField:
		return known{}
	}
	return missing
}

// record is what is known of a field of a record before it is deleted.
func (t tombstone) record(path string) known {
	switch {
	case path == t.meta+"."+deletedField:
		return missing
	case t.changes(path):
		return known{}
	}
	return t.at(path)
}

// changes tells whether a delete may change a field.
func (t tombstone) changes(path string) bool {
	field, _, _ := strings.Cut(path, ".")
	return field == t.meta || t.lost(field)
}

// holds tells whether a unique index has a tombstone of the kind, which is then in the way of others: nothing in the key is
// different in each document. second says that two tombstones can be equal there whose documents, before and after, are not.
func (t tombstone) holds(i *index) (held, second bool) {
	if !i.Unique && !i.Prepared || slices.ContainsFunc(i.Key, func(e bson.E) bool { return t.distinct(i, e) }) || i.has(t.at) == never {
		return false, false
	}
	second = slices.ContainsFunc(i.Key, func(e bson.E) bool { return t.changes(e.Key) }) ||
		i.has(t.record) != always && slices.ContainsFunc(i.pathsOfPartial(), t.changes)
	return true, second
}

// distinct tells whether a part of the key is another value in each document: the _id, but for a collation, and the stamp.
func (t tombstone) distinct(i *index, e bson.E) bool {
	if _, special := e.Value.(string); special {
		return false
	}
	return e.Key == "_id" && !i.collates() || e.Key == t.meta || e.Key == t.meta+"."+stampField
}

// collates tells whether different strings may be equal in an index.
func (i *index) collates() bool {
	for _, e := range i.spec {
		if c, ok := e.Value.(bson.D); ok && e.Key == "collation" {
			return !slices.Contains(c, bson.E{Key: "locale", Value: "simple"})
		}
	}
	return false
}

// has tells whether an index has documents of which that is known.
func (i *index) has(doc place) truth {
	is := matches(i.Partial, doc)
	if paths := i.sparseBy(); paths != nil {
		any := never
		for _, path := range paths {
			any = max(any, doc(path).exists)
		}
		is = min(is, any)
	}
	return is
}

// sparseBy are the fields of which a document has to have one to be in an index, or nil if it is in it without. An index of places
// or of texts goes by these alone, whatever else is in its key.
func (i *index) sparseBy() (paths []string) {
	for _, e := range i.Key {
		switch kind, _ := e.Value.(string); {
		case kind == "text":
			return i.weighted()
		case strings.HasPrefix(kind, "2d") || kind == "geoHaystack":
			paths = append(paths, e.Key)
		}
	}
	if paths == nil && i.Sparse {
		for _, e := range i.Key {
			paths = append(paths, e.Key)
		}
	}
	return paths
}

// weighted are the fields of a text index. That of all fields is in each document with a text, as the metadata may have.
func (i *index) weighted() (paths []string) {
	for _, e := range i.spec {
		weights, ok := e.Value.(bson.D)
		if !ok || e.Key != "weights" {
			continue
		}
		for _, w := range weights {
			if strings.Contains(w.Key, "$**") {
				return nil
			}
			paths = append(paths, w.Key)
		}
	}
	return paths
}

// pathsOfPartial are the fields that a partial index goes by.
func (i *index) pathsOfPartial() []string { return pathsOf(i.Partial) }

func pathsOf(filter bson.Raw) (paths []string) {
	elements, _ := filter.Elements()
	for _, e := range elements {
		if !strings.HasPrefix(e.Key(), "$") {
			paths = append(paths, e.Key())
			continue
		}
		for _, clause := range arrayOf(e.Value()) {
			if doc, ok := clause.DocumentOK(); ok {
				paths = append(paths, pathsOf(doc)...)
			}
		}
	}
	return paths
}

func arrayOf(v bson.RawValue) []bson.RawValue {
	a, _ := v.ArrayOK()
	values, _ := a.Values()
	return values
}
