package main

import (
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]target{
		"":           {},
		"a/b.bolt":   {file: "a/b.bolt"},
		"mongodb":    {file: "mongodb"},
		"my.db.bolt": {file: "my.db.bolt"},
		"mongodb://h/db.c": {
			uri: "mongodb://h/", database: "db", collection: "c", shown: "mongodb://h/db.c",
		},
		"mongodb://u:p%40ss@h1:1,h2:2/db.c.d%20e?replicaSet=r&tls=true": {
			uri: "mongodb://u:p%40ss@h1:1,h2:2/?replicaSet=r&tls=true", database: "db", collection: "c.d e", shown: "mongodb://h1:1,h2:2/db.c.d e",
		},
		"mongodb+srv://h/db.c?": {
			uri: "mongodb+srv://h/?", database: "db", collection: "c", shown: "mongodb+srv://h/db.c",
		},
		"dynamodb://127.0.0.1:8000/places": {
			endpoint: "http://127.0.0.1:8000", table: "places", shown: "dynamodb://127.0.0.1:8000/places",
		},
		"dynamodb://[::1]:8000/a.b_c-D1": {
			endpoint: "http://[::1]:8000", table: "a.b_c-D1", shown: "dynamodb://[::1]:8000/a.b_c-D1",
		},
	} {
		got, err := parseTarget(in)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(target{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", in, err, diff)
		}
	}
	for _, in := range []string{
		"postgres://h/db.c", "mongodb://", "mongodb:///db.c", "mongodb://h", "mongodb://h/", "mongodb://h/db", "mongodb://h/db.", "mongodb://h/.c",
		"mongodb://h/db?x=y.z", "mongodb://h/d%zz.c",
	} {
		if got, err := parseTarget(in); err == nil || !strings.Contains(err.Error(), "DATABASE.COLLECTION") {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
}

// Without a server and its port there is none to fall back to, least of all AWS.
func TestParseTable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"dynamodb://":                     "names no server",
		"dynamodb:///places":              "names no server",
		"dynamodb://localhost/places":     "names no server",
		"dynamodb://u:p@h:1/places":       "names no server",
		"dynamodb://h:port/places":        "names no server",
		"dynamodb://h:1":                  "names no table",
		"dynamodb://h:1/":                 "names no table",
		"dynamodb://h:1/ab":               "names no table",
		"dynamodb://h:1/places/x":         "names no table",
		"dynamodb://h:1/places?region=us": "names no table",
		"dynamodb://h:1/pl%20aces":        "names no table",
	} {
		if got, err := parseTarget(in); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dynamoSyntax) {
			t.Errorf("%s: %+v, %v, want %q", in, got, err, want)
		}
	}
}

func TestParseArgsOfPlaces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string // in the error
	}{
		"two collections":  {args: []string{"-old", "mongodb://h/db.a", "-new", "mongodb://h/db.b"}},
		"two deployments":  {args: []string{"-old", "mongodb://h/db.a", "-new", "mongodb://i/db.a"}},
		"same collection":  {args: []string{"-old", "mongodb://h/db.a", "-new", "mongodb://h/db.a"}, want: "the same place"},
		"two tables":       {args: []string{"-old", "dynamodb://h:1/old", "-new", "dynamodb://h:1/new"}},
		"two servers":      {args: []string{"-old", "dynamodb://h:1/old", "-new", "dynamodb://h:2/old"}},
		"same table":       {args: []string{"-old", "dynamodb://h:1/old", "-new", "dynamodb://h:1/old"}, want: "the same place"},
		"two databases":    {args: []string{"-old", "mongodb://h:1/d.old", "-new", "dynamodb://h:1/old"}},
		"file and table":   {args: []string{"-new", "dynamodb://h:1/old"}},
		"same file":        {args: []string{"-old", "x/../a", "-new", "a"}, want: "the same place"},
		"two defaults":     {args: nil},
		"file and default": {args: []string{"-old", "a"}},
		"both wrong":       {args: []string{"-old", "mongodb://h", "-new", "x://y"}, want: "-new: nothing is known of x://"},
		"more is wrong":    {args: []string{"-old", "mongodb://h", "-records", "-1"}, want: "-records is -1"},
		"copy rate":        {args: []string{"-copy-rate", "-1"}, want: "-copy-rate is -1"},
	} {
		_, err := parseArgs(c.args, io.Discard)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Over a server the defaults are others, and what the user says is what counts.
func TestDefaultRates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args                    []string
		writes, reads, copyRate int
	}{
		{nil, 1000, 1000, 0},
		{[]string{"-old", "a.bolt"}, 1000, 1000, 0},
		{[]string{"-old", "mongodb://h/db.a"}, serverWrites, serverReads, serverCopyRate},
		{[]string{"-new", "mongodb://h/db.a", "-writes", "7", "-copy-rate", "0"}, 7, serverReads, 0},
		{[]string{"-new", "dynamodb://h:1/places"}, serverWrites, serverReads, serverCopyRate},
		{[]string{"-new", "mongodb://h/db.a", "-reads", "1000"}, serverWrites, 1000, serverCopyRate},
	} {
		got, err := parseArgs(c.args, io.Discard)
		if err != nil || got.writes != c.writes || got.reads != c.reads || got.copyRate != c.copyRate {
			t.Errorf("%v: %+v, %v", c.args, got, err)
		}
	}
	if _, err := parseArgs([]string{"-help"}, io.Discard); err != flag.ErrHelp { //nolint:errorlint // it comes as it is
		t.Errorf("help: %v", err)
	}
}
