package boltstore

import (
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// Two views of one bucket look like two places, and would pass every gate of a migration.
func TestSamePlace(t *testing.T) {
	t.Parallel()
	db := open(t)
	a := notes(t, db, "a")
	for _, tt := range []struct {
		other stores.Store[string, note]
		want  bool
	}{
		{notes(t, db, "a"), true},
		{wrapped{notes(t, db, "a")}, true},
		{notes(t, db, "b"), false},
		{notes(t, open(t), "a"), false},
	} {
		if got := stores.SamePlace(a, tt.other); got != tt.want {
			t.Errorf("%T: %v", tt.other, got)
		}
	}
}
