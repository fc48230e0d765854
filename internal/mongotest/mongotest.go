// Package mongotest gives tests collections on a real MongoDB server: one that it starts for the test binary, or the one
// that DUALWRITE_TEST_MONGODB_URI names.
package mongotest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/servers"
)

// URIVariable is the environment variable with the connection string of a server to test on instead of our own. Everything
// is done in databases whose names begin with "dualwrite_test_", which are dropped.
const URIVariable = "DUALWRITE_TEST_MONGODB_URI"

// shared is the server of this test binary.
var shared struct {
	sync.Mutex
	process *servers.Process
	dir     string
	client  *mongo.Client
}

var databases atomic.Int64

// Main runs the tests of a package and kills the server that they started, as nobody needs its data. Call it from TestMain, after goleak or not.
func Main(m *testing.M) (code int) {
	code = m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = shared.client.Disconnect(ctx)
	}
	if shared.process != nil {
		if err := shared.process.Kill(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		_ = os.RemoveAll(shared.dir)
	}
	return code
}

// URI is the connection string of the server that tests share. Without one the test skips, or fails where CI=true.
func URI(tb testing.TB) string {
	tb.Helper()
	if uri := os.Getenv(URIVariable); uri != "" {
		return uri
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.process == nil {
		servers.Need(tb, servers.MongoDB())
		dir, err := servers.Data()
		if err != nil {
			tb.Fatal(err)
		}
		shared.dir = dir
		if shared.process, err = servers.Start(context.Background(), servers.MongoDB(), dir); err != nil {
			tb.Fatal(err)
		}
	}
	return Address(shared.process)
}

// Address is the connection string of a server of one's own.
func Address(p *servers.Process) string { return "mongodb://" + p.Addr() + "/?directConnection=true" }

// Client is connected to the server that tests share.
func Client(tb testing.TB) *mongo.Client {
	tb.Helper()
	uri := URI(tb)
	shared.Lock()
	defer shared.Unlock()
	if shared.client == nil {
		client, err := mongo.Connect(options.Client().ApplyURI(uri))
		if err != nil {
			tb.Fatal(err)
		}
		shared.client = client
	}
	return shared.client
}

// Connect is a client of one's own, disconnected at the end of the test.
func Connect(tb testing.TB, uri string, opts ...*options.ClientOptions) *mongo.Client {
	tb.Helper()
	client, err := mongo.Connect(append([]*options.ClientOptions{options.Client().ApplyURI(uri)}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := client.Disconnect(context.WithoutCancel(tb.Context())); err != nil {
			tb.Errorf("disconnecting: %v", err)
		}
	})
	return client
}

// Database is a new one, dropped at the end of the test.
func Database(tb testing.TB) *mongo.Database {
	tb.Helper()
	name := fmt.Sprintf("dualwrite_test_%d_%d", os.Getpid(), databases.Add(1))
	db := Client(tb).Database(name)
	tb.Cleanup(func() {
		if err := db.Drop(context.WithoutCancel(tb.Context())); err != nil {
			tb.Errorf("dropping %s: %v", name, err)
		}
	})
	return db
}

// Collection is a new one that does not exist yet.
func Collection(tb testing.TB) *mongo.Collection {
	tb.Helper()
	return Database(tb).Collection("records")
}

// Plant stores a document as it is, also one with Timestamp(0,0), which the server replaces in an insert.
func Plant(ctx context.Context, coll *mongo.Collection, doc bson.Raw) error {
	if _, err := coll.InsertOne(ctx, doc); err != nil {
		return err
	}
	id := bson.D{{Key: "_id", Value: doc.Lookup("_id")}}
	if stored, err := coll.FindOne(ctx, id).Raw(); err != nil || bytes.Equal(stored, doc) {
		return err
	}
	as := []bson.D{{{Key: "$replaceWith", Value: bson.D{{Key: "$literal", Value: doc}}}}}
	_, err := coll.UpdateOne(ctx, id, as)
	return err
}

// Ours tells whether the server is the one that this package starts, which can be killed and told to fail.
func Ours() bool { return strings.TrimSpace(os.Getenv(URIVariable)) == "" }
