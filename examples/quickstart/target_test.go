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

func TestParseArgsOfPlaces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string // in the error
	}{
		"two collections":  {args: []string{"-old", "mongodb://h/db.a", "-new", "mongodb://h/db.b"}},
		"two deployments":  {args: []string{"-old", "mongodb://h/db.a", "-new", "mongodb://i/db.a"}},
		"same collection":  {args: []string{"-old", "mongodb://h/db.a", "-new", "mongodb://h/db.a"}, want: "the same place"},
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

// Over MongoDB the defaults are others, and what the user says is what counts.
func TestDefaultRates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args                    []string
		writes, reads, copyRate int
	}{
		{nil, 1000, 1000, 0},
		{[]string{"-old", "a.bolt"}, 1000, 1000, 0},
		{[]string{"-old", "mongodb://h/db.a"}, mongoWrites, mongoReads, mongoCopyRate},
		{[]string{"-new", "mongodb://h/db.a", "-writes", "7", "-copy-rate", "0"}, 7, mongoReads, 0},
		{[]string{"-new", "mongodb://h/db.a", "-reads", "1000"}, mongoWrites, 1000, mongoCopyRate},
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
