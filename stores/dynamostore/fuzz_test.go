package dynamostore

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/internal/hostile"
)

// FuzzNumber: a number that is taken has one form, which is read as the same number.
func FuzzNumber(f *testing.F) {
	for _, n := range hostile.Numbers() {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseNumber(s)
		if err != nil {
			return
		}
		plain := d.String()
		again, err := parseNumber(plain)
		if err != nil || again != d || again.String() != plain {
			t.Fatalf("%q is %q, which is %+v, %v; it was %+v", s, plain, again, err, d)
		}
		if p, err := plainNumber(s); err != nil || p != plain {
			t.Fatalf("%q is %q and %q, %v", s, plain, p, err)
		}
	})
}

// FuzzKey: the canonical form of a key is read as the same key, and no two keys have one.
func FuzzKey(f *testing.F) {
	for i, text := range hostile.Texts() {
		f.Add(text, int64(i), []byte(text))
	}
	type key struct {
		Tenant string `dynamodbav:"tenant"`
		N      int64  `dynamodbav:"n"`
	}
	codec, err := KeysOf[key]()
	bytes, err2 := KeysOf[[]byte]()
	if err != nil || err2 != nil {
		f.Fatal(err, err2)
	}
	f.Fuzz(func(t *testing.T, tenant string, n int64, b []byte) {
		k := key{tenant, n}
		if canon, err := codec.Append(nil, k); err == nil {
			back, err := codec.Parse(canon)
			if err != nil || back != k {
				t.Fatalf("%+v is %q, which is %+v, %v", k, canon, back, err)
			}
		}
		if canon, err := bytes.Append(nil, b); err == nil {
			back, err := bytes.Parse(canon)
			if err != nil || !cmp.Equal(b, back) {
				t.Fatalf("%x is %x, which is %x, %v", b, canon, back, err)
			}
		}
		if back, err := codec.Parse(b); err == nil { // what is read is written as it was read
			if canon, err := codec.Append(nil, back); err != nil || string(canon) != string(b) {
				t.Fatalf("%q was read as %+v, which is %q, %v", b, back, canon, err)
			}
		}
	})
}
