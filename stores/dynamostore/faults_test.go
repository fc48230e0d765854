package dynamostore

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
)

type fault = dynamotest.Fault

const (
	throttled   = dynamotest.Throttled
	conflicting = dynamotest.Conflicting
	lostRequest = dynamotest.LostRequest
	lostAnswer1 = dynamotest.LostAnswer
	serverError = dynamotest.ServerError
	partial     = dynamotest.Partial
)

// faulty makes faults at requests, with the SDK's usual three attempts but next to no time between them.
type faulty struct{ *dynamotest.Faulty }

func newFaulty(seed uint64, decide func(op string, rng *rand.Rand) fault) *faulty {
	return &faulty{dynamotest.NewFaulty(seed, decide)}
}

func (f *faulty) with(o *dynamodb.Options) {
	f.Through(o)
	o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxBackoff = time.Millisecond
		r.RateLimiter = ratelimit.None
	})
}

// seed is a new one each time; it is printed.
func seed(tb testing.TB) uint64 {
	n := rand.Uint64()
	tb.Logf("seed %d", n)
	return n
}
