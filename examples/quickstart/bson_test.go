package main

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// throughBSON is a JSON value as it comes back from a document.
func throughBSON(t *testing.T, raw string) (string, bson.Type) {
	t.Helper()
	v, err := toBSON([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	doc, err := bson.Marshal(bson.D{{Key: "v", Value: v}})
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	back, err := appendBSON(nil, bson.Raw(doc).Lookup("v"))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return string(back), bson.Raw(doc).Lookup("v").Type
}

func TestBSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		json string
		kind bson.Type
	}{
		"null":                                  {"null", bson.TypeNull},
		"true":                                  {"true", bson.TypeBoolean},
		"false":                                 {"false", bson.TypeBoolean},
		`"a\u00e9<&>\n"`:                        {`"aé<&>\n"`, bson.TypeString},
		`""`:                                    {`""`, bson.TypeString},
		"0":                                     {"0", bson.TypeInt64},
		"-7":                                    {"-7", bson.TypeInt64},
		"9223372036854775807":                   {"9223372036854775807", bson.TypeInt64},
		"-9223372036854775808":                  {"-9223372036854775808", bson.TypeInt64},
		"9223372036854775808":                   {"9223372036854775808", bson.TypeDecimal128},
		"-0":                                    {"-0", bson.TypeDouble},
		"0.1":                                   {"0.1", bson.TypeDouble},
		"1.10":                                  {"1.1", bson.TypeDouble},
		"1e3":                                   {"1000", bson.TypeDouble},
		"100e-2":                                {"1", bson.TypeDouble},
		"1e400":                                 {"1E+400", bson.TypeDecimal128},
		"0.12345678901234567890123456789012":    {"0.12345678901234567890123456789012", bson.TypeDecimal128},
		"[]":                                    {"[]", bson.TypeArray},
		"{}":                                    {"{}", bson.TypeEmbeddedDocument},
		`{"b":1,"a":[1,{"x.y":null,"$z":"w"}]}`: {`{"b":1,"a":[1,{"x.y":null,"$z":"w"}]}`, bson.TypeEmbeddedDocument},
		"[ 1 , [ ] , { } , \"x\" ]":             {`[1,[],{},"x"]`, bson.TypeArray},
		strings.Repeat("[", 80) + strings.Repeat("]", 80): {strings.Repeat("[", 80) + strings.Repeat("]", 80), bson.TypeArray},
	} {
		got, kind := throughBSON(t, in)
		if got != want.json || kind != want.kind {
			t.Errorf("%s is %s as %v, want %s as %v", in, got, kind, want.json, want.kind)
		}
		if again, _ := throughBSON(t, got); again != got {
			t.Errorf("%s is not settled: then it is %s", got, again)
		}
	}
	for in, want := range map[string]string{
		"12345678901234567890123456789012345":     "more digits",
		"1e7000":                                  "more digits",
		"1e99999999999999999999":                  "more digits",
		"0.1234567890123456789012345678901234567": "more digits",
		`"\ud800"`:                                "no Unicode text",
		`{"\ud800":1}`:                            "no Unicode text",
		`{"a\u0000b":1}`:                          "zero byte",
		strings.Repeat("[", 99) + strings.Repeat("]", 99): "nested",
	} {
		if v, err := toBSON([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", in, v, err, want)
		}
	}
}

// A record over MongoDB is the same in both shapes, and the line that is imported says the same as the record.
func TestSettledDocs(t *testing.T) {
	t.Parallel()
	sh := docShape(true, false)
	rec, err := readRecord([]byte(`{"z": {"b":1, "a":1e3},"id":"r1","n":2.50,"s":"\u00e9","doc":{"doc":[]}}`), &sh)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"r1","doc":{"doc":{"doc":[]},"n":2.5,"s":"é","z":{"b":1,"a":1000}}}`; rec.text != want {
		t.Errorf("got %s, want %s", rec.text, want)
	}
	fromLine, err := sh.decodeOld(rec.line)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]documents[Doc]{"old": sh.oldDocuments, "new": sh.newDocuments} {
		back, err := throughDocument(d)(fromLine)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := sh.text(back); err != nil || text != rec.text {
			t.Errorf("%s: %s, %v, want %s", name, text, err, rec.text)
		}
	}
}

func throughDocument(o documents[Doc]) func(Doc) (Doc, error) {
	return func(d Doc) (Doc, error) {
		fields, err := o.encode(d)
		if err != nil {
			return d, err
		}
		doc, err := bson.Marshal(fields)
		if err != nil {
			return d, err
		}
		return o.decode(doc)
	}
}

func TestDocsThatNoDocumentHolds(t *testing.T) {
	t.Parallel()
	sh := docShape(true, false)
	for line, want := range map[string]string{
		`{"id":"a","_id":1}`:      `"_id" has a meaning of its own`,
		`{"id":"a","_dw":1}`:      `"_dw" has a meaning of its own`,
		`{"id":"a","":1}`:         "has no name",
		`{"id":"a","x.y":1}`:      `"x.y" has a dot`,
		`{"id":"a","$x":1}`:       `"$x" has a dot, a zero byte or a leading dollar`,
		`{"id":"a","x\u0000y":1}`: "zero byte",
		`{"id":"a","x":1e7000}`:   `"x": 1e7000 has more digits`,
		`{"id":"a","x":"` + strings.Repeat("x", maxDocument) + `"}`: "at most 16773120 are taken",
	} {
		if _, err := readRecord([]byte(line), &sh); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", shorten([]byte(line)), err, want)
		}
	}
}

// Places in both shapes as documents, empty divisions included.
func TestPlaceDocuments(t *testing.T) {
	t.Parallel()
	sh := placeShape()
	for _, line := range []string{vila, placeWith("admin1", `""`), placeWith("lat", `"-90"`)} {
		_, p, err := parsePlace([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		for name, d := range map[string]documents[Place]{"old": sh.oldDocuments, "new": sh.newDocuments} {
			fields, err := d.encode(p)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := bson.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := d.decode(doc); err != nil || back != p {
				t.Errorf("%s: %v is %+v, %v, want %+v", name, bson.Raw(doc), back, err, p)
			}
		}
	}
}
