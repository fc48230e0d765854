package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/internal/cutproxy"
	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/internal/servers"
)

// limited refuses a tenth of all requests because of limits, and carries out no more than a part of every third batch.
func limited(op string, rng *rand.Rand) dynamotest.Fault {
	switch {
	case rng.IntN(10) == 0:
		return dynamotest.Throttled
	case strings.HasPrefix(op, "Batch") && rng.IntN(3) == 0:
		return dynamotest.Partial
	default:
		return ""
	}
}

// trouble is what happens to connections, one after the other, when the run prints a text.
type trouble struct {
	text  string
	steps []interruption
}

type interruption struct {
	begin func() (end func())
	lasts time.Duration
}

// troubled makes the troubles in their order, one at a time.
type troubled struct {
	buffer
	left    []trouble
	running sync.WaitGroup
}

func (o *troubled) Write(p []byte) (int, error) {
	if len(o.left) > 0 && strings.Contains(string(p), o.left[0].text) {
		now := o.left[0]
		o.left = o.left[1:]
		o.running.Wait()
		o.running.Go(func() {
			for _, s := range now.steps {
				end := s.begin()
				time.Sleep(s.lasts)
				end()
			}
		})
	}
	return o.buffer.Write(p)
}

func cut(p *cutproxy.Proxy) func() func() {
	return func() func() { p.Cut(); return p.Heal }
}

func stall(p *cutproxy.Proxy, d cutproxy.Direction) func() func() {
	return func() func() { return p.Stall(d) }
}

// ownMongoDB is the host of a server that the tests have started.
func ownMongoDB(t *testing.T) string {
	t.Helper()
	if !mongotest.Ours() {
		return servers.ForTest(t, servers.MongoDB()).Addr()
	}
	u, err := url.Parse(mongotest.URI(t))
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// Connections to both servers are cut and stalled in the middle of everything, and DynamoDB is at its limits all the time.
func TestMongoDBToDynamoDBWithFaults(t *testing.T) {
	mongo, dynamo := cutproxy.New(t, ownMongoDB(t)), cutproxy.New(t, ownServer(t))
	c := quickMongo(t)
	c.copyRate = 700
	limits := dynamotest.NewFaulty(c.seed, limited)
	c.old = at(t, "mongodb://"+mongo.Addr()+"/?directConnection=true", fmt.Sprintf("dualwrite_test_faults_%d", c.seed), "old")
	c.new = inTable(t, dynamo.Addr(), freshTable(t))
	c.new.attempt = attemptTimeout
	c.new.change = limits.Through
	out := &troubled{left: []trouble{
		{"old-only → read-old/write-both", []interruption{
			{cut(dynamo), 500 * time.Millisecond},
			{stall(mongo, cutproxy.Downstream), time.Second},
		}},
		{"the gate to read-new/write-both is open", []interruption{
			{cut(mongo), 500 * time.Millisecond},
			{stall(mongo, cutproxy.Upstream), time.Second},
		}},
		{"read-new/write-both → read-old/write-both", []interruption{
			// Longer than the client waits for an answer.
			{stall(dynamo, cutproxy.Downstream), attemptTimeout + time.Second},
		}},
		{"read-old/write-both → read-new/write-both", []interruption{
			{stall(dynamo, cutproxy.Upstream), time.Second},
			{cut(dynamo), 500 * time.Millisecond},
		}},
	}}
	if testing.Short() {
		out.left = out.left[:1]
	}
	// What follows each other closely is one outage or more, or none that a ping has met, by when the pings come.
	const want = 1
	counts := runsOver(t, c, out)
	out.running.Wait()
	outages, err := strconv.Atoi(counts[0])
	if injected := limits.Injected(); err != nil || len(out.left) > 0 || outages < want || injected[dynamotest.Throttled] < 100 || injected[dynamotest.Partial] == 0 {
		t.Errorf("%d outages noticed, want at least %d; %d troubles not made, injected %v", outages, want, len(out.left), injected)
	}
	t.Logf("in outages: %s failed, %s indeterminate; injected %v\n%s", counts[1], counts[2], limits.Injected(), out.String())
}

// What DynamoDB leaves out of a batch is sent again.
func TestImportAtTheLimits(t *testing.T) {
	t.Parallel()
	limits := dynamotest.NewFaulty(uint64(time.Now().UnixNano()), func(string, *rand.Rand) dynamotest.Fault { return dynamotest.Partial })
	target := inTable(t, ownServer(t), freshTable(t))
	target.change = limits.Through
	sh := placeShape()
	records, err := readInput(&config{records: 60}, &sh)
	if err != nil {
		t.Fatal(err)
	}
	p := &dynamoPlace[Place]{target: &target, shape: &sh, items: &sh.oldItems}
	if err := p.claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := 0
	fillErr := p.fill(t.Context(), records, func(n int) { done = n })
	stored, err := p.snapshot(t.Context())
	if fillErr != nil || err != nil || done != len(records) || len(stored) != len(records) {
		t.Fatalf("%v, %v: %d of %d items are there, and %d were said to be", fillErr, err, len(stored), len(records), done)
	}
	for _, r := range records {
		if text, err := p.text(&r, stored[r.id]); err != nil || text != r.text {
			t.Errorf("%q is %s, %v, want %s", r.id, text, err, r.text)
		}
	}
	if _, err := p.leave(t.Context(), false); err != nil {
		t.Error(err)
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
	if requests := limits.Injected()[dynamotest.Partial]; requests < 10 {
		t.Errorf("nothing was left out in %d requests", requests)
	}
}

// Limits are no outage: the server has answered.
func TestPingAtTheLimits(t *testing.T) {
	t.Parallel()
	for fault, answered := range map[dynamotest.Fault]bool{"": true, dynamotest.Throttled: true, dynamotest.LostRequest: false, dynamotest.ServerError: false} {
		faulty := dynamotest.NewFaulty(1, func(string, *rand.Rand) dynamotest.Fault { return fault })
		target := inTable(t, ownServer(t), dynamotest.Table(t, dynamotest.ClientAt("http://"+ownServer(t)), "id:S"))
		p := &dynamoPlace[Place]{target: &target}
		p.pinger = newDynamoClient(&target, unrepeated, faulty.Through)
		if err := p.ping(t.Context()); (err == nil) != answered || faulty.Sent() != 1 {
			t.Errorf("%q: %v after %d requests", fault, err, faulty.Sent())
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
}

// A connection that goes silent is given up, although nothing says when the request has to be done.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	proxy := cutproxy.New(t, ownServer(t))
	target := inTable(t, proxy.Addr(), "none")
	target.attempt = attemptTimeout
	var tried atomic.Int64
	release := proxy.Stall(cutproxy.Downstream)
	faulty := dynamotest.NewFaulty(1, func(string, *rand.Rand) dynamotest.Fault {
		if tried.Add(1) == 2 {
			release()
		}
		return ""
	})
	client := newDynamoClient(&target, faulty.Through)
	defer client.close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := client.ListTables(ctx, &dynamodb.ListTablesInput{}); err != nil || tried.Load() < 2 {
		t.Errorf("%v after %d attempts", err, tried.Load())
	}
}
