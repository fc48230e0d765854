package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	vila    = `{"id":"AD-00001","name":"Vila","lat":"42.53176","lng":"1.56654","country":"AD","admin1":"03","admin2":""}`
	tarter  = `{"id":"AD-00002","name":"El Tarter","lat":"42.57952","lng":"1.65362","country":"AD","admin1":"02","admin2":"7"}`
	vilaNew = `{"id":"AD-00001","name":"Vila","country":"AD","location":{"lon":1.56654,"lat":42.53176},"admin":{"level1":"03"}}`
)

// Every embedded place is taken, and is the same after it was mapped to the new shape and back.
func TestAllPlaces(t *testing.T) {
	t.Parallel()
	in, err := openInput("")
	if err != nil {
		t.Fatal(err)
	}
	sh := placeShape()
	records, err := readRecords(in, 0, &sh)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 171_075 {
		t.Errorf("%d records, want 171,075", len(records))
	}
	for _, r := range records {
		p, err := sh.decodeNew([]byte(r.text))
		if err != nil {
			t.Fatal(err)
		}
		back, err := sh.encodeOld(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back, r.line) {
			t.Fatalf("%s came back as %s", r.line, back)
		}
	}
}

func TestReadRecordsSorted(t *testing.T) {
	t.Parallel()
	sh := placeShape()
	got, err := readRecords(strings.NewReader(tarter+"\n\n  "+vila+"\r\n"), 0, &sh)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].id != "AD-00001" || string(got[0].line) != vila || got[0].text != vilaNew {
		t.Errorf("got %+v", got)
	}
	if got, err = readRecords(strings.NewReader(tarter+"\nrubbish"), 1, &sh); err != nil || len(got) != 1 {
		t.Errorf("with a limit of 1: %d records, %v", len(got), err)
	}
}

// place is vila with one field replaced; "" removes it.
func placeWith(field, raw string) string {
	before := map[string]string{
		"id": `"AD-00001"`, "name": `"Vila"`, "lat": `"42.53176"`, "lng": `"1.56654"`, "country": `"AD"`, "admin1": `"03"`, "admin2": `""`,
	}
	before[field] = raw
	var parts []string
	for _, name := range append([]string{"more"}, placeFields...) {
		if before[name] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, before[name]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestBadPlaces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, want string }{
		"no JSON":          {`rubbish`, "not a JSON object"},
		"an array":         {`[1]`, "not a JSON object"},
		"cut off":          {vila[:40], "ends too early"},
		"two objects":      {vila + tarter, "more on the line"},
		"field twice":      {`{"id":"a","id":"b"}`, `"id" is there twice`},
		"not UTF-8":        {placeWith("name", "\"\xff\""), "not valid UTF-8"},
		"half a surrogate": {placeWith("name", `"\ud800"`), "no Unicode text"},
		"missing":          {placeWith("country", ""), "country is missing"},
		"other case":       {strings.Replace(vila, `"lat"`, `"LAT"`, 1), "lat is missing"},
		"unknown":          {placeWith("more", "1"), `"more" has no counterpart`},
		"number":           {placeWith("lat", "42.5"), "lat is 42.5, want a string"},
		"null":             {placeWith("admin1", "null"), "admin1 is null, want a string"},
		"empty id":         {placeWith("id", `""`), "the id is empty"},
		"long id":          {placeWith("id", `"`+strings.Repeat("x", 1025)+`"`), "1025 bytes"},
		"lat empty":        {placeWith("lat", `""`), `lat: "" is no plain decimal`},
		"lat text":         {placeWith("lat", `"north"`), `lat: "north" is no plain decimal`},
		"lat exponent":     {placeWith("lat", `"4e1"`), `lat: "4e1" is no plain decimal`},
		"lat hex":          {placeWith("lat", `"0x10"`), `lat: "0x10" is no plain decimal`},
		"lat plus":         {placeWith("lat", `"+4"`), `lat: "+4" is no plain decimal`},
		"lat NaN":          {placeWith("lat", `"NaN"`), `lat: "NaN" is no plain decimal`},
		"lat point":        {placeWith("lat", `"4."`), `lat: "4." is no plain decimal`},
		"lat -0":           {placeWith("lat", `"-0.000"`), "negative zero"},
		"lat too far":      {placeWith("lat", `"90.1"`), "not between -90 and 90"},
		"lng too far":      {placeWith("lng", `"-180.00001"`), "not between -180 and 180"},
		"lng too exact":    {placeWith("lng", `"1.566540000000000000001"`), "more digits"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := placeShape()
			_, err := readRecords(strings.NewReader(tarter+"\n\n"+c.line+"\n"), 0, &sh)
			if err == nil || !strings.Contains(err.Error(), "line 3: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want line 3 and %q", c.line, err, c.want)
			}
		})
	}
}

func TestNumericallyEqualPlaces(t *testing.T) {
	t.Parallel()
	sh := placeShape()
	for _, lat := range []string{"42.53176", "42.531760", "042.53176"} {
		rec, err := readRecord([]byte(placeWith("lat", `"`+lat+`"`)), &sh)
		if err != nil || rec.text != vilaNew {
			t.Errorf("lat %s: %s, %v", lat, rec.text, err)
		}
	}
	both := placeWith("admin1", `""`)
	if rec, err := readRecord([]byte(both), &sh); err != nil || strings.Contains(rec.text, "admin") {
		t.Errorf("empty levels are kept: %s, %v", rec.text, err)
	}
}

func TestDuplicateIDs(t *testing.T) {
	t.Parallel()
	sh := docShape(false, false)
	_, err := readRecords(strings.NewReader(`{"id":"a"}`+"\n"+`{"id":"b"}`+"\n"+`{"id":"a","x":1}`), 0, &sh)
	if err == nil || !strings.Contains(err.Error(), `line 3: the id "a" is that of line 1`) {
		t.Error(err)
	}
}

func TestManyBadLines(t *testing.T) {
	t.Parallel()
	sh := docShape(false, false)
	_, err := readRecords(strings.NewReader(strings.Repeat("x\n", 100)), 0, &sh)
	if err == nil || strings.Count(err.Error(), "line ") != maxBadLines || !strings.Contains(err.Error(), "there may be more") {
		t.Error(err)
	}
	if _, err = readRecords(strings.NewReader(" \n"), 0, &sh); err == nil {
		t.Error("no records at all were taken")
	}
	if _, err = readRecords(strings.NewReader("{}\n"+strings.Repeat("x", maxLine+1)), 0, &sh); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a line that is too long: %v", err)
	}
}

func TestArePlaces(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{vila: true, placeWith("more", "1"): false, placeWith("lat", ""): false, `{"id":"a"}`: false, "x": false, "": false} {
		if got, err := arePlaces(strings.NewReader(line)); got != want || err != nil {
			t.Errorf("%s: %v, %v", line, got, err)
		}
	}
}

func TestOpenInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := fmt.Fprintln(z, vila)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"a.jsonl": []byte(vila), "a.jsonl.gz": packed.Bytes(), "bad.gz": []byte(vila)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a.jsonl", "a.jsonl.gz"} {
		in, err := openInput(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if yes, err := arePlaces(in); !yes || err != nil {
			t.Errorf("%s: %v, %v", name, yes, err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"bad.gz", "none"} {
		if _, err := openInput(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

func TestEditPlace(t *testing.T) {
	t.Parallel()
	p := Place{Name: "Vila", Location: Location{Lon: 1.56654}}
	editPlace(&p, 7)
	editPlace(&p, 9)
	if diff := cmp.Diff(Place{Name: "Vila #9", Location: Location{Lon: 1.56656}}, p); diff != "" {
		t.Error(diff)
	}
	for from, want := range map[float64]float64{180: -179.99999, -0.00001: 0, 179.99999: 180} {
		p := Place{Location: Location{Lon: from}}
		editPlace(&p, 1)
		back, err := p.old().place()
		if p.Location.Lon != want || err != nil || back.Location != p.Location {
			t.Errorf("from %v to %v, want %v; in the old shape %v, %v", from, p.Location.Lon, want, back.Location, err)
		}
	}
	if _, err := freshPlace("x", 3_599_999).old().place(); err != nil {
		t.Error(err)
	}
}
