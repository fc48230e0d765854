package dynamotest

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Fault is something that happens to one request; "" is none.
type Fault string

// The faults.
const (
	Throttled   Fault = "throttled"    // refused by limits, no effect
	Conflicting Fault = "conflicting"  // refused by a transaction under way, no effect
	LostRequest Fault = "lost request" // no answer, no effect
	LostAnswer  Fault = "lost answer"  // no answer, the effect is there
	ServerError Fault = "server error" // 500 after the effect
	Partial     Fault = "partial"      // some parts of a batch are left out, and said so
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{Throttled, Conflicting, LostRequest, LostAnswer, ServerError, Partial}
}

// Faulty stands between clients and the server, where all that goes wrong on AWS can be made to go wrong. Its methods are safe for
// concurrent use.
type Faulty struct {
	mu       sync.Mutex
	decide   func(op string, rng *rand.Rand) Fault
	rng      *rand.Rand
	injected map[Fault]int
	sent     atomic.Int64
}

// NewFaulty asks decide what happens to each request, by the name of its operation and one at a time.
func NewFaulty(seed uint64, decide func(op string, rng *rand.Rand) Fault) *Faulty {
	return &Faulty{decide: decide, rng: rand.New(rand.NewPCG(seed, 1)), injected: map[Fault]int{}}
}

// Decide replaces what decides.
func (f *Faulty) Decide(decide func(op string, rng *rand.Rand) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.decide = decide
}

// Sent is how many requests clients have sent.
func (f *Faulty) Sent() int64 { return f.sent.Load() }

// Injected is how often each fault has happened; under "" is how often none has.
func (f *Faulty) Injected() map[Fault]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.injected)
}

// Through makes a client send its requests through f, and then as it would have.
func (f *Faulty) Through(o *dynamodb.Options) { o.HTTPClient = &sender{f, o.HTTPClient} }

// sender is the HTTP client of one client.
type sender struct {
	faulty *Faulty
	next   dynamodb.HTTPClient
}

// errCut is one of those that the SDK sends a request again after.
var errCut = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// Do is one request.
func (s *sender) Do(req *http.Request) (*http.Response, error) {
	f := s.faulty
	f.sent.Add(1)
	op := req.Header.Get("X-Amz-Target")
	op = op[strings.LastIndexByte(op, '.')+1:]
	f.mu.Lock()
	kind := f.decide(op, f.rng)
	seed := f.rng.Uint64()
	f.injected[kind]++
	f.mu.Unlock()
	switch kind {
	case Throttled:
		return Answer(400, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "test"}), nil
	case Conflicting:
		return s.conflict(req, op)
	case LostRequest:
		return nil, errCut
	case LostAnswer:
		resp, err := s.next.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return nil, errors.Join(errCut, err)
	case ServerError:
		resp, err := s.next.Do(req)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return Answer(500, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "test"}), nil
	case Partial:
		return s.leaveOut(req, op, rand.New(rand.NewPCG(seed, 2)))
	default:
		return s.next.Do(req)
	}
}
