package dynamostore

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/stores"
)

// refusing answers the first batch of statements itself, and lets everything else through.
type refusing struct {
	codes []string
	calls int
}

func (r *refusing) Do(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".BatchExecuteStatement") {
		return connections.Do(req)
	}
	if r.calls++; r.calls > 1 {
		return connections.Do(req)
	}
	responses := make([]any, len(r.codes))
	for i, code := range r.codes {
		responses[i] = map[string]any{"Error": map[string]any{"Code": code, "Message": "test"}}
	}
	return answer(http.StatusOK, map[string]any{"Responses": responses}), nil
}

// TestStatementsThatAreRefusedForNow: each is sent again by itself, with its own record; what failed on DynamoDB's side
// has an unknown outcome, what it can not take is tried alone.
func TestStatementsThatAreRefusedForNow(t *testing.T) {
	t.Parallel()
	exact := notes(t, nil)
	r := &refusing{codes: []string{"InternalServerError", "ThrottlingError", "TransactionConflict", "ValidationError", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "AccessDenied"}}
	s := open[string, note](t, newClient(t, func(o *dynamodb.Options) { o.HTTPClient = r }), exact.table.name, nil)
	writes := copyOf(len(r.codes), 5)
	errs, err := s.PutMany(t.Context(), writes)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range writes {
		got, err := stores.OrAbsent(exact.Get(t.Context(), w.Key))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if o, _ := stores.OutcomeOf(errs[i]); o != stores.OutcomeUnknown || !got.Version.IsAbsent() {
				t.Errorf("%s: %v, %+v", r.codes[i], errs[i], got)
			}
			continue
		}
		if errs[i] != nil || got.Meta != w.Record.Meta || got.Value.N != int64(i) {
			t.Errorf("%s: %v, %+v", r.codes[i], errs[i], got)
		}
	}
	if r.calls != 2 {
		t.Errorf("%d batches, want 2", r.calls)
	}
}
