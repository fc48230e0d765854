package crossstore

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sys/unix"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores/mongostore"
)

// documents is how many documents are copied. The figures in the docs are of 500,000.
var documents = flag.Int("documents", 20_000, "documents that BenchmarkCopyMongoDB copies")

// place is a document of the size of those of the examples.
type place struct {
	ID       string    `bson:"_id"`
	Name     string    `bson:"name"`
	Country  string    `bson:"country"`
	Location []float64 `bson:"location"`
	Admin    struct {
		Level1 string `bson:"level1"`
		Level2 string `bson:"level2"`
	} `bson:"admin"`
	Note string `bson:"note"`
}

func newPlace(i int) place {
	p := place{ID: fmt.Sprintf("%08d", i*7919%100_000_000), Name: fmt.Sprint("Place ", i), Country: "AT", Location: []float64{16.3 + float64(i)/1e6, 48.2}}
	p.Admin.Level1, p.Admin.Level2 = "09", "900"
	p.Note = "a populated place of no particular interest, which has a note of a common length"
	return p
}

// batch is what both the bare loop and the copier write at a time.
const batch = 1000

// BenchmarkCopyMongoDB copies one collection to another: with the driver alone, and with the copier, over again, and
// verified. One operation is all of the documents; docs/s is what to compare.
func BenchmarkCopyMongoDB(b *testing.B) {
	db := mongotest.Database(b)
	from := db.Collection("from", options.Collection().SetWriteConcern(writeconcern.Majority()))
	load(b, from, *documents)
	names := 0
	target := func() *mongo.Collection {
		names++
		return db.Collection(fmt.Sprint("to", names), options.Collection().
			SetWriteConcern(writeconcern.Majority()).SetReadConcern(readconcern.Majority()))
	}
	b.Run("driver alone", func(b *testing.B) { measure(b, func() { bareCopy(b, from, target()) }) })
	old := openPlaces(b, from)
	var new placeStore
	b.Run("copy", func(b *testing.B) {
		measure(b, func() { new = openPlaces(b, target()); copyAll(b, old, new, int64(*documents)) })
	})
	b.Run("copy again", func(b *testing.B) { measure(b, func() { copyAll(b, old, new, 0) }) })
	b.Run("verify", func(b *testing.B) { measure(b, func() { verifyAll(b, old, new) }) })
}

// measure reports documents per second, and the time of this process's processors for each.
func measure(b *testing.B, run func()) {
	b.ReportAllocs()
	before, start := processorTime(b), time.Now()
	for b.Loop() {
		run()
	}
	n := float64(*documents) * float64(b.N)
	b.ReportMetric(n/time.Since(start).Seconds(), "docs/s")
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/n, "cpu-ns/doc")
}

func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func load(b *testing.B, to *mongo.Collection, n int) {
	b.Helper()
	docs := make([]any, 0, 10_000)
	for i := range n {
		if docs = append(docs, newPlace(i)); len(docs) == cap(docs) || i == n-1 {
			if _, err := to.InsertMany(b.Context(), docs); err != nil {
				b.Fatal(err)
			}
			docs = docs[:0]
		}
	}
}

// bareCopy is what somebody writes who wants it done: find, and unordered inserts.
func bareCopy(b *testing.B, from, to *mongo.Collection) {
	cursor, err := from.Find(b.Context(), bson.D{}, options.Find().SetBatchSize(batch))
	if err != nil {
		b.Fatal(err)
	}
	docs := make([]any, 0, batch)
	flush := func() {
		if len(docs) == 0 {
			return
		}
		if _, err := to.InsertMany(b.Context(), docs, options.InsertMany().SetOrdered(false)); err != nil {
			b.Fatal(err)
		}
		docs = docs[:0]
	}
	for cursor.Next(b.Context()) {
		var p place
		if err := cursor.Decode(&p); err != nil {
			b.Fatal(err)
		}
		if docs = append(docs, p); len(docs) == batch {
			flush()
		}
	}
	flush()
	if err := cursor.Err(); err != nil {
		b.Fatal(err)
	}
}

type placeStore = *mongostore.Store[string, place]

func openPlaces(b *testing.B, coll *mongo.Collection) placeStore {
	b.Helper()
	s, err := mongostore.New[string, place](b.Context(), coll, nil)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func copyAll(b *testing.B, from, to placeStore, applied int64) {
	report, err := copier.Copy(context.Background(), from, to, &copier.CopyOptions[place]{
		PassOptions: copier.PassOptions{Batch: batch, Workers: 4},
	})
	if err != nil || report.Applied != applied || report.Applied+report.AlreadyThere != int64(*documents) {
		b.Fatalf("%+v %v", report, err)
	}
}

func verifyAll(b *testing.B, from, to placeStore) {
	report, err := copier.Verify(context.Background(), from, to, &copier.VerifyOptions[place]{
		PassOptions: copier.PassOptions{Batch: batch, Workers: 4},
	})
	if err != nil || !report.Clean() || report.Same != int64(*documents) {
		b.Fatalf("%+v %v", report, err)
	}
}
