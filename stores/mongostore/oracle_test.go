package mongostore

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sync/errgroup"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/internal/servers"
)

// The server is the judge in all other tests, so it is judged first, without any of our code: one that fails these three
// is none to keep records on, and no other test says anything on it. (FerretDB 1 loses updates; mongo-java-server looks
// at the whole collection for each condition, and times out.)

// serverName is what the server says about itself, for the verdict.
func serverName(tb testing.TB, client *mongo.Client) string {
	tb.Helper()
	var info struct {
		Version string   `bson:"version"`
		Modules []string `bson:"modules"`
		Ferret  bson.M   `bson:"ferretdb,omitempty"`
	}
	if err := client.Database("admin").RunCommand(tb.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Decode(&info); err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("MongoDB server %s %v %v at %s", info.Version, info.Modules, info.Ferret, os.Getenv(mongotest.URIVariable))
}

func TestOracleConditionalUpdatesAddUp(t *testing.T) {
	t.Parallel()
	const writers, each = 32, 50
	coll, server := mongotest.Collection(t), serverName(t, mongotest.Client(t))
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "k"}, {Key: "n", Value: int64(0)}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var g errgroup.Group
	for range writers {
		g.Go(func() error {
			for range each {
				if err := increment(ctx, coll); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("%s is refused: conditional updates of one document: %v", server, err)
	}
	if n := stored(t, coll); n != writers*each {
		t.Fatalf("%s is refused: %d conditional updates were acknowledged, %d are stored", server, writers*each, n)
	}
}

// increment compares and sets until it wins.
func increment(ctx context.Context, coll *mongo.Collection) error {
	for {
		var doc struct{ N int64 }
		if err := coll.FindOne(ctx, bson.D{{Key: "_id", Value: "k"}}).Decode(&doc); err != nil {
			return err
		}
		r, err := coll.UpdateOne(ctx, bson.D{{Key: "_id", Value: "k"}, {Key: "n", Value: doc.N}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: doc.N + 1}}}})
		if err != nil || r.MatchedCount > 0 {
			return err
		}
	}
}

func stored(tb testing.TB, coll *mongo.Collection) int64 {
	tb.Helper()
	var doc struct{ N int64 }
	if err := coll.FindOne(tb.Context(), bson.D{{Key: "_id", Value: "k"}}).Decode(&doc); err != nil {
		tb.Fatal(err)
	}
	return doc.N
}

func TestOracleRefusedUpsertIsADuplicateKey(t *testing.T) {
	t.Parallel()
	coll, server := mongotest.Collection(t), serverName(t, mongotest.Client(t))
	upsert := func(n int) error {
		_, err := coll.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "k"}, {Key: "n", Value: bson.D{{Key: "$lt", Value: n}}}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: n}}}}, options.UpdateOne().SetUpsert(true))
		return err
	}
	if err := upsert(5); err != nil {
		t.Fatal(err)
	}
	if is, other := duplicate(upsert(3)); !is || other {
		t.Errorf("%s is refused: an upsert whose condition does not hold answers %v, want E11000 on _id", server, upsert(3))
	}
	if n := stored(t, coll); n != 5 {
		t.Errorf("%s is refused: a refused upsert left %d, want 5", server, n)
	}
}

func TestOracleAcknowledgedWritesSurviveAKill(t *testing.T) {
	t.Parallel()
	const writers = 8
	servers.Need(t, servers.MongoDB())
	dir := t.TempDir()
	p, err := servers.Start(t.Context(), servers.MongoDB(), dir)
	if err != nil {
		t.Fatal(err)
	}
	client := connect(t, mongotest.Address(p), retryWrites(false))
	server := serverName(t, client)
	coll := client.Database("d").Collection("c", options.Collection().SetWriteConcern(writeconcern.Majority()))
	acknowledged := make([]int, writers)
	enough := make(chan struct{})
	var once sync.Once
	var g sync.WaitGroup
	for w := range writers {
		g.Go(func() {
			for i := 0; ; i++ {
				if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: fmt.Sprint(w, "-", i)}}); err != nil {
					return // killed
				}
				acknowledged[w] = i + 1
				if i == 200 {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	g.Wait()
	if p, err = servers.Start(t.Context(), servers.MongoDB(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() }) // nobody needs its data
	coll = connect(t, mongotest.Address(p)).Database("d").Collection("c")
	for w, n := range acknowledged {
		for i := range n {
			if err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: fmt.Sprint(w, "-", i)}}).Err(); err != nil {
				t.Fatalf("%s is refused: write %d of %d that it acknowledged to writer %d: %v", server, i, n, w, err)
			}
		}
	}
}
