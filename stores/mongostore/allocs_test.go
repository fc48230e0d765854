//go:build !race

// Under the race detector pools forget on purpose, and what is allocated says nothing.

package mongostore

import (
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// What the store adds to the driver's own encoding and decoding of a value, which every copied record pays.
func TestAllocations(t *testing.T) {
	s := open(t, mongotest.Collection(t), &Options[string, doc]{})
	v := newStamp(t)
	w := stores.Write[string, doc]{Key: "key", Record: stores.Record[doc]{Meta: stores.Meta{Version: v, Prev: v}, Value: newDoc(1)}, If: stores.IfOlder(v)}
	c, err := s.prepare(&w)
	if err != nil {
		t.Fatal(err)
	}
	raw := s.document(c)
	count := func(run func() error) float64 {
		least := math.Inf(1)
		for range 5 { // as the driver's own goroutines allocate too
			least = min(least, testing.AllocsPerRun(100, func() {
				if err := run(); err != nil {
					t.Fatal(err)
				}
			}))
		}
		return least
	}
	encode := count(func() error {
		c, err := s.prepare(&w)
		s.document(c)
		return err
	})
	decode := count(func() error {
		_, err := s.record(raw, c.id.canon)
		return err
	})
	marshal := count(func() error {
		_, err := bson.Marshal(w.Record.Value)
		return err
	})
	unmarshal := count(func() error {
		var d doc
		return bson.Unmarshal(raw, &d)
	})
	if encode > marshal+7 || decode > unmarshal {
		t.Errorf("encoding takes %v allocations, the driver's own %v; decoding %v, the driver's own %v", encode, marshal, decode, unmarshal)
	}
}
