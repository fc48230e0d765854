package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/internal/servers"
)

// quickMongo is quick with gentler rates, for a server that waits for the disk.
func quickMongo(t *testing.T) *config {
	t.Helper()
	c := quick(t)
	c.dir = ""
	c.records, c.writes, c.reads, c.copyRate = 2000, 40, 100, serverCopyRate
	return c
}

// at is a place in a database of a server, as the command line names it.
func at(t *testing.T, uri, database, collection string) target {
	t.Helper()
	hosts, options, _ := strings.Cut(uri, "/?")
	at, err := parseTarget(strings.TrimSuffix(hosts, "/") + "/" + database + "." + collection + "?" + options)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

var mongoLine = regexp.MustCompile(`\nRESULT ok requests=\d+ failed=0 lost=0 stale=0 resurrected=0 diverged=0 indeterminate=\d+ downtime_ms=0 ` +
	`copied=\d+ copy_rate=\d+/s p50_us=\d+ p99_us=\d+ outages=(\d+) outage_ms=\d+ failed_in_outage=(\d+) indeterminate_in_outage=(\d+)\n$`)

// runsOver runs the command and returns what it printed, and the counts of outages.
func runsOver(t *testing.T, c *config, out printed) (counts []string) {
	t.Helper()
	var errOut buffer
	code := quickstart(t.Context(), c, out, &errOut)
	counts = mongoLine.FindStringSubmatch(out.String())
	if code != exitOK || counts == nil {
		t.Fatalf("exit %d\n%s%s", code, out.String(), errOut.String())
	}
	return counts[1:]
}

// readmeCommand has the two places of the command in the README.
var readmeCommand = regexp.MustCompile(`(?m)^go run ./examples/quickstart -old mongodb://127\.0\.0\.1/quickstart\.(\w+) -new mongodb://127\.0\.0\.1/quickstart\.(\w+)$`)

// The command of the README, on another server and with fewer records.
func TestMongoDB(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	collections := readmeCommand.FindStringSubmatch(string(readme))
	if collections == nil {
		t.Fatal("the README has no such command")
	}
	db := mongotest.Database(t)
	c := quickMongo(t)
	c.old, c.new = at(t, mongotest.URI(t), db.Name(), collections[1]), at(t, mongotest.URI(t), db.Name(), collections[2])
	c.report = filepath.Join(t.TempDir(), "report.json")
	var out buffer
	if counts := runsOver(t, c, &out); fmt.Sprint(counts) != "[0 0 0]" {
		t.Errorf("outages of a server that was there: %v\n%s", counts, out.String())
	}
	if r := readReport(t, c.report); len(r.Flips) != len(way) || passed(r) < 1500 || !strings.Contains(out.String(), "0 of them differ") {
		t.Errorf("flips %v, copied %d\n%s", r.Flips, passed(r), out.String())
	}
	if names, err := db.ListCollectionNames(t.Context(), bson.D{}); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestBoltToMongoDB(t *testing.T) {
	t.Parallel()
	db := mongotest.Database(t)
	c := quickMongo(t)
	c.new = at(t, mongotest.URI(t), db.Name(), "new")
	if err := db.CreateCollection(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	var out buffer
	runsOver(t, c, &out)
	if !strings.Contains(out.String(), "what was written to "+c.new.shown+" is left there") {
		t.Errorf("the collection was there before, and nothing says what is left:\n%s", out.String())
	}
	newShape := bson.D{{Key: "location.lat", Value: bson.D{{Key: "$type", Value: "double"}}}}
	if n, err := db.Collection("new").CountDocuments(t.Context(), newShape); err != nil || n < 1500 {
		t.Errorf("%d documents in the new shape, %v", n, err)
	}
}

func TestMongoDBOwnRecords(t *testing.T) {
	t.Parallel()
	db := mongotest.Database(t)
	var lines strings.Builder
	for n := range 300 {
		fmt.Fprintf(&lines, `{"n":%d.10,"id":"r%d","tags":["a", {"deep":null}],"big":1234567890123456789012345678901234,"s":"\u00e9"}`+"\n", n, n)
	}
	c := quickMongo(t)
	c.records, c.input = 0, filepath.Join(t.TempDir(), "own.jsonl")
	c.old, c.new = at(t, mongotest.URI(t), db.Name(), "old"), at(t, mongotest.URI(t), db.Name(), "new")
	if err := os.WriteFile(c.input, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var out buffer
	runsOver(t, c, &out)
}

func TestMongoDBRefusesSomebodysData(t *testing.T) {
	db := mongotest.Database(t)
	if _, err := db.Collection("new").InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	c := quickMongo(t)
	c.records = 10
	c.old, c.new = at(t, mongotest.URI(t), db.Name(), "old"), at(t, mongotest.URI(t), db.Name(), "new")
	var out, errOut buffer
	if code := quickstart(t.Context(), c, &out, &errOut); code != exitUsage || !strings.Contains(errOut.String(), c.new.shown+" holds documents already") {
		t.Errorf("exit %d, %s", code, errOut.String())
	}
	names, err := db.ListCollectionNames(t.Context(), bson.D{})
	if n, countErr := db.Collection("new").CountDocuments(t.Context(), bson.D{}); err != nil || countErr != nil || n != 1 || len(names) != 1 {
		t.Errorf("what is left: %v, %d documents, %v, %v", names, n, err, countErr)
	}
}

// An import that fails leaves no collection behind, and says so where it was there before.
func TestMongoDBInterruptedImport(t *testing.T) {
	db := mongotest.Database(t)
	if err := db.CreateCollection(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	c := quickMongo(t)
	c.dir = t.TempDir()
	c.old, c.new = at(t, mongotest.URI(t), db.Name(), "old"), at(t, mongotest.URI(t), db.Name(), "new")
	sh := placeShape()
	var out buffer
	records := []record{{id: "good", line: []byte(vila)}, {id: "bad", line: []byte("{")}}
	if _, err := run(t.Context(), c, c.dir, &sh, records, newScreen(&out), nil); err == nil || !strings.Contains(err.Error(), `importing: `+c.old.shown+`: "bad"`) {
		t.Errorf("%v", err)
	}
	names, err := db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil || fmt.Sprint(names) != "[new]" || strings.Count(out.String(), "is left there") != 1 {
		t.Errorf("left: %v, %v\n%s", names, err, out.String())
	}
}

// restarter kills a server whenever it is told to, and starts it again at once where it was.
type restarter struct {
	t       *testing.T
	server  *servers.Process
	dir     string
	port    int
	running sync.WaitGroup
}

func newRestarter(t *testing.T) *restarter {
	t.Helper()
	servers.Need(t, servers.MongoDB())
	port, err := servers.StablePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := &restarter{t: t, dir: t.TempDir(), port: port}
	r.start()
	t.Cleanup(func() {
		r.running.Wait()
		if r.server == nil {
			return
		}
		if err := r.server.Kill(); err != nil { // nobody needs its data
			t.Error(err)
		}
	})
	return r
}

func (r *restarter) start() {
	var err error
	if r.server, err = servers.StartAt(context.WithoutCancel(r.t.Context()), servers.MongoDB(), r.dir, r.port); err != nil {
		r.t.Error(err)
	}
}

// kill returns at once. Calls must be further apart than a restart takes.
func (r *restarter) kill() {
	r.running.Wait()
	r.running.Go(func() {
		if err := r.server.Kill(); err != nil {
			r.t.Error(err)
		}
		r.start()
	})
}

// killing kills the server when the run prints one of the texts, each once.
type killing struct {
	buffer
	restarter *restarter
	texts     []string
	killed    int
}

func (k *killing) Write(p []byte) (int, error) {
	if k.killed < len(k.texts) && strings.Contains(string(p), k.texts[k.killed]) {
		k.killed++
		k.restarter.kill()
	}
	return k.buffer.Write(p)
}

// The server is killed when the copy begins, and when the next flip is made.
func TestMongoDBKilledTwice(t *testing.T) {
	t.Parallel()
	r := newRestarter(t)
	if t.Failed() {
		t.FailNow()
	}
	c := quickMongo(t)
	uri := mongotest.Address(r.server)
	c.old, c.new = at(t, uri, "quickstart", "old"), at(t, uri, "quickstart", "new")
	c.copyRate = 700
	out := &killing{restarter: r, texts: []string{"old-only → read-old/write-both", "the gate to read-new/write-both is open"}}
	counts := runsOver(t, c, out)
	// A server that is slow to come back may be gone more than once.
	if noticed, err := strconv.Atoi(counts[0]); err != nil || out.killed != len(out.texts) || noticed < out.killed {
		t.Errorf("killed %d times, and noticed %s", out.killed, counts[0])
	}
	t.Logf("in outages: %s failed, %s indeterminate\n%s", counts[1], counts[2], out.String())
}
