package mongostore

import (
	"math"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dualwrite/dualwrite/internal/mongotest"
	"github.com/dualwrite/dualwrite/stores"
)

// lease expires at its seconds or at the earliest of its dates, as a TTL index has it.
type lease struct {
	TTL int64       `bson:"ttl,omitempty"`
	At  []time.Time `bson:"at,omitempty"`
}

func (l lease) expires() time.Time {
	if len(l.At) > 0 {
		return slices.MinFunc(l.At, time.Time.Compare)
	}
	return time.Unix(l.TTL, 0)
}

// TestExpiryIsAsMongoDBSeesIt: Unix 0 is how many say "never", unless a TTL index would remove it; milliseconds in place of seconds are
// far away; of several dates the earliest counts. Scans of each kind count what they pass over.
func TestExpiryIsAsMongoDBSeesIt(t *testing.T) {
	t.Parallel()
	for name, ttl := range map[string]bool{"plain": false, "TTL index": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coll := mongotest.Collection(t)
			if ttl { // the removal itself would be in the way
				index := mongo.IndexModel{Keys: bson.D{{Key: "at", Value: 1}}, Options: options.Index().SetExpireAfterSeconds(math.MaxInt32)}
				if _, err := coll.Indexes().CreateOne(t.Context(), index); err != nil {
					t.Fatal(err)
				}
			}
			s := open(t, coll, &Options[string, lease]{ExpiresAt: lease.expires})
			now := time.Now()
			passed, longPast := 0, 0
			for key, tc := range map[string]struct {
				lease
				there, longPast bool
			}{
				"zero":         {lease{}, !ttl, ttl},
				"negative":     {lease{TTL: -5}, !ttl, ttl},
				"the epoch":    {lease{At: []time.Time{time.Unix(0, 0)}}, !ttl, ttl},
				"years ago":    {lease{TTL: now.AddDate(-6, 0, 0).Unix()}, false, true},
				"just now":     {lease{TTL: now.Unix() - 1}, false, false},
				"later":        {lease{TTL: now.Unix() + 1000}, true, false},
				"milliseconds": {lease{TTL: now.UnixMilli()}, true, false},
				"the last":     {lease{TTL: math.MaxInt64}, true, false},
				"two dates":    {lease{At: []time.Time{future, now.Add(-time.Hour)}}, false, false},
				"two futures":  {lease{At: []time.Time{future, now.Add(time.Hour)}}, true, false},
			} {
				for prefix, version := range map[string]stores.Version{"": stores.Unstamped, "stamped-": stampAt(5)} {
					w := stores.Write[string, lease]{Key: prefix + key, Record: stores.Record[lease]{Meta: stores.Meta{Version: version}, Value: tc.lease}, If: stores.IfOlder(version)}
					if err := s.Put(t.Context(), w); err != nil {
						t.Fatal(err)
					}
					r, err := stores.OrAbsent(s.Get(t.Context(), w.Key))
					if err != nil || r.Live() != tc.there {
						t.Errorf("%s: %+v, %v, want it there: %v", w.Key, r, err, tc.there)
					}
					if !tc.there && version.IsUnstamped() {
						passed++
					}
					if tc.longPast {
						longPast++
					}
				}
			}
			expectExpiryCounts(t, s, int64(passed), int64(longPast))
		})
	}
}

func expectExpiryCounts(t *testing.T, s *Store[string, lease], passed, longPast int64) {
	t.Helper()
	for i := range 3 {
		var c stores.ExpiryCounts
		ctx := stores.CountExpiry(t.Context(), &c)
		scan := s.Scan(ctx, "", nil)
		switch i {
		case 1:
			scan = stores.ScanNoting(ctx, s, "", nil)
		case 2:
			scan = stores.ScanMeta(ctx, s, "", nil)
		}
		for _, err := range scan {
			if err != nil {
				t.Error(err)
			}
		}
		if c.Passed.Load() != passed || c.LongPast.Load() != longPast {
			t.Errorf("scan %d counts %d passed over and %d long past, want %d and %d", i, c.Passed.Load(), c.LongPast.Load(), passed, longPast)
		}
	}
}
