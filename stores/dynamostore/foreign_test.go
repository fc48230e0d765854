package dynamostore

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// TestKeysThatAreNone: a scan names each item whose key K can not hold, goes on, and can be resumed right after it.
func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	foreignTo[int64](t, nil, []string{"id:N"}, Item{"id": avN("1")},
		Item{"id": avN("2.5")}, Item{"id": avN("-0.001")}, Item{"id": avN("100000000000000000000")}, Item{"id": avN("12345678901234567890123456789012345.678")})
	foreignTo[digest](t, nil, []string{"id:B"}, Item{"id": avB("four")}, Item{"id": avB("\x00")}, Item{"id": avB("\xff\xfe")}, Item{"id": avB("more than four")})
	foreignTo[orderKey](t, nil, []string{"pk:S", "sk:N"}, Item{"pk": avS("t"), "sk": avN("7")},
		Item{"pk": avS("t"), "sk": avN("7.5")}, Item{"pk": avS("t"), "sk": avN("-7")}, Item{"pk": avS("[]"), "sk": avN("1e30")})
	foreignTo(t, users(func(s string) string { return s }), []string{"id:S"}, Item{"id": avS("USER#a")},
		Item{"id": avS("ORDER#1")}, Item{"id": avS(`"q" \ <&>`)}, Item{"id": avS("\u2028 ü \n\x00\x7f")}, Item{"id": avS("[\"1\"]")})
	foreignTo(t, users(strings.ToLower), []string{"id:S"}, Item{"id": avS("USER#a")}, Item{"id": avS("USER#A")}, Item{"id": avS("USER#B")})
	foreignTo[blob](t, nil, []string{"id:B"}, Item{"id": avB("a")}, Item{"id": avB(foreign + "[1]")})
}

// users are keys of one kind in a table of several.
func users(decode func(string) string) *Options[string, Item] {
	return &Options[string, Item]{
		EncodeKey: func(id string) (Item, error) { return Item{"id": avS("USER#" + id)}, nil },
		DecodeKey: func(m Item) (string, error) {
			id, ok := strings.CutPrefix(m["id"].(*types.AttributeValueMemberS).Value, "USER#")
			if !ok {
				return "", errors.New("no user")
			}
			return decode(id), nil
		},
	}
}

// foreignTo plants items of other keys around one whose key is good.
func foreignTo[K any](t *testing.T, o *Options[K, Item], schema []string, good Item, others ...Item) {
	t.Run(fmt.Sprintf("%T of %v", *new(K), schema), func(t *testing.T) {
		t.Parallel()
		client := newClient(t)
		table := newTable(t, client, schema...)
		for _, item := range append(others, good) {
			plant(t, client, table, item)
		}
		s := open(t, client, table, o)
		s.opts.PageSize = 2
		segs, err := s.Segments(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		all, goods := positions(t, s, "", nil)
		if len(all) != len(others)+1 || goods != 1 {
			t.Errorf("%d items, %d of them good; want %d and 1", len(all), goods, len(others)+1)
		}
		for _, seg := range append(segs, "") {
			all, _ := positions(t, s, seg, nil)
			for i, at := range all {
				again := open(t, client, table, o) // after a restart
				if rest, _ := positions(t, again, seg, at); !bytes.Equal(bytes.Join(rest, nil), bytes.Join(all[i+1:], nil)) {
					t.Errorf("after %s: %d items, want %d", stores.FormatKey(at), len(rest), len(all)-i-1)
				}
			}
		}
	})
}

// positions are the canonical keys of all items after one, good or bad.
func positions[K, V any](t *testing.T, s *Store[K, V], seg stores.Segment, after []byte) (all [][]byte, good int) {
	t.Helper()
	for e, err := range s.Scan(t.Context(), seg, after) {
		var bad *stores.RecordError
		switch {
		case len(all) > 100:
			t.Fatal("it goes round in circles")
		case errors.As(err, &bad):
			all = append(all, bad.Key)
			continue
		case err != nil:
			t.Fatalf("after %s: %v", stores.FormatKey(after), err)
		}
		good++
		canonical, err := s.Keys().Append(nil, e.Key)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, canonical)
	}
	return all, good
}

// TestKeyThatIsNamed: the error says the key as the table has it.
func TestKeyThatIsNamed(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[orderKey, Item](t, client, newTable(t, client, "pk:S", "sk:N"), nil)
	plant(t, client, s.table.name, Item{"pk": avS("ten\u00e4nt"), "sk": avN("7.50")})
	for _, err := range s.Scan(t.Context(), "", nil) {
		if err == nil || !strings.Contains(err.Error(), `["tenänt",7.5]`) {
			t.Error(err)
		}
	}
}

// TestPositionsThatAreNone are refused for good, and nothing is read.
func TestPositionsThatAreNone(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	s := open[orderKey, Item](t, client, newTable(t, client, "pk:S", "sk:N"), nil)
	for _, after := range []string{"", "x", `["a",1.5]`, foreign, foreign + `["a"]`, foreign + `["a","b"]`, foreign + `[1,1]`, foreign + `["",1]`, foreign + `["a",1],`} {
		n := 0
		for _, err := range s.Scan(t.Context(), "", []byte(after)) {
			if n++; !errors.Is(err, stores.ErrPermanent) {
				t.Errorf("%q: %v", after, err)
			}
		}
		if n != 1 {
			t.Errorf("%q: %d answers", after, n)
		}
	}
	if _, err := open[blob, Item](t, client, newTable(t, client, "id:B"), nil).Get(t.Context(), blob(foreign)); !errors.Is(err, stores.ErrPermanent) {
		t.Error(err)
	}
}
