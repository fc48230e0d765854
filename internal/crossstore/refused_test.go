package crossstore

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

type spotted struct {
	Loc  []float64 `bson:"loc" json:"loc"`
	Note string    `bson:"note" json:"note"`
}

// outOfBounds are places that a 2d index refuses, each with another code.
func outOfBounds() map[string]spotted {
	return map[string]spotted{"far": {Loc: []float64{500, 2}}, "half": {Loc: []float64{1}}, "infinite": {Loc: []float64{1e300, 1e300}}}
}

// onMap is a collection with a 2d index.
func (c *collections) onMap(t *testing.T) stores.Store[string, spotted] {
	t.Helper()
	coll := c.collection()
	if _, err := coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "loc", Value: "2d"}}}); err != nil {
		t.Fatal(err)
	}
	return open[spotted](t, coll, nil)
}

// offMap are the places to come from: one that may commit together with new, and one that may not.
func offMap(t *testing.T) map[string]func(c *collections) stores.Store[string, spotted] {
	t.Helper()
	return map[string]func(c *collections) stores.Store[string, spotted]{
		"mongodb": func(c *collections) stores.Store[string, spotted] { return open[spotted](t, c.collection(), nil) },
		"bolt":    func(*collections) stores.Store[string, spotted] { return bolt[spotted](t) },
	}
}

// TestCopyOfWhatAnIndexOfMongoDBRefuses ends, names what is refused, and has copied the others.
func TestCopyOfWhatAnIndexOfMongoDBRefuses(t *testing.T) {
	t.Parallel()
	for name, from := range offMap(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &collections{db: mongotest.Database(t)}
			old, new := from(c), c.onMap(t)
			records := outOfBounds()
			for i := range 10 {
				records[fmt.Sprint("good ", i)] = spotted{Loc: []float64{1, float64(i)}}
			}
			if _, err := stores.Import(t.Context(), old, maps.All(records)); err != nil {
				t.Fatal(err)
			}
			r, err := copier.Copy(t.Context(), old, new, nil)
			if err != nil || r.Applied != 10 || r.Found[copier.KindRejected] != int64(len(outOfBounds())) || r.Clean() {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestLiveWritesOfWhatAnIndexOfMongoDBRefuses: they block neither others nor the breaker, and are told from an unknown outcome.
func TestLiveWritesOfWhatAnIndexOfMongoDBRefuses(t *testing.T) {
	t.Parallel()
	for name, from := range offMap(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &collections{db: mongotest.Database(t)}
			old, new := from(c), c.onMap(t)
			if _, err := stores.Import(t.Context(), old, maps.All(map[string]spotted{"good": {Loc: []float64{1, 2}}})); err != nil {
				t.Fatal(err)
			}
			repository := func(p flags.Phase) *dualwrite.Repository[string, spotted] {
				t.Helper()
				r, err := dualwrite.New[string, spotted](old, new, flags.Static(p), &dualwrite.Options{ReportMissedMirrors: true})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			mirrored := repository(flags.ReadOldWriteBoth)
			for n := range 4 {
				for key, bad := range outOfBounds() {
					bad.Note = fmt.Sprint(n)
					if _, err := mirrored.Put(t.Context(), key, bad); !errors.Is(err, dualwrite.ErrMirrorMissed) || strings.Contains(err.Error(), "breaker") {
						t.Errorf("read-old/write-both: %s: %v, want a mirror that is missed because new refuses it", key, err)
					}
				}
			}
			if _, err := mirrored.Update(t.Context(), "good", func(s *spotted) error { s.Loc[1] = 5; return nil }); err != nil {
				t.Errorf("read-old/write-both: what new refuses of some records has cost another one its mirror: %v", err)
			}

			strict := repository(flags.ReadNewWriteBoth)
			_, err := strict.Put(t.Context(), "good", outOfBounds()["far"])
			if together := name == "mongodb"; !errors.Is(err, dualwrite.ErrPermanent) && together || err == nil || strings.Contains(err.Error(), "deadline") {
				t.Errorf("read-new/write-both: %v", err)
			}
			if name == "mongodb" { // one transaction: nothing was written
				if v, err := strict.Get(t.Context(), "good"); err != nil || v.Loc[1] != 5 {
					t.Errorf("afterwards: %+v, %v", v, err)
				}
			}
			if _, err := strict.Put(t.Context(), "good", spotted{Loc: []float64{3, 3}}); err != nil {
				t.Errorf("a good put afterwards: %v", err)
			}
			if v, err := strict.Get(t.Context(), "good"); err != nil || v.Loc[1] != 3 {
				t.Errorf("after a good put: %+v, %v", v, err)
			}
		})
	}
}
