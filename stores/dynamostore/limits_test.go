package dynamostore

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// TestLimitsOfValues: what Check says just below, at and above a limit of values is what DynamoDB does, and what Put says. Those that
// the test server does not know are marked.
func TestLimitsOfValues(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[string, Item](t, client, newTable(t, client, "id:S"), nil)
	digits := func(n int) string { return strings.Repeat("9", n) }
	set := func(n int) types.AttributeValue {
		if n == 0 {
			return &types.AttributeValueMemberSS{Value: []string{}}
		}
		return avSS("a", []string{"b", "a"}[n-1])
	}
	for name, c := range map[string]struct {
		key     string
		value   types.AttributeValue
		fits    bool
		unknown bool // to the test server
	}{
		"37 digits": {value: avN(digits(37)), fits: true}, "38 digits": {value: avN(digits(38)), fits: true}, "39 digits": {value: avN(digits(39))},
		"38 digits and zeros": {value: avN("0.000" + digits(38) + "000"), fits: true},
		"1E125":               {value: avN("1E125"), fits: true}, "9.99E125": {value: avN("9.99E125"), fits: true}, "1E126": {value: avN("1E126")}, "-1E126": {value: avN("-1E126")},
		"1E-130": {value: avN("1E-130"), fits: true}, "-1E-130": {value: avN("-1E-130"), fits: true}, "1E-131": {value: avN("1E-131")},
		"no number": {value: avN("one")}, "no digits": {value: avN("")}, "0": {value: avN("0"), fits: true},
		"set of none": {value: set(0)}, "set of two": {value: set(1), fits: true}, "set with one twice": {value: set(2)},
		"set with one number twice": {value: avNS("1", "1.0"), unknown: true},
		"empty text":                {value: avS(""), fits: true}, "empty bytes": {value: avB(""), fits: true}, "NULL that is false": {value: &types.AttributeValueMemberNULL{}, unknown: true},
		"key of 2047 bytes": {key: strings.Repeat("k", 2047), fits: true}, "key of 2048 bytes": {key: strings.Repeat("k", 2048), fits: true}, "key of 2049 bytes": {key: strings.Repeat("k", 2049), unknown: true},
		"31 levels": {value: levels(31), fits: true}, "30 levels": {value: levels(30), fits: true}, "32 levels": {value: levels(32)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stores.Write[string, Item]{Key: name + c.key, If: stores.IfOlder(stamp(1)), Record: stores.Record[Item]{Meta: stores.Meta{Version: stamp(1)}, Value: Item{}}}
			if c.key != "" {
				w.Key = c.key
			}
			if c.value != nil {
				w.Record.Value["f"] = c.value
			}
			check, put := s.Check(w), s.Put(t.Context(), w)
			if (check == nil) != c.fits || (put == nil) != c.fits || !c.fits && (!errors.Is(check, stores.ErrPermanent) || !errors.Is(put, stores.ErrPermanent)) {
				t.Errorf("Check says %v, Put %v", check, put)
			}
			if c.unknown || c.key != "" {
				return
			}
			w.Key += ", past Check"
			if server := past(t, s, w); (server == nil) != c.fits || !c.fits && !errors.Is(server, stores.ErrPermanent) {
				t.Errorf("the server says %v", server)
			}
		})
	}
}

func levels(n int) types.AttributeValue {
	av := avN("1")
	for range n {
		av = avL(av)
	}
	return av
}

// TestWhatEachCodeSays: content is refused with few codes, by design of the service; what else it answers may be mended, and what it does
// not say may have had an effect.
func TestWhatEachCodeSays(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]verdict{
		"ValidationError": tryAlone, "ItemCollectionSizeLimitExceeded": tryAlone, "AccessDenied": tryAlone, "ResourceNotFound": tryAlone,
		"DuplicateItem": isThere, "ConditionalCheckFailed": isThere,
		"ThrottlingError": notNow, "ProvisionedThroughputExceeded": notNow, "RequestLimitExceeded": notNow, "TransactionConflict": notNow,
		"InternalServerError": nobodyKnows, "ReplicaIsAway": nobodyKnows, "": nobodyKnows,
	} {
		if got := insertVerdict(&types.BatchStatementError{Code: types.BatchStatementErrorCodeEnum(code)}); got != want {
			t.Errorf("insertion, %q: %v, want %v", code, got, want)
		}
	}
	for _, known := range types.BatchStatementErrorCodeEnum("").Values() {
		if got := insertVerdict(&types.BatchStatementError{Code: known}); got == nobodyKnows && known != types.BatchStatementErrorCodeEnumInternalServerError {
			t.Errorf("insertion, %s: nobody knows", known)
		}
	}
}
