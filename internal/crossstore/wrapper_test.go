package crossstore

import (
	"testing"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/storefault"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// TestWrappersDropNothingOfRealStores, each of which has other capabilities.
func TestWrappersDropNothingOfRealStores(t *testing.T) {
	t.Parallel()
	c := &collections{db: mongotest.Database(t)}
	for name, inner := range map[string]people{
		"bolt": bolt[person](t), "MongoDB": open[person](t, c.collection(), nil), "DynamoDB": table(t),
	} {
		fault := storefault.New(inner, nil)
		storetest.Wrapper[string, person](t, inner, fault, personKey(1), personOf(1))
		storetest.Wrapper[string, person](t, inner, stores.Forward[string, person]{Store: fault}, personKey(1), personOf(1))
		for e, err := range inner.Scan(t.Context(), "", nil) {
			t.Errorf("%s: the check has stored %v, %v", name, e, err)
		}
	}
}
