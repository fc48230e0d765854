package dynamostore

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores"
)

// replaceTable deletes the table of a store and makes another one of its name.
func replaceTable(t *testing.T, s *Store[string, note]) {
	t.Helper()
	client, name := newClient(t), s.table.name
	if _, err := client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
		t.Fatal(err)
	}
	gone := dynamodb.NewTableNotExistsWaiter(client, func(o *dynamodb.TableNotExistsWaiterOptions) { o.MinDelay = 20 * time.Millisecond })
	if err := gone.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	schema, defs := dynamotest.Key("id:S")
	if _, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: &name, KeySchema: schema, AttributeDefinitions: defs, BillingMode: types.BillingModePayPerRequest}); err != nil {
		t.Fatal(err)
	}
	dynamotest.Await(t, client, name)
}

// TestScanOfAReplacedTableIsNotComplete: the next page is one of an empty table of the same name. So is the next segment.
func TestScanOfAReplacedTableIsNotComplete(t *testing.T) {
	t.Parallel()
	for _, at := range []int{0, 1, 9, 10, 11, 29, 30} {
		s := notes(t, &Options[string, note]{PageSize: 10})
		if errs, err := s.PutMany(t.Context(), copyOf(30, 5)); errors.Join(append(errs, err)...) != nil {
			t.Fatal(errs, err)
		}
		if at == 0 {
			replaceTable(t, s)
		}
		read := 0
		_, ended := scanSome(t.Context(), s, "", nil, func(string) {
			if read++; read == at {
				replaceTable(t, s)
			}
		})
		if !errors.Is(ended, stores.ErrPermanent) || !strings.Contains(ended.Error(), "created again") {
			t.Errorf("at record %d: the scan has ended after %d with %v", at, read, ended)
		}
	}
}

// pages answers scans with pages of its own.
type pages []string

func (p *pages) Do(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".Scan") || len(*p) == 0 {
		return connections.Do(req)
	}
	body := (*p)[0]
	*p = (*p)[1:]
	resp := dynamotest.Answer(http.StatusOK, nil)
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return resp, nil
}

// TestScanOverOddPages: an empty page with a position is not the end, and one that repeats the position is none either.
func TestScanOverOddPages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after []int // the positions of empty pages, by the order in which the table gives its keys
		left  int   // keys behind the last of them, or 0 if the scan can not go on
	}{
		"empty":              {[]int{0}, 2},
		"empty ones":         {[]int{0, 1, 0}, 2},
		"the position again": {[]int{0, 0}, 0},
		"and again":          {[]int{0, 1, 1, 1}, 0},
	} {
		s := notes(t, nil)
		for i, key := range []string{"a", "b", "c"} {
			mustPut(t, s, blind(key, i+1))
		}
		var order []string
		if _, err := scanSome(t.Context(), s, "", nil, func(key string) { order = append(order, key) }); err != nil || len(order) != 3 {
			t.Fatal(order, err)
		}
		var answers pages
		for _, at := range tc.after {
			answers = append(answers, fmt.Sprintf(`{"Items":[],"Count":0,"LastEvaluatedKey":{"id":{"S":%q}}}`, order[at]))
		}
		s.client = newClient(t, func(o *dynamodb.Options) { o.HTTPClient = &answers })
		keys := 0
		_, err := scanSome(t.Context(), s, "", nil, func(string) { keys++ })
		if stuck := tc.left == 0; stuck != errors.Is(err, stores.ErrTransient) || stuck == (err == nil) || keys != tc.left {
			t.Errorf("%s: %d keys, %v", name, keys, err)
		}
	}
}
