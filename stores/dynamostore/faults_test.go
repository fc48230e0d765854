package dynamostore

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// fault is something that happens to one request.
type fault string

const (
	throttled   fault = "throttled"    // refused by limits, no effect
	conflicting fault = "conflicting"  // refused by a transaction under way, no effect
	lostRequest fault = "lost request" // no answer, no effect
	lostAnswer1 fault = "lost answer"  // no answer, the effect is there
	serverError fault = "server error" // 500 after the effect
	partial     fault = "partial"      // some parts of a batch are left out, and said so
)

var allFaults = []fault{throttled, conflicting, lostRequest, lostAnswer1, serverError, partial}

// faulty is an HTTP client between the SDK and the server, where all that goes wrong on AWS can be made to go wrong.
type faulty struct {
	// decide is asked for each request, one at a time; "" is none.
	decide   func(op string, rng *rand.Rand) fault
	mu       sync.Mutex
	rng      *rand.Rand
	injected map[fault]int
	sent     atomic.Int64
}

func newFaulty(seed uint64, decide func(op string, rng *rand.Rand) fault) *faulty {
	return &faulty{decide: decide, rng: rand.New(rand.NewPCG(seed, 1)), injected: map[fault]int{}}
}

// with makes a client go through f, with the SDK's usual three attempts but next to no time between them.
func (f *faulty) with(o *dynamodb.Options) {
	o.HTTPClient = f
	o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxBackoff = time.Millisecond
		r.RateLimiter = ratelimit.None
	})
}

// errCut is one of those that the SDK sends a request again after.
var errCut = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// Do is one request.
func (f *faulty) Do(req *http.Request) (*http.Response, error) {
	f.sent.Add(1)
	op := req.Header.Get("X-Amz-Target")
	op = op[strings.LastIndexByte(op, '.')+1:]
	f.mu.Lock()
	kind := f.decide(op, f.rng)
	seed := f.rng.Uint64()
	f.injected[kind]++
	f.mu.Unlock()
	switch kind {
	case throttled:
		return answer(400, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "test"}), nil
	case conflicting:
		return conflict(req, op)
	case lostRequest:
		return nil, errCut
	case lostAnswer1:
		resp, err := connections.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		return nil, errors.Join(errCut, err)
	case serverError:
		resp, err := connections.Do(req)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return answer(500, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "test"}), nil
	case partial:
		return leaveOut(req, op, rand.New(rand.NewPCG(seed, 2)))
	default:
		return connections.Do(req)
	}
}

func answer(status int, body any) *http.Response {
	b, _ := json.Marshal(body)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)),
	}
}

// conflict is the answer of an operation that met a transaction: reads that are none of a transaction never do.
func conflict(req *http.Request, op string) (*http.Response, error) {
	reason := map[string]any{"Code": "TransactionConflict", "Message": "test"}
	switch op {
	case "PutItem", "UpdateItem", "DeleteItem":
		return answer(400, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": "test"}), nil
	case "TransactWriteItems", "TransactGetItems":
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		var in struct{ TransactItems []any }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		reasons := make([]any, len(in.TransactItems))
		for i := range reasons {
			reasons[i] = map[string]any{"Code": "None"}
		}
		reasons[0] = reason
		return answer(400, map[string]any{
			"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "Message": "test", "CancellationReasons": reasons,
		}), nil
	default:
		return connections.Do(req)
	}
}

// leaveOut carries out a part of a batch.
func leaveOut(req *http.Request, op string, rng *rand.Rand) (*http.Response, error) {
	part := map[string]func(*http.Request, *rand.Rand) (*http.Response, error){
		"BatchGetItem": leaveOutKeys, "BatchExecuteStatement": leaveOutStatements,
	}[op]
	if part == nil {
		return connections.Do(req)
	}
	return part(req, rng)
}

// exchange sends a changed body and decodes the answer; out is nil if that is an error.
func exchange(req *http.Request, in any) (resp *http.Response, out map[string]any, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, nil, err
	}
	again := req.Clone(req.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	again.Header.Del("Content-Length")
	if resp, err = connections.Do(again); err != nil || resp.StatusCode != http.StatusOK {
		return resp, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	return resp, out, json.NewDecoder(resp.Body).Decode(&out)
}

func body(req *http.Request) (in map[string]any, err error) {
	return in, json.NewDecoder(req.Body).Decode(&in)
}

func leaveOutKeys(req *http.Request, rng *rand.Rand) (*http.Response, error) {
	in, err := body(req)
	if err != nil {
		return nil, err
	}
	left := map[string]any{}
	for table, ask := range in["RequestItems"].(map[string]any) {
		ask := ask.(map[string]any)
		var now, later []any
		for _, key := range ask["Keys"].([]any) {
			if rng.IntN(3) == 0 {
				later = append(later, key)
			} else {
				now = append(now, key)
			}
		}
		if len(now) == 0 || len(later) == 0 {
			now, later = append(now, later...), nil
		}
		ask["Keys"] = now
		if later != nil {
			left[table] = map[string]any{"Keys": later}
		}
	}
	resp, out, err := exchange(req, in)
	if out == nil {
		return resp, err
	}
	out["UnprocessedKeys"] = left
	return answer(http.StatusOK, out), nil
}

// leaveOutStatements refuses some of the statements for now, and of others says that nobody knows.
func leaveOutStatements(req *http.Request, rng *rand.Rand) (*http.Response, error) {
	in, err := body(req)
	if err != nil {
		return nil, err
	}
	all := in["Statements"].([]any)
	errs := make([]any, len(all))
	var now []any
	for i, st := range all {
		switch rng.IntN(6) {
		case 0:
			errs[i] = map[string]any{"Code": []string{"ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", "RequestLimitExceeded"}[rng.IntN(4)], "Message": "test"}
		case 1:
			errs[i] = map[string]any{"Code": "InternalServerError", "Message": "test"}
			if rng.IntN(2) == 0 {
				now = append(now, st)
			}
		default:
			now = append(now, st)
		}
	}
	if len(now) == 0 {
		return connectionsWith(req, in)
	}
	in["Statements"] = now
	resp, out, err := exchange(req, in)
	if out == nil {
		return resp, err
	}
	got := out["Responses"].([]any)
	at := 0
	responses := make([]any, len(all))
	for i, st := range all {
		if at < len(now) && sameJSON(now[at], st) {
			responses[i] = got[at]
			at++
		}
		if errs[i] != nil {
			responses[i] = map[string]any{"Error": errs[i]}
		}
	}
	out["Responses"] = responses
	return answer(http.StatusOK, out), nil
}

func connectionsWith(req *http.Request, in any) (*http.Response, error) {
	resp, out, err := exchange(req, in)
	if out == nil {
		return resp, err
	}
	return answer(http.StatusOK, out), nil
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// seed is a new one each time; it is printed.
func seed(tb testing.TB) uint64 {
	n := rand.Uint64()
	tb.Logf("seed %d", n)
	return n
}
