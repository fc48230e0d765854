package dynamostore

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
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
	return dynamotest.Answer(http.StatusOK, map[string]any{"Responses": responses}), nil
}

// TestStatementsThatAreRefusedForNow: each is sent again by itself, with its own record; what failed on DynamoDB's side
// has an unknown outcome, what it can not take is tried alone.
func TestStatementsThatAreRefusedForNow(t *testing.T) {
	t.Parallel()
	for name, codes := range map[string][]string{
		"many": {"InternalServerError", "ThrottlingError", "TransactionConflict", "ValidationError", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "AccessDenied"},
		"two":  {"InternalServerError", "ThrottlingError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exact := notes(t, nil)
			r := &refusing{codes: codes}
			s := open[string, note](t, newClient(t, func(o *dynamodb.Options) { o.HTTPClient = r }), exact.table.name, nil)
			writes := copyOf(len(codes), 5)
			errs, err := s.PutMany(t.Context(), writes)
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range writes {
				got, err := stores.OrAbsent(exact.Get(t.Context(), w.Key))
				if err != nil {
					t.Fatal(err)
				}
				o, _ := stores.OutcomeOf(errs[i])
				switch {
				case i == 0 && (o != stores.OutcomeUnknown || !got.Version.IsAbsent()):
					t.Errorf("%s: %v, %+v", codes[i], errs[i], got)
				case i > 0 && (errs[i] != nil || got.Meta != w.Record.Meta || got.Value.N != int64(i)):
					t.Errorf("%s: %v, %+v", codes[i], errs[i], got)
				}
			}
			if r.calls != 2 {
				t.Errorf("%d batches, want 2", r.calls)
			}
		})
	}
}

// TestNamesInStatements: only names without any syntax are put into one.
func TestNamesInStatements(t *testing.T) {
	t.Parallel()
	text, ok := insertText("a-table.1", Item{"id": avS("k"), "b_c": avS("v")})
	if want := `INSERT INTO "a-table.1" VALUE {'b_c':?,'id':?}`; !ok || text != want {
		t.Errorf("%s, %v; want %s", text, ok, want)
	}
	for _, name := range []string{"it's", "a:b", "a b", `a"b`, "a?", "a{b", "ü", "", strings.Repeat("x", maxInsert)} {
		if text, ok := insertText("t", Item{name: avS("v")}); ok {
			t.Errorf("%.50q is put into %.80s", name, text)
		}
	}
}

// TestRoundsKeepTheOrderOfAKey: no round has a key twice, and each key's writes are in order.
func TestRoundsKeepTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	var jobs []*job
	for i, key := range []string{"a", "b", "a", "c", "a", "b"} {
		jobs = append(jobs, &job{change: &change{itemKey: itemKey{canonical: []byte(key)}}, at: i})
	}
	var got [][]int
	for _, round := range rounds(jobs) {
		var at []int
		for _, j := range round {
			at = append(at, j.at)
		}
		got = append(got, at)
	}
	if want := [][]int{{0, 1, 3}, {2, 5}, {4}}; !cmp.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
