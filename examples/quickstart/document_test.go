package main

import (
	"strings"
	"testing"
)

func TestDocs(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"id":"a"}`: `{"id":"a","doc":{}}`,
		`{"n":12345678901234567890.10,"id":"é","doc":{"id":1}}`:      `{"id":"é","doc":{"doc":{"id":1},"n":12345678901234567890.10}}`,
		`{"id":"a","x": [1, -0, 1e400, null], "s":"<&>\u00e9"}`:      `{"id":"a","doc":{"s":"<&>\u00e9","x":[1,-0,1e400,null]}}`,
		`{"id":"\u0041","z":{"b":1,"a":{"id":"not mine"}},"y":null}`: `{"id":"A","doc":{"y":null,"z":{"b":1,"a":{"id":"not mine"}}}}`,
	} {
		sh := docShape(false, false)
		rec, err := readRecord([]byte(line), &sh)
		if err != nil {
			t.Fatal(err)
		}
		if rec.text != want {
			t.Errorf("%s is %s in the new shape, want %s", line, rec.text, want)
		}
		// What the service reads from the old place, from the line as it was imported and from what it writes itself.
		old := rec.line
		for range 2 {
			d, err := sh.decodeOld(old)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := sh.text(d); err != nil || text != want {
				t.Errorf("%s in the old shape is %s in the new one, %v", old, text, err)
			}
			if old, err = sh.encodeOld(nil, d); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestBadDocs(t *testing.T) {
	t.Parallel()
	sh := docShape(false, false)
	for line, want := range map[string]string{
		`{"name":"x"}`:               "there is no id",
		`{"id":7}`:                   "id is 7, want a string",
		`{"id":null}`:                "id is null, want a string",
		`{"id":""}`:                  "the id is empty",
		`{"id":"\ud83d"}`:            "no Unicode text",
		`{"id":"a","_quickstart":1}`: "live writers",
		`{"id":"a","x":1,"x":2}`:     `"x" is there twice`,
		`{"id":"a","x":01}`:          "not a JSON object",
	} {
		if _, err := readRecord([]byte(line), &sh); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestEditDoc(t *testing.T) {
	t.Parallel()
	sh := docShape(false, false)
	text := `{"id":"a","doc":{"n":1.0}}`
	for _, n := range []int64{5, 8} {
		var err error
		if text, err = sh.edited(text, n); err != nil {
			t.Fatal(err)
		}
	}
	if want := `{"id":"a","doc":{"_quickstart":{"edits":2,"write":8},"n":1.0}}`; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}
