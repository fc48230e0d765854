// Command move moves a collection into another database, as it is, while the service reads and writes it. The two
// databases may just as well be of two deployments: make each store of a collection of its own client.
//
//	go run ./internal/servers/with mongodb -- go run ./examples/mongodb/move
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// Place is a whole document: the fields that the service works with, and all others.
type Place struct {
	Name    string `bson:"name"`
	Country string `bson:"country"`
	// Rest is what makes it whole: what V does not map stays where it is. Raw values are what they were to the last bit.
	Rest map[string]bson.RawValue `bson:",inline"`
}

func main() { os.Exit(example.OnMongoDB("move", run)) }

// migration is what the steps have in common.
type migration struct {
	from, to *mongo.Collection
	old, new *mongostore.Store[string, Place]
	flag     *example.Flag
	places   *dualwrite.Repository[string, Place]
	traffic  *example.Traffic[string, Place]
	out      *log.Logger
}

func run(ctx context.Context, db *mongo.Database, out *log.Logger) (err error) {
	retired := db.Client().Database(db.Name() + "_old")
	if err := retired.Drop(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, retired.Drop(context.WithoutCancel(ctx))) }()
	m := migration{from: retired.Collection("places"), to: db.Collection("places"), out: out}
	before, err := load(ctx, m.from)
	if err != nil {
		return err
	}
	// Indexes are yours: the new collection needs them before it is read from, and the copier does not know them.
	_, err = m.to.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "country", Value: 1}}})
	if err != nil {
		return err
	}
	// What a service does at its start.
	if m.old, err = mongostore.New[string, Place](ctx, m.from, nil); err != nil {
		return err
	}
	if m.new, err = mongostore.New[string, Place](ctx, m.to, nil); err != nil {
		return err
	}
	if m.flag, err = example.NewFlag(ctx, "places-migration"); err != nil {
		return err
	}
	defer m.flag.Close()
	if m.places, err = dualwrite.New(m.old, m.new, m.flag.Source(), nil); err != nil {
		return err
	}
	start, err := decoded(before)
	if err != nil {
		return err
	}
	m.traffic = example.StartTraffic(ctx, m.places, start, requests)
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
	m.out.Printf("  copied %d documents, %d were there already; verified %d records: clean", copied.Applied, copied.AlreadyThere, verified.Read)

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

// arrived lets the service work in a phase for a while: single records through the repository, and queries of its own on
// the collection that is read from.
func (m *migration) arrived(ctx context.Context, phase flags.Phase) error {
	if err := m.traffic.Some(); err != nil {
		return err
	}
	count := func(coll *mongo.Collection) func(context.Context) (int64, error) {
		filter := append(bson.D{{Key: "country", Value: newtowns}}, mongostore.Live()...)
		return func(ctx context.Context) (int64, error) { return coll.CountDocuments(ctx, filter) }
	}
	n, err := dualwrite.Read(ctx, m.places, count(m.from), count(m.to))
	m.out.Printf("%v: %d places were founded so far", phase, n)
	return err
}

// cleanUp is for the time when every instance of the service works without the wrapper, on the new collection, leaving out
// what mongostore.Live() leaves out.
func (m *migration) cleanUp(ctx context.Context) error {
	finished, err := copier.Finish(ctx, m.new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err := example.Clean(finished, err); err != nil {
		return err
	}
	left, err := m.to.CountDocuments(ctx, bson.D{{Key: mongostore.DefaultMeta, Value: bson.D{{Key: "$exists", Value: true}}}})
	if err != nil {
		return err
	}
	m.out.Printf("cleaned up: the metadata of %d records, tombstones among them; %d have any left; the old database is dropped", finished.Purged, left)
	return m.from.Database().Drop(ctx)
}

// check looks at the collection without the SDK.
func (m *migration) check(ctx context.Context, before map[string]bson.D, after map[string]Place) error {
	want := make(map[string]bson.D, len(after))
	for id, p := range after {
		want[id] = moved(before[id], p)
	}
	if err := example.Compare(ctx, m.to, want); err != nil {
		return err
	}
	m.out.Printf("checked %d documents: in the new database, every field byte for byte, no metadata, none missing, none back from the dead", len(want))
	return nil
}
