package mongostore

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
)

// A sample serves as long as about as many documents are there, for no more segments than it was made for.
func TestSamplesAreKept(t *testing.T) {
	t.Parallel()
	var samples atomic.Int32
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "aggregate" {
			samples.Add(1)
		}
	}}
	plain := mongotest.Collection(t)
	coll := mongotest.Connect(t, mongotest.URI(t), options.Client().SetMonitor(monitor)).Database(plain.Database().Name()).Collection(plain.Name())
	s := open(t, coll, &Options[string, bson.D]{})
	fill := func(from, to int) {
		var docs []any
		for i := from; i < to; i++ {
			docs = append(docs, bson.D{{Key: "_id", Value: fmt.Sprintf("%06d", i)}})
		}
		if _, err := plain.InsertMany(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	segments := func(n int, want int32) {
		t.Helper()
		segs, err := s.Segments(t.Context(), n)
		if err != nil || len(segs) != n {
			t.Fatalf("%d segments, %v", len(segs), err)
		}
		all := 0
		for _, seg := range segs {
			for _, err := range s.Scan(t.Context(), seg, nil) {
				if all++; err != nil {
					t.Fatal(err)
				}
			}
		}
		if count, err := plain.CountDocuments(t.Context(), bson.D{}); err != nil || int64(all) != count {
			t.Errorf("%d of %d documents are in %d segments, %v", all, count, n, err)
		}
		if got := samples.Load(); got != want {
			t.Errorf("%d samples for %d segments, want %d", got, n, want)
		}
	}
	fill(0, 1000)
	segments(4, 1)
	segments(4, 1)
	segments(3, 1)
	segments(8, 2)
	segments(4, 2)
	fill(1000, 1900)
	segments(4, 2)
	fill(1900, 2100)
	segments(4, 3)
}
