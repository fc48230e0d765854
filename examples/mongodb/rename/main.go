// Command rename renames a field of live documents in place: name becomes title, in the same documents of the same
// collection, while the service reads and writes them. The other fields of the documents are not touched, and the service
// goes on writing them as it always did.
//
//	go run ./internal/servers/with mongodb -- go run ./examples/mongodb/rename
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// Place is what is migrated: of each document the one field that is renamed, in the shape of tomorrow.
type Place struct {
	Title string `bson:"title"`
}

// oldView is the field by its old name. It is the only code that knows that name, and goes when the migration is over.
func oldView() *mongostore.Options[string, Place] {
	return &mongostore.Options[string, Place]{
		Fields: []string{"name"},
		Meta:   "_dw_old",
		Encode: func(p Place) (bson.D, error) { return bson.D{{Key: "name", Value: p.Title}}, nil },
		Decode: func(doc bson.Raw) (Place, error) {
			name, ok := doc.Lookup("name").StringValueOK()
			if !ok {
				return Place{}, errors.New("name is no string")
			}
			return Place{Title: name}, nil
		},
	}
}

// newView is the field by its new name, mapped by the tags of Place. Its metadata is in another field than that of the
// old view: here in the default, so that mongostore.Live() is the filter for it.
func newView() *mongostore.Options[string, Place] {
	return &mongostore.Options[string, Place]{Fields: []string{"title"}}
}

func main() { os.Exit(example.OnMongoDB("rename", run)) }

// migration is what the steps have in common.
type migration struct {
	coll     *mongo.Collection
	old, new *mongostore.Store[string, Place]
	flag     *example.Flag
	places   *dualwrite.Repository[string, Place]
	traffic  *example.Traffic[string, Place]
	out      *log.Logger
}

func run(ctx context.Context, db *mongo.Database, out *log.Logger) (err error) {
	m := migration{coll: db.Collection("places"), out: out}
	before, err := load(ctx, m.coll)
	if err != nil {
		return err
	}
	// What a service does at its start.
	if m.old, err = mongostore.New(ctx, m.coll, oldView()); err != nil {
		return err
	}
	if m.new, err = mongostore.New(ctx, m.coll, newView()); err != nil {
		return err
	}
	if m.flag, err = example.NewFlag(ctx, "places-migration"); err != nil {
		return err
	}
	defer m.flag.Close()
	if m.places, err = dualwrite.New(m.old, m.new, m.flag.Source(), nil); err != nil {
		return err
	}
	m.traffic = example.StartTraffic(ctx, m.places, titles(before), requests)
	err = m.walk(ctx)
	after, wrong := m.traffic.Stop()
	if err := errors.Join(err, wrong, m.places.Close(ctx)); err != nil {
		return err
	}
	if err := m.cleanUp(ctx); err != nil {
		return err
	}
	return m.check(ctx, before, after)
}

// walk is the migration: three flips, a copy and a verification.
func (m *migration) walk(ctx context.Context) error {
	if err := m.arrived(ctx, flags.OldOnly); err != nil {
		return err
	}
	if err := m.flip(ctx, flags.ReadOldWriteBoth); err != nil {
		return err
	}
	copied, verified, err := copier.CopyAndVerify(ctx, m.old, m.new, nil)
	if err := example.Clean(verified, err); err != nil {
		return err
	}
	m.out.Printf("  copied %d names to title, %d were there already; verified %d records: clean", copied.Applied, copied.AlreadyThere, verified.Read)

	if err := m.flip(ctx, flags.ReadNewWriteBoth); err != nil {
		return err
	}
	verified, err = copier.Verify(ctx, m.old, m.new, nil)
	if err := example.Clean(verified, err); err != nil {
		return err
	}
	m.out.Printf("  verified %d records: clean", verified.Read)

	return m.flip(ctx, flags.NewOnly) // until here, the way back is to flip back
}

func (m *migration) flip(ctx context.Context, to flags.Phase) error {
	if err := m.flag.Flip(ctx, to, m.places); err != nil {
		return err
	}
	return m.arrived(ctx, to)
}

// arrived lets the service work in a phase for a while: single records through the repository, and everything else as it
// did before.
func (m *migration) arrived(ctx context.Context, phase flags.Phase) error {
	if err := m.traffic.Some(); err != nil {
		return err
	}
	list, err := m.list(ctx, country)
	if err != nil {
		return err
	}
	m.out.Printf("%v: %d places in %s, the first is %s", phase, len(list), country, list[0])

	// A field that belongs to neither view is written by the plain driver, as ever.
	_, err = m.coll.UpdateMany(ctx, bson.D{{Key: "country", Value: country}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "visits", Value: 1}}}})
	return err
}

// list is a query of the service's own: the places of a country, in alphabetical order. Each view has its own filter, which
// leaves out what was deleted: such a document is still there, without the field of the view.
func (m *migration) list(ctx context.Context, country string) ([]string, error) {
	query := func(field string, live bson.D) func(context.Context) ([]string, error) {
		return func(ctx context.Context) ([]string, error) {
			filter := append(bson.D{{Key: "country", Value: country}}, live...)
			cursor, err := m.coll.Find(ctx, filter, options.Find().SetSort(bson.D{{Key: field, Value: 1}}))
			if err != nil {
				return nil, err
			}
			var docs []bson.Raw
			err = cursor.All(ctx, &docs)
			names := make([]string, len(docs))
			for i, doc := range docs {
				name, ok := doc.Lookup(field).StringValueOK()
				if !ok {
					err = errors.Join(err, fmt.Errorf("%v has no %s", doc, field))
				}
				names[i] = name
			}
			return names, err
		}
	}
	return dualwrite.Read(ctx, m.places, query("name", m.old.Live()), query("title", mongostore.Live()))
}

// cleanUp is for the time when every instance of the service works without the wrapper: on title, leaving out what
// mongostore.Live() leaves out.
func (m *migration) cleanUp(ctx context.Context) error {
	// The tombstones still tell which documents stand for places that were deleted.
	gone, err := m.coll.DeleteMany(ctx, bson.D{{Key: "_dw.d", Value: true}})
	if err != nil {
		return err
	}
	_, err = m.coll.UpdateMany(ctx, bson.D{}, bson.D{{Key: "$unset", Value: bson.D{{Key: "name", Value: ""}, {Key: "_dw_old", Value: ""}}}})
	if err != nil {
		return err
	}
	finished, err := copier.Finish(ctx, m.new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err := example.Clean(finished, err); err != nil {
		return err
	}
	m.out.Printf("cleaned up: %d deleted documents, the field name, and the metadata of %d", gone.DeletedCount, finished.Purged)
	return nil
}

// check looks at the collection without the SDK.
func (m *migration) check(ctx context.Context, before map[string]bson.D, after map[string]Place) error {
	want := make(map[string]bson.D, len(after))
	for id, p := range after {
		want[id] = renamed(before[id], p.Title)
	}
	if err := example.Compare(ctx, m.coll, want); err != nil {
		return err
	}
	m.out.Printf("checked %d documents: title instead of name, all other fields byte for byte, none missing, none back from the dead", len(want))
	return nil
}
