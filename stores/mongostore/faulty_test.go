package mongostore

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/internal/servers"
	"github.com/dualwrite/dualwrite/stores"
)

// lossy is a dialer whose connections break after the server has answered certain commands, with the answer lost: what they
// did is done, and nobody has been told.
type lossy struct {
	left     atomic.Int64 // how many answers are still to be lost
	lost     atomic.Int64
	commands []string
}

func (l *lossy) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &lossyConn{Conn: conn, l: l}, nil
}

type lossyConn struct {
	net.Conn
	l    *lossy
	lose atomic.Bool
}

// Write sees each message of the driver as one: a header of 16 bytes, flags, a zero byte, and a document whose first field
// is the command.
func (c *lossyConn) Write(b []byte) (int, error) {
	const opMsg, command = 2013, 16 + 4 + 1 + 4 + 1
	if len(b) > command && binary.LittleEndian.Uint32(b[12:]) == opMsg {
		name, _, _ := strings.Cut(string(b[command:min(len(b), command+32)]), "\x00")
		if slices.Contains(c.l.commands, name) && c.l.left.Add(-1) >= 0 {
			c.lose.Store(true)
		}
	}
	return c.Conn.Write(b)
}

func (c *lossyConn) Read(b []byte) (int, error) {
	if !c.lose.Load() {
		return c.Conn.Read(b)
	}
	if _, err := io.ReadFull(c.Conn, make([]byte, 16)); err != nil {
		return 0, err
	}
	c.l.lost.Add(1)
	_ = c.Close()
	return 0, io.ErrUnexpectedEOF
}

// arm loses the answers to the next n commands.
func (l *lossy) arm(n int64) { l.lost.Store(0); l.left.Store(n) }

// failCommand makes the server fail commands; mode is "off", "alwaysOn" or {times: n} or {skip: n}.
func failCommand(tb testing.TB, client *mongo.Client, mode any, data bson.D) {
	tb.Helper()
	cmd := bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: mode}}
	if data != nil {
		cmd = append(cmd, bson.E{Key: "data", Value: data})
	}
	if err := client.Database("admin").RunCommand(tb.Context(), cmd).Err(); err != nil {
		tb.Fatal(err)
	}
}

func times(n int) bson.D { return bson.D{{Key: "times", Value: n}} }

// ownServer is a server that may be told to fail, and a client that the failures do not concern.
func ownServer(tb testing.TB) (*servers.Process, *mongo.Client) {
	tb.Helper()
	p := servers.ForTest(tb, servers.MongoDB())
	return p, mongotest.Connect(tb, mongotest.Address(p))
}

// connect is mongotest.Connect for a server that may not be there any more at the end of the test, to be told good-bye.
func connect(tb testing.TB, uri string, opts ...*options.ClientOptions) *mongo.Client {
	tb.Helper()
	client, err := mongo.Connect(append([]*options.ClientOptions{options.Client().ApplyURI(uri)}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 100*time.Millisecond)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client
}

func retryWrites(on bool) *options.ClientOptions { return options.Client().SetRetryWrites(on) }

// counter is a value that says by which write it was written.
type counter struct {
	N int64 `bson:"n"`
}

type (
	counterStore = Store[string, counter]
	counterWrite = stores.Write[string, counter]
)

// stampAt makes a stamp that sorts by n.
func stampAt(n int64) stores.Version {
	var s stores.Stamp
	binary.BigEndian.PutUint64(s[:], uint64(n))
	s[15] = 1
	return s.Version()
}

// put is a live write with stamp n.
func put(key string, n int64, cond stores.Condition) counterWrite {
	return counterWrite{Key: key, Record: stores.Record[counter]{Meta: stores.Meta{Version: stampAt(n)}, Value: counter{n}}, If: cond}
}

func blind(key string, n int64) counterWrite { return put(key, n, stores.IfOlder(stampAt(n))) }
