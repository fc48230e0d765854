package dynamotest

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
)

// Answer is one that no server has given.
func Answer(status int, body any) *http.Response {
	b, _ := json.Marshal(body)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)),
	}
}

// conflict is the answer of an operation that met a transaction: reads that are none of a transaction never do.
func (s *sender) conflict(req *http.Request, op string) (*http.Response, error) {
	reason := map[string]any{"Code": "TransactionConflict", "Message": "test"}
	switch op {
	case "PutItem", "UpdateItem", "DeleteItem":
		return Answer(400, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": "test"}), nil
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
		return Answer(400, map[string]any{
			"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "Message": "test", "CancellationReasons": reasons,
		}), nil
	default:
		return s.next.Do(req)
	}
}

// leaveOut carries out a part of a batch.
func (s *sender) leaveOut(req *http.Request, op string, rng *rand.Rand) (*http.Response, error) {
	part := map[string]func(*http.Request, *rand.Rand) (*http.Response, error){
		"BatchGetItem": s.leaveOutKeys, "BatchExecuteStatement": s.leaveOutStatements, "BatchWriteItem": s.leaveOutWrites,
	}[op]
	if part == nil {
		return s.next.Do(req)
	}
	return part(req, rng)
}

// exchange sends a changed body and decodes the answer; out is nil if that is an error.
func (s *sender) exchange(req *http.Request, in any) (resp *http.Response, out map[string]any, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, nil, err
	}
	again := req.Clone(req.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	again.Header.Del("Content-Length")
	if resp, err = s.next.Do(again); err != nil || resp.StatusCode != http.StatusOK {
		return resp, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	return resp, out, json.NewDecoder(resp.Body).Decode(&out)
}

func body(req *http.Request) (in map[string]any, err error) {
	return in, json.NewDecoder(req.Body).Decode(&in)
}

func (s *sender) leaveOutKeys(req *http.Request, rng *rand.Rand) (*http.Response, error) {
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
	resp, out, err := s.exchange(req, in)
	if out == nil {
		return resp, err
	}
	out["UnprocessedKeys"] = left
	return Answer(http.StatusOK, out), nil
}

func (s *sender) leaveOutWrites(req *http.Request, rng *rand.Rand) (*http.Response, error) {
	in, err := body(req)
	if err != nil {
		return nil, err
	}
	some, left := map[string]any{}, map[string]any{}
	for table, writes := range in["RequestItems"].(map[string]any) {
		writes := writes.([]any)
		now := rng.IntN(len(writes)) + 1
		if some[table] = writes[:now]; now < len(writes) {
			left[table] = writes[now:]
		}
	}
	in["RequestItems"] = some
	resp, out, err := s.exchange(req, in)
	if out == nil {
		return resp, err
	}
	out["UnprocessedItems"] = left
	return Answer(http.StatusOK, out), nil
}

// leaveOutStatements refuses some of the statements for now, and of others says that nobody knows.
func (s *sender) leaveOutStatements(req *http.Request, rng *rand.Rand) (*http.Response, error) {
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
		return s.whole(req, in)
	}
	in["Statements"] = now
	resp, out, err := s.exchange(req, in)
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
	return Answer(http.StatusOK, out), nil
}

// whole sends a batch that was only looked at.
func (s *sender) whole(req *http.Request, in any) (*http.Response, error) {
	resp, out, err := s.exchange(req, in)
	if out == nil {
		return resp, err
	}
	return Answer(http.StatusOK, out), nil
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
