package dynamostore

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// lease is a value whose expiry is seconds, as Time to Live has them, or a text.
type lease struct {
	User string `dynamodbav:"user"`
	TTL  int64  `dynamodbav:"ttl,omitempty"`
	Text string `dynamodbav:"until,omitempty"`
}

func (l lease) expires() time.Time {
	if n, err := strconv.ParseInt(l.Text, 10, 64); err == nil {
		return time.Unix(n, 0)
	}
	return time.Unix(l.TTL, 0)
}

// TestExpiryIsAsDynamoDBSeesIt: what DynamoDB never removes is there: 0, which is how tables say never, what is more than five years
// past, and milliseconds in place of seconds.
func TestExpiryIsAsDynamoDBSeesIt(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open(t, client, newTable(t, client, "id:S"), &Options[string, lease]{ExpiresAt: lease.expires})
	s.now = func() time.Time { return noon }
	unix := noon.Unix()
	years := func(n int) int64 { return noon.AddDate(-n, 0, 0).Unix() }
	var passed, longPast int64
	for i, tc := range []struct {
		ttl                 int64
		expired, isLongPast bool
	}{
		{0, false, false},
		{unix + 1, false, false},
		{unix, true, false},
		{unix - 1, true, false},
		{years(5), true, false},
		{years(5) - 1, false, true},
		{years(30), false, true},
		{1, false, true},
		{-1, false, true},
		{-unix, false, true},
		{unix * 1000, false, false},
		{-unix * 1000, false, true},
		{math.MaxInt64, false, false},
		{math.MaxInt64 / 1000, false, false},
		{math.MinInt64, false, true},
	} {
		for _, m := range []stores.Meta{{Version: stamp(5)}, {Version: stores.Unstamped}} {
			key := fmt.Sprint(i, m.Version.IsUnstamped())
			mustPut(t, s, stores.Write[string, lease]{Key: key, Record: stores.Record[lease]{Meta: m, Value: lease{User: "u", TTL: tc.ttl}}, If: stores.IfOlder(m.Version)})
			r, err := stores.OrAbsent(s.Get(t.Context(), key))
			if err != nil || r.Live() == tc.expired {
				t.Errorf("%d: %+v, %v, want expired %v", tc.ttl, r, err, tc.expired)
			}
			refusal := s.Put(t.Context(), stores.Write[string, lease]{Key: key, Record: stores.Record[lease]{Meta: stores.Meta{Version: stamp(9)}}, If: stores.IfStamp(stamp(8))})
			if o, stored := stores.OutcomeOf(refusal); o != stores.OutcomeRefused || stored != r.Meta {
				t.Errorf("%d: %v, want it refused by %+v", tc.ttl, refusal, r.Meta)
			}
			if tc.expired && m.Version.IsUnstamped() {
				passed++
			}
			if tc.isLongPast {
				longPast++
			}
		}
	}
	for name, scan := range map[string]func(*stores.ExpiryCounts) error{
		"scan": func(c *stores.ExpiryCounts) (err error) {
			for _, each := range s.Scan(stores.CountExpiry(t.Context(), c), "", nil) {
				err = errors.Join(err, each)
			}
			return err
		},
		"noting": func(c *stores.ExpiryCounts) (err error) {
			for _, each := range stores.ScanNoting(stores.CountExpiry(t.Context(), c), s, "", nil) {
				err = errors.Join(err, each)
			}
			return err
		},
	} {
		var c stores.ExpiryCounts
		if err := scan(&c); err != nil || c.Passed.Load() != passed || c.LongPast.Load() != longPast {
			t.Errorf("%s counts %d passed over and %d long past, want %d and %d; %v", name, c.Passed.Load(), c.LongPast.Load(), passed, longPast, err)
		}
	}
}

// TestTimeToLiveGoesByNumbersOnly: DynamoDB passes over an attribute of another type, so that the item stays for ever.
func TestTimeToLiveGoesByNumbersOnly(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	table := newTable(t, client, "id:S")
	o := &Options[string, lease]{ExpiresAt: lease.expires}
	for attribute, there := range map[string]bool{"until": true, "ttl": false} {
		setTTL(t, client, table, attribute, true)
		s := open(t, client, table, o)
		s.now = func() time.Time { return noon }
		plant(t, client, table, Item{"id": avS("k"), "user": avS("u"), "until": avS(fmt.Sprint(noon.Unix() - 1))})
		r, err := stores.OrAbsent(s.Get(t.Context(), "k"))
		if err != nil || r.Live() != there {
			t.Errorf("Time to Live by %s: %+v, %v, want it there: %v", attribute, r, err, there)
		}
		w := stores.Write[string, lease]{Key: "k", Record: stores.Record[lease]{Meta: stores.Meta{Version: stamp(9)}}, If: stores.IfStamp(stamp(8))}
		if o, m := stores.OutcomeOf(s.Put(t.Context(), w)); o != stores.OutcomeRefused || m != r.Meta {
			t.Errorf("Time to Live by %s: outcome %d, %+v, want it refused by %+v", attribute, o, m, r.Meta)
		}
		setTTL(t, client, table, attribute, false)
	}
}

func setTTL(t *testing.T, client *dynamodb.Client, table, attribute string, enabled bool) {
	t.Helper()
	if _, err := client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(attribute), Enabled: aws.Bool(enabled)},
	}); err != nil {
		t.Fatal(err)
	}
}
