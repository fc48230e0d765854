package mongostore

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// A range that is given up on because there is more in it than was asked for leaves nothing out, also where a part of it
// is known from the keys before, or is under keys that the codec does not take.
func TestRangesThatAreTooFull(t *testing.T) {
	t.Parallel()
	coll := mongotest.Collection(t)
	docs := []any{user{ID: "", Email: "no key"}}
	for i := range 3 * readBatch {
		docs = append(docs, user{ID: fmt.Sprintf("k%04d", i), Email: "x"})
	}
	if _, err := coll.InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	s := open(t, coll, &Options[string, user]{})
	var keys []string
	for i := range readBatch { // close together
		keys = append(keys, fmt.Sprintf("k%04d", i))
	}
	for i := range readBatch - 1 { // far apart, and not there
		keys = append(keys, fmt.Sprintf("k%04d-", 3*i))
	}
	keys = append(keys, "k2999")
	res, err := s.GetMany(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range res {
		there := len(keys[i]) == len("k2999")
		if there && (r.Err != nil || r.Record.Value.Email != "x") || !there && !errors.Is(r.Err, stores.ErrNotFound) {
			t.Fatalf("%s: %v, %v", keys[i], r.Record, r.Err)
		}
	}
}
