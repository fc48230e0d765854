package mongostore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// replacements are what becomes of a collection under a scan.
var replacements = map[string]func(*testing.T, *mongo.Collection){
	"dropped": drop,
	"dropped and created again, empty": func(t *testing.T, coll *mongo.Collection) {
		drop(t, coll)
		if err := coll.Database().CreateCollection(t.Context(), coll.Name()); err != nil {
			t.Fatal(err)
		}
	},
	"dropped and filled again": func(t *testing.T, coll *mongo.Collection) {
		drop(t, coll)
		fillPlain(t, coll, 10)
	},
	"renamed": func(t *testing.T, coll *mongo.Collection) { rename(t, coll, coll.Name(), coll.Name()+"2") },
	"replaced by another one": func(t *testing.T, coll *mongo.Collection) {
		fillPlain(t, coll.Database().Collection("other"), 10)
		drop(t, coll)
		rename(t, coll, "other", coll.Name())
	},
}

func drop(t *testing.T, coll *mongo.Collection) {
	t.Helper()
	if err := coll.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, coll *mongo.Collection, from, to string) {
	t.Helper()
	db := coll.Database()
	cmd := bson.D{{Key: "renameCollection", Value: db.Name() + "." + from}, {Key: "to", Value: db.Name() + "." + to}}
	if err := db.Client().Database("admin").RunCommand(t.Context(), cmd).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestScanOfAReplacedCollectionIsNotComplete: the server takes the cursor away, or not, and the next one finds what is there then. No
// scan of what is no longer the same collection ends as if that were all, at whatever record it was: between two pages, in one, at
// the last record, in a segment that was not begun yet.
func TestScanOfAReplacedCollectionIsNotComplete(t *testing.T) {
	t.Parallel()
	const n = scanBatch + 10
	for name, replace := range replacements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, at := range []int{0, 1, scanBatch - 1, scanBatch, scanBatch + 1, n} {
				coll := mongotest.Collection(t)
				fillPlain(t, coll, n)
				s := open[string, counter](t, coll, nil)
				if at == 0 {
					replace(t, coll)
				}
				read, ended := 0, error(nil)
				for _, err := range s.Scan(t.Context(), "", nil) {
					if ended = err; err != nil {
						break
					}
					if read++; read == at {
						replace(t, coll)
					}
				}
				if ended == nil {
					t.Errorf("at record %d: the scan has ended as complete after %d", at, read)
				}
				if at <= 1 && !strings.Contains(fmt.Sprint(ended), "dropped") {
					t.Errorf("the error says %v", ended)
				}
			}
		})
	}
}

// TestScanOfACollectionThatComes: a store is opened before there is a collection, and goes by the first one that it meets.
func TestScanOfACollectionThatComes(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	s := open[string, counter](t, coll, nil)
	scan := func() (n int, ended error) {
		for _, err := range s.Scan(t.Context(), "", nil) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	for _, want := range []int{0, 3} {
		if want > 0 {
			fillPlain(t, coll, want)
		}
		if n, err := scan(); n != want || err != nil {
			t.Errorf("%d records, %v, want %d", n, err, want)
		}
	}
	drop(t, coll)
	if _, err := scan(); !errors.Is(err, stores.ErrPermanent) {
		t.Errorf("a scan of nothing, where something was: %v", err)
	}
}
