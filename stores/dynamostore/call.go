package dynamostore

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dualwrite/dualwrite/stores"
)

// call is one call of the SDK, which may send several requests and shows only the last one's error. It looks at each of
// them: a write that was throttled in the end may have been carried out by an earlier request whose answer was lost.
type call struct {
	op              string
	sent, throttled int
	// doubt says that a request failed in a way after which nobody knows whether it had an effect.
	doubt bool
}

// options makes the SDK tell c about each request.
func (c *call) options(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(c, middleware.Before)
	})
}

// ID names the middleware.
func (*call) ID() string { return "dualwrite" }

// HandleDeserialize stands where each request goes out and its answer has been understood.
func (c *call) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	c.sent++
	out, md, err := next.HandleDeserialize(ctx, in)
	if err != nil {
		code := rejection(err)
		c.doubt = c.doubt || code == ""
		if throttles[code] {
			c.throttled++
		}
	}
	return out, md, err
}

// notConnected is what rejection returns for a request that was never sent.
const notConnected = "not connected"

// unknownOperation is the answer of a server that does not have the whole of DynamoDB's API, as that of ScyllaDB.
const unknownOperation = "UnknownOperationException"

// rejection is the code of an error after which the request certainly had no effect, or empty. DynamoDB says no with
// status 400 and a code; what has another status, no code, or is no answer at all may have been carried out.
func rejection(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return notConnected
		}
		return ""
	}
	var answer *smithyhttp.ResponseError
	switch {
	case !errors.As(err, &answer):
		return ""
	case answer.HTTPStatusCode() == http.StatusNotImplemented:
		return unknownOperation
	case answer.HTTPStatusCode()/100 != 4:
		return ""
	}
	switch code := api.ErrorCode(); code {
	case "UnknownError", // not DynamoDB's: a proxy's, for instance
		"TransactionInProgressException", "IdempotentParameterMismatchException": // an earlier one may have an effect
		return ""
	default:
		return code
	}
}

var throttles = map[string]bool{
	"ProvisionedThroughputExceededException": true,
	"ThrottlingException":                    true,
	"RequestLimitExceeded":                   true,
	"LimitExceededException":                 true,
	// As reasons of a transaction and codes of a batch.
	"ProvisionedThroughputExceeded": true,
	"ThrottlingError":               true,
}

// conflicts are answers to requests that met a transaction under way.
var conflicts = map[string]bool{"TransactionConflictException": true, "TransactionConflict": true}

// hopeless are rejections that the same request would get again.
var hopeless = map[string]bool{
	"ValidationException":                      true,
	"ItemCollectionSizeLimitExceededException": true,
	"SerializationException":                   true,
	unknownOperation:                           true,
	// As reasons of a transaction and codes of a batch.
	"ValidationError":                 true,
	"ItemCollectionSizeLimitExceeded": true,
}

// classify says what a failed write left behind.
func (c *call) classify(err error) error {
	switch {
	case err == nil || c.doubt:
		return err
	case hopeless[rejection(err)]:
		return stores.Permanent(err)
	default: // refused for now, or never sent
		return stores.Transient(err)
	}
}

// classifyRead says whether a read may succeed later. The end of the context passes through.
func classifyRead(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case hopeless[rejection(err)]:
		return stores.Permanent(err)
	default:
		return stores.Transient(err)
	}
}

// judge is the outcome of a write of which an earlier request may have had an effect, although its answer was lost. What
// the last one was answered says nothing then, unless what is stored shows the write: it may have been applied, and
// replaced by others since. (A copy of a record from before the SDK has no stamp to show. What refuses it is as good.)
func judge(m stores.Meta, doubt bool, err error) error {
	outcome, stored := stores.OutcomeOf(err)
	switch {
	case !doubt, outcome == stores.OutcomeApplied, outcome == stores.OutcomeUnknown:
		return err
	case outcome == stores.OutcomeRefused && (stored.Shows(m.Version) || m.Version.IsUnstamped()):
		return err
	default:
		return &lostAnswer{err}
	}
}

// lostAnswer is an unknown outcome. It has none of the classes of the last answer.
type lostAnswer struct{ last error }

func (e *lostAnswer) Error() string {
	return "an earlier request of the same write may have had an effect, as its answer was lost; the last answer: " + e.last.Error()
}

// bounded is a context with the deadline of one call.
func (s *Store[K, V]) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.opts.Timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.opts.Timeout)
}

// measure asks DynamoDB for what a call consumes, if somebody wants to know.
func (s *Store[K, V]) measure() types.ReturnConsumedCapacity {
	if s.opts.OnUsage == nil {
		return ""
	}
	return types.ReturnConsumedCapacityTotal
}

// report tells what a call took. A read's total is in read units, a write's in write units, unless they are told apart.
func (s *Store[K, V]) report(c *call, write bool, consumed ...types.ConsumedCapacity) {
	if s.opts.OnUsage == nil {
		return
	}
	u := Usage{Operation: c.op, Requests: c.sent, Throttled: c.throttled}
	for _, cc := range consumed {
		switch {
		case cc.ReadCapacityUnits != nil || cc.WriteCapacityUnits != nil:
			u.Read += aws.ToFloat64(cc.ReadCapacityUnits)
			u.Write += aws.ToFloat64(cc.WriteCapacityUnits)
		case write:
			u.Write += aws.ToFloat64(cc.CapacityUnits)
		default:
			u.Read += aws.ToFloat64(cc.CapacityUnits)
		}
	}
	s.opts.OnUsage(u)
}

// one makes a list of a capacity that may not be there.
func one(cc *types.ConsumedCapacity) []types.ConsumedCapacity {
	if cc == nil {
		return nil
	}
	return []types.ConsumedCapacity{*cc}
}

// refusedUnits estimates what a refused write consumed: the size of what is there, of which each KB is a unit.
func refusedUnits(item Item) *types.ConsumedCapacity {
	size, _ := itemSize(item, 0)
	return &types.ConsumedCapacity{CapacityUnits: aws.Float64(float64(max(1, (size+1023)/1024)))}
}

// sendTries bounds how often a request is repeated that certainly had no effect.
const sendTries = 10
