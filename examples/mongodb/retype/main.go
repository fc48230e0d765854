// Command retype changes the type and the structure of fields in place: the strings lat and lng become one GeoJSON point,
// location, in the same documents of the same collection, while the service reads and writes them.
//
// Real data have records that fit no type. One is planted here: the copy names it, it is mended, and the copy goes on.
//
//	go run ./internal/servers/with mongodb -- go run ./examples/mongodb/retype
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/examples/internal/example"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// Place is what is migrated: the position of a place, in the shape of tomorrow.
type Place struct {
	Location Point `bson:"location"`
}

// Point is a GeoJSON point.
type Point struct {
	Type        string     `bson:"type"`
	Coordinates [2]float64 `bson:"coordinates"` // longitude, latitude
}

func at(lat, lng float64) Place {
	return Place{Point{Type: "Point", Coordinates: [2]float64{lng, lat}}}
}

// oldView is the position as it was so far: two strings beside all the other fields.
func oldView() *mongostore.Options[string, Place] {
	return &mongostore.Options[string, Place]{
		Fields: []string{"lat", "lng"},
		Meta:   "_dw_old",
		Encode: func(p Place) (bson.D, error) {
			return bson.D{
				{Key: "lat", Value: degrees(p.Location.Coordinates[1])},
				{Key: "lng", Value: degrees(p.Location.Coordinates[0])},
			}, nil
		},
		Decode: func(doc bson.Raw) (Place, error) {
			lat, latErr := parse(doc, "lat")
			lng, lngErr := parse(doc, "lng")
			return at(lat, lng), errors.Join(latErr, lngErr)
		},
	}
}

// degrees gives back what parse has read, to the last digit: a copy would report a value that a place can not hold.
func degrees(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }

func parse(doc bson.Raw, field string) (float64, error) {
	s, ok := doc.Lookup(field).StringValueOK()
	if !ok {
		return 0, fmt.Errorf("%s is no string", field)
	}
	d, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", field, err)
	}
	return d, nil
}

// newView is the position of tomorrow, mapped by the tags of Place.
func newView() *mongostore.Options[string, Place] {
	return &mongostore.Options[string, Place]{Fields: []string{"location"}}
}

func main() { os.Exit(example.OnMongoDB("retype", run)) }

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
	positions, err := positions(before)
	if err != nil {
		return err
	}
	m.traffic = example.StartTraffic(ctx, m.places, positions, requests)
	err = m.walk(ctx)
	after, wrong := m.traffic.Stop()
	if err := errors.Join(err, wrong, m.places.Close(ctx)); err != nil {
		return err
	}
	after[damaged] = at(48.20849, 16.37208)
	if err := m.cleanUp(ctx); err != nil {
		return err
	}
	return m.check(ctx, before, after)
}

// walk is the migration: three flips, a copy and a verification.
func (m *migration) walk(ctx context.Context) error {
	if err := m.arrived(flags.OldOnly); err != nil {
		return err
	}
	if err := m.flip(ctx, flags.ReadOldWriteBoth); err != nil {
		return err
	}
	copied, err := copier.Copy(ctx, m.old, m.new, nil)
	if err != nil {
		return err
	}
	m.out.Printf("  copied %d positions, %d were there already; %d could not be read", copied.Applied, copied.AlreadyThere, copied.Found[copier.KindUndecodable])
	if err := m.mend(ctx, copied.Findings); err != nil {
		return err
	}
	again, verified, err := copier.CopyAndVerify(ctx, m.old, m.new, nil)
	if err := example.Clean(verified, err); err != nil {
		return err
	}
	m.out.Printf("  copied again: %d positions; verified %d records: clean", again.Applied, verified.Read)

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

// mend does by hand what has to be decided by hand. The service can not write such a record, as it can not read it; so it
// may be changed past the SDK.
func (m *migration) mend(ctx context.Context, findings []copier.Finding) error {
	for _, f := range findings {
		id, err := m.old.Keys().Parse(f.Key)
		if err != nil {
			return err
		}
		if f.Kind != copier.KindUndecodable || id != damaged {
			return fmt.Errorf("not expected: %v", f)
		}
		m.out.Printf("  mended: %v", f)
		_, err = m.coll.UpdateByID(ctx, id, bson.D{{Key: "$set", Value: bson.D{{Key: "lat", Value: "48.20849"}}}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *migration) flip(ctx context.Context, to flags.Phase) error {
	if err := m.flag.Flip(ctx, to, m.places); err != nil {
		return err
	}
	return m.arrived(to)
}

// arrived lets the service work in a phase for a while.
func (m *migration) arrived(phase flags.Phase) error {
	err := m.traffic.Some()
	m.out.Printf("%v: the service goes on", phase)
	return err
}

// cleanUp is for the time when every instance of the service works without the wrapper: on location, leaving out what
// mongostore.Live() leaves out.
func (m *migration) cleanUp(ctx context.Context) error {
	// The tombstones still tell which documents stand for places that were deleted.
	gone, err := m.coll.DeleteMany(ctx, bson.D{{Key: "_dw.d", Value: true}})
	if err != nil {
		return err
	}
	unset := bson.D{{Key: "lat", Value: ""}, {Key: "lng", Value: ""}, {Key: "_dw_old", Value: ""}}
	if _, err := m.coll.UpdateMany(ctx, bson.D{}, bson.D{{Key: "$unset", Value: unset}}); err != nil {
		return err
	}
	finished, err := copier.Finish(ctx, m.new, &copier.FinishOptions{Confirm: copier.NobodyWritesBoth})
	if err := example.Clean(finished, err); err != nil {
		return err
	}
	m.out.Printf("cleaned up: %d deleted documents, the fields lat and lng, and the metadata of %d", gone.DeletedCount, finished.Purged)
	return nil
}

// check looks at the collection without the SDK.
func (m *migration) check(ctx context.Context, before map[string]bson.D, after map[string]Place) error {
	want := make(map[string]bson.D, len(after))
	for id, p := range after {
		want[id] = located(before[id], p.Location.Coordinates)
	}
	if err := example.Compare(ctx, m.coll, want); err != nil {
		return err
	}
	m.out.Printf("checked %d documents: a point instead of two strings, all other fields byte for byte, none missing, none back from the dead", len(want))
	return nil
}
