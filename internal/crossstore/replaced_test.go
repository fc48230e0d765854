package crossstore

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// TestCopyOfAReplacedPlaceIsNotFinished, nor clean: the collection is dropped under the copy, and there again or not.
func TestCopyOfAReplacedPlaceIsNotFinished(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		coll := mongotest.Collection(t)
		for i := range 100 {
			if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: fmt.Sprintf("%03d", i)}, {Key: "user", Value: "u"}}); err != nil {
				t.Fatal(err)
			}
		}
		old := open[visit](t, coll, &mongostore.Options[string, visit]{})
		neu := open[visit](t, coll.Database().Collection("new"), &mongostore.Options[string, visit]{})
		dropped := false
		o := copier.PassOptions{Workers: 1, Batch: 20, Attempts: 2, Throttle: func() float64 {
			if !dropped {
				dropped = true
				if err := coll.Drop(t.Context()); err != nil {
					t.Error(err)
				}
				if again {
					if err := coll.Database().CreateCollection(t.Context(), coll.Name()); err != nil {
						t.Error(err)
					}
				}
			}
			return 1e9
		}}
		r, err := copier.Copy(t.Context(), old, neu, &copier.CopyOptions[visit]{PassOptions: o})
		if err == nil || r.Finished || r.Clean() || !dropped {
			t.Errorf("finished %v, %v, %v", r.Finished, r.Reasons(), err)
		}
	}
}
