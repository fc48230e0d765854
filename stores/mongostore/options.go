package mongostore

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/stores"
)

// DefaultMeta is the field that holds the SDK's metadata, unless [Options.Meta] names another one.
const DefaultMeta = "_dw"

// Options say what of a document is the record and how it is kept. The zero value is right for a struct with bson tags
// in a collection of its own.
type Options[K, V any] struct {
	// Meta is the top-level field for the SDK's metadata. Default [DefaultMeta]. Two stores on one collection need two
	// names.
	Meta string
	// Fields makes the store a view: it owns exactly these top-level fields of documents that are shared with others,
	// and its record is absent where a document has none of them and no metadata. V may map no other ones. Default nil:
	// the store is of whole documents. Then a document that is there is a record, a struct V owns the fields that it maps
	// (the others survive each write, and go when it is deleted), and a map, a bson.D, a bson.Raw or
	// a struct with an inline map owns all of them, whatever their names.
	Fields []string

	// Registry and BSONOptions are what V is encoded and decoded with. Give those of your client or collection, if it
	// has any: the driver can not be asked. Default nil: the driver's defaults.
	Registry    *bson.Registry
	BSONOptions *options.BSONOptions
	// Encode and Decode replace the codec of V; give both or neither. Encode returns the fields of the record; _id may be
	// left out. Decode gets the document with _id and without the metadata (of a view, only its fields), which it may
	// keep. A value that Encode returns an error for is refused as permanent. Without Fields such a store owns all fields.
	Encode func(V) (bson.D, error)
	Decode func(bson.Raw) (V, error)
	// Keys is the canonical form of the keys. Default: that of package stores for strings, int64 and []byte, else [Keys].
	Keys stores.KeyCodec[K]

	// ExpiresAt says when a value expires; the zero time is never, and so are Unix 0 and what is before it in a collection without a
	// TTL index. Of an array of dates the earliest counts, as for a TTL index. From then on its record reads as a tombstone of the same version,
	// or as absent if it is unstamped, in both places of a migration alike. Give it to both stores. It needs the field to be
	// in V. Default nil: nothing expires.
	ExpiresAt func(V) time.Time
	// Guard is the field that the application itself counts versions in, an integer that V maps. It protects
	// against writers outside the SDK while the service is being rolled out: a live write on IfStamp of what was read also
	// demands that the field is still what V says, and each live write with a stamp sets it to one more than both. It is no content:
	// verify does not compare it. Default "": none.
	Guard string
	// ShardKey returns the shard key of a record, for a collection that is sharded by something else than _id or its
	// hash: it has to follow from the key alone. The fields are part of each filter and are left in tombstones; V may
	// map them. Default nil.
	ShardKey func(K) bson.D

	// Journal demands that a write is in the journal of a majority of nodes before it is acknowledged, also where
	// writeConcernMajorityJournalDefault is off. Default false: what the deployment does.
	Journal bool
	// Linearizable makes single reads linearizable even while a primary that was cut off does not know that there is
	// another one, up to the election timeout (10 s by default). Each read then waits for a majority of nodes; batch
	// reads become single ones. Default false: reads from the primary that a majority has confirmed.
	Linearizable bool
	// Timeout is how long a call to the database may take when the context has no deadline before that. What happens
	// to a write that was sent is unknown then. Default 0: no limit but the context's and the client's.
	Timeout time.Duration
}

// build makes the parts of a store of the options, and says all that is wrong with them.
func (o *Options[K, V]) build() (codec[V], error) {
	c := codec[V]{encode: o.Encode, decode: o.Decode, bson: bsonOptions{registry: o.Registry}}
	if o.BSONOptions != nil {
		c.bson.options = *o.BSONOptions
	}
	c.view = view{meta: o.Meta, owned: o.Fields, whole: o.Fields == nil}
	if o.Meta == "" {
		c.view.meta = DefaultMeta
	}
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	if err := checkName(c.view.meta); err != nil {
		add(fmt.Errorf("Options.Meta: %w", err))
	}
	if c.view.meta == "_id" {
		add(errors.New(`Options.Meta: "_id" is the key`))
	}
	if (o.Encode == nil) != (o.Decode == nil) {
		add(errors.New("give both Encode and Decode, or neither"))
	}
	if t := reflect.TypeFor[K](); t.Kind() == reflect.Map && !encodesItself(t) {
		add(fmt.Errorf("a %v is no key: the fields of a document have an order, which decides whether two ids are equal; use a struct or bson.D", t))
	}
	if o.Timeout < 0 {
		add(fmt.Errorf("Options.Timeout is %v: want a time, or 0 for no limit", o.Timeout))
	}
	add(o.checkFields(c.view.meta))
	add(c.mapType(reflect.TypeFor[V]()))
	c.know(reflect.TypeFor[V]())
	if err := errors.Join(errs...); err != nil {
		return c, err
	}
	return c, o.checkGuard(&c)
}

func (o *Options[K, V]) checkFields(meta string) error {
	if o.Fields == nil {
		return nil
	}
	var errs []error
	if len(o.Fields) == 0 {
		errs = append(errs, errors.New("Options.Fields is empty: name the fields of the view, or leave it nil for whole documents"))
	}
	for i, name := range o.Fields {
		switch err := checkName(name); {
		case err != nil:
			errs = append(errs, fmt.Errorf("Options.Fields: %w; a view owns top-level fields", err))
		case name == "_id" || name == meta:
			errs = append(errs, fmt.Errorf("Options.Fields: %q is the store's own", name))
		case slices.Contains(o.Fields[:i], name):
			errs = append(errs, fmt.Errorf("Options.Fields: %q is there twice", name))
		}
	}
	return errors.Join(errs...)
}

// mapType finds out which fields V stands for.
func (c *codec[V]) mapType(t reflect.Type) error {
	if c.encode != nil {
		c.view.all, c.keepID = c.view.whole, true
		return nil
	}
	m, err := mappingOf(t, &c.bson)
	if !m.all || !c.view.whole {
		err = errors.Join(append(m.unnamable, err)...)
	}
	if err != nil {
		return err
	}
	c.keepID, c.open = m.id, m.all
	if slices.Contains(m.names, c.view.meta) {
		return fmt.Errorf("%v maps the field %q, where the metadata is: rename one of them (Options.Meta)", t, c.view.meta)
	}
	if c.view.whole {
		c.view.all, c.view.owned = m.all, m.names
		return nil
	}
	for _, name := range m.names {
		if !slices.Contains(c.view.owned, name) {
			return fmt.Errorf("%v maps the field %q, which is not in Options.Fields: name it there, or leave it out of the type", t, name)
		}
	}
	return nil
}

func (o *Options[K, V]) checkGuard(c *codec[V]) error {
	if o.Guard == "" {
		return nil
	}
	if !c.view.owns(o.Guard) {
		return fmt.Errorf("Options.Guard: V does not map %q: a write has to say which version it was derived from", o.Guard)
	}
	return checkName(o.Guard)
}
