package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// findings are what New learned about the collection and its deployment.
type findings struct {
	// replicaSet says that transactions work, and that what they wrote shows everywhere at once.
	replicaSet bool
	// process is the server process that answered, zero if it has no id.
	process bson.ObjectID
	// depth is how many levels a document may have.
	depth int
	// ttl says that an index lets documents expire.
	ttl    bool
	advice []string
	// shard are the fields of the shard key that are known of.
	shard      []string
	collisions []collision
}

// Advice is what [New] found in the collection that is allowed and should be known: for logs and health pages. It names each unique
// index in which tombstones collide, with the statements that put another one in its place, and of the first few records those that
// V reads and no write could store as they are, so that each update of them is refused.
func (s *Store[K, V]) Advice() []string { return s.found.advice }

// inspect asks the server what it has to know, and refuses a collection that would lose records or refuse each tombstone.
func (s *Store[K, V]) inspect(ctx context.Context) (findings, error) {
	f, err := s.deployment(ctx)
	if err != nil {
		return f, err
	}
	f.depth = s.storedDepth(ctx)
	options, err := s.collectionOptions(ctx)
	if err != nil {
		return f, fmt.Errorf("asking for the collection's options: %w", classify(err))
	}
	s.identity.learn(options)
	wrong := []error{checkCollection(options)}
	wrong = append(wrong, checkValidator(options.Options, &s.codec.view))
	indexes, err := s.indexes(ctx)
	if err != nil {
		return f, fmt.Errorf("asking for the collection's indexes: %w", classify(err))
	}
	for _, i := range indexes {
		f.ttl = f.ttl || i.Expire != nil
		wrong = append(wrong, i.checkExpiry(&s.codec.view, s.expiresAt != nil))
	}
	if f.shard, err = s.shardFields(ctx); err != nil {
		return f, fmt.Errorf("looking for an _id, of which Options.ShardKey says what the shard key is: %w", classify(err))
	}
	for _, name := range f.shard {
		if err := checkName(name); err != nil {
			wrong = append(wrong, fmt.Errorf("Options.ShardKey: %w", err))
		}
	}
	f.advise(s.coll.Name(), &s.codec.view, indexes)
	return f, errors.Join(wrong...)
}

func (s *Store[K, V]) deployment(ctx context.Context) (f findings, err error) {
	var hello struct {
		SetName string `bson:"setName"`
		Message string `bson:"msg"`
		Process struct {
			ID bson.ObjectID `bson:"processId"`
		} `bson:"topologyVersion"`
	}
	err = s.coll.Database().Client().Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
	f.replicaSet = hello.SetName != "" && hello.Message != "isdbgrid"
	f.process = hello.Process.ID
	return f, classify(err)
}

// collectionInfo is what listCollections says.
type collectionInfo struct {
	Type    string       `bson:"type"`
	Options bson.Raw     `bson:"options"`
	Info    collectionID `bson:"info"`
}

// collectionOptions is empty for a collection that does not exist yet.
func (s *Store[K, V]) collectionOptions(ctx context.Context) (info collectionInfo, err error) {
	cursor, err := s.coll.Database().ListCollections(ctx, bson.D{{Key: "name", Value: s.coll.Name()}})
	if err != nil {
		return info, err
	}
	var found []collectionInfo
	if err := cursor.All(ctx, &found); err != nil || len(found) == 0 {
		return info, err
	}
	return found[0], nil
}

func checkCollection(c collectionInfo) error {
	switch {
	case c.Type == "view" || c.Type == "timeseries":
		return fmt.Errorf("it is a %s: records are kept in a collection", c.Type)
	case c.Options.Lookup("capped").IsNumber() || c.Options.Lookup("capped").Type == bson.TypeBoolean && c.Options.Lookup("capped").Boolean():
		return errors.New("it is capped: it would drop records by itself, and takes no tombstones")
	}
	if locale, ok := c.Options.Lookup("collation", "locale").StringValueOK(); ok && locale != "simple" {
		return fmt.Errorf("its default collation is %q, which takes different strings for the same _id: copy it into a collection with the simple collation", locale)
	}
	if after := c.Options.Lookup("expireAfterSeconds"); !after.IsZero() && after.Type != bson.TypeNull { // of a clustered one: listIndexes need not tell
		return fmt.Errorf("it is clustered and lets documents expire by _id (expireAfterSeconds is %v): tombstones would vanish, and records in one place and not in the other; "+
			"switch it off for the time of the migration (collMod, expireAfterSeconds: \"off\")", after)
	}
	return nil
}

// checkValidator finds the two rules of a schema that are known to refuse what the SDK writes. What other rules do shows
// at the first write.
func checkValidator(options bson.Raw, v *view) error {
	action, _ := options.Lookup("validationAction").StringValueOK()
	level, _ := options.Lookup("validationLevel").StringValueOK()
	schema, ok := options.Lookup("validator", "$jsonSchema").DocumentOK()
	if !ok || action == "warn" || level == "off" {
		return nil
	}
	var wrong []error
	if closed, ok := schema.Lookup("additionalProperties").BooleanOK(); ok && !closed {
		if _, err := schema.LookupErr("properties", v.meta); err != nil {
			wrong = append(wrong, fmt.Errorf("its validator allows no field %q, where the metadata is: add {%s: {bsonType: \"object\"}} to the properties (collMod)", v.meta, v.meta))
		}
	}
	var needed []string
	if required, ok := schema.Lookup("required").ArrayOK(); ok {
		values, _ := required.Values()
		for _, value := range values {
			if name, ok := value.StringValueOK(); ok && v.owns(name) && name != "_id" {
				needed = append(needed, name)
			}
		}
	}
	if len(needed) > 0 {
		wrong = append(wrong, fmt.Errorf("its validator requires %s, which tombstones do not have: make it {$or: [{%q: true}, {$jsonSchema: …}]} (collMod)",
			strings.Join(needed, ", "), v.meta+"."+deletedField))
	}
	return errors.Join(wrong...)
}

// index is what listIndexes says.
type index struct {
	Name   string `bson:"name"`
	Key    bson.D `bson:"key"`
	Unique bool   `bson:"unique"`
	// Prepared says that an index which is to become unique takes no new duplicates.
	Prepared bool     `bson:"prepareUnique"`
	Sparse   bool     `bson:"sparse"`
	Partial  bson.Raw `bson:"partialFilterExpression"`
	Expire   *float64 `bson:"expireAfterSeconds"`
	spec     bson.D   // all of it
}

func (s *Store[K, V]) indexes(ctx context.Context) ([]index, error) {
	cursor, err := s.coll.Indexes().List(ctx)
	if err != nil {
		return nil, err
	}
	var specs []bson.Raw
	if err := cursor.All(ctx, &specs); err != nil {
		return nil, err
	}
	found := make([]index, len(specs))
	for i, spec := range specs {
		if err := errors.Join(bson.Unmarshal(spec, &found[i]), bson.Unmarshal(spec, &found[i].spec)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// checkExpiry demands that an expired record reads as one everywhere, and that nothing but records expires.
func (i *index) checkExpiry(v *view, expires bool) error {
	if i.Expire == nil || len(i.Key) == 0 {
		return nil
	}
	field, _, _ := strings.Cut(i.Key[0].Key, ".")
	switch {
	case !v.owns(field):
		return fmt.Errorf("index %q lets documents expire by the field %q, which V does not map: a tombstone would keep it and vanish; map it, and give Options.ExpiresAt", i.Name, field)
	case !expires:
		return fmt.Errorf("index %q lets documents expire, in this place and not in the other, and a repair would bring them back: give Options.ExpiresAt to both stores", i.Name)
	}
	return nil
}
