package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/copier"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
)

// asCopier makes the test binary the program itself, for tests that need a process of their own.
const asCopier = "COPIER_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asCopier) != "" {
		main()
	}
	os.Exit(m.Run())
}

// outcome is what a run of the program left on its outputs.
type outcome struct {
	code     int
	out, err string
}

func copierRun(ctx context.Context, args ...string) outcome {
	var out, err bytes.Buffer
	code := run(ctx, args, &out, &err)
	return outcome{code, out.String(), err.String()}
}

// put writes records into a view of a file: unstamped ones, or tombstones where the value is empty.
func put(t *testing.T, path, view string, records map[string]string) {
	t.Helper()
	withView(t, path, view, func(s *boltstore.Store[string, json.RawMessage]) {
		clock, err := stores.NewClock(nil)
		if err != nil {
			t.Fatal(err)
		}
		var writes []stores.Write[string, json.RawMessage]
		for k, v := range records {
			w := stores.Write[string, json.RawMessage]{Key: k, If: stores.IfOlder(stores.Unstamped)}
			w.Record.Version, w.Record.Value = stores.Unstamped, json.RawMessage(v)
			if v == "" {
				version, err := clock.Next()
				if err != nil {
					t.Fatal(err)
				}
				w.Record = stores.Record[json.RawMessage]{Meta: stores.Meta{Version: version, Deleted: true}}
				w.If = stores.IfOlder(version)
			}
			writes = append(writes, w)
		}
		errs, err := stores.PutMany(t.Context(), s, writes)
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range errs {
			if err != nil {
				t.Fatalf("%s: %v", writes[i].Key, err)
			}
		}
	})
}

func withView(t *testing.T, path, view string, do func(*boltstore.Store[string, json.RawMessage])) {
	t.Helper()
	db, err := boltstore.Open(path, &boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	s, err := boltstore.View(db, view, stores.StringKeys[string](), &boltstore.ViewOptions[json.RawMessage]{
		Encode: func(dst []byte, v json.RawMessage) ([]byte, error) { return append(dst, v...), nil },
		Decode: func(b []byte) (json.RawMessage, error) { return b, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	do(s)
}

// content is everything in a view, as text.
func content(t *testing.T, path, view string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	withView(t, path, view, func(s *boltstore.Store[string, json.RawMessage]) {
		for e, err := range s.Scan(t.Context(), "", nil) {
			if err != nil {
				t.Fatal(err)
			}
			all[e.Key] = fmt.Sprint(e.Record.Version, e.Record.Deleted, string(e.Record.Value))
		}
	})
	return all
}

// some are n records, every tenth a tombstone.
func some(n int) map[string]string {
	records := make(map[string]string, n)
	for i := range n {
		records[fmt.Sprintf("k%06d", i)] = fmt.Sprintf(`{"n": %d.0, "b":1,"a":"x"}`, i)
		if i%10 == 0 {
			records[fmt.Sprintf("k%06d", i)] = ""
		}
	}
	return records
}

func TestCopyVerifyFinish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, new := filepath.Join(dir, "old.bolt"), filepath.Join(dir, "new.bolt")
	put(t, old, "users", some(1000))
	both := []string{"--old", old + ":users", "--new", new + ":people", "--grace", "1ms"}

	o := copierRun(t.Context(), append([]string{"copy"}, both[:4]...)...)
	if o.code != 0 || !strings.Contains(o.out, "clean") || !strings.Contains(o.err, "copy: 1000 of 1000 records (100 %)") {
		t.Fatalf("%+v", o)
	}
	if diff := cmp.Diff(content(t, old, "users"), content(t, new, "people")); diff != "" {
		t.Fatal(diff)
	}
	if o := copierRun(t.Context(), append([]string{"verify"}, both...)...); o.code != 0 {
		t.Fatalf("%+v", o)
	}

	put(t, new, "people", map[string]string{"extra": `1`})
	found := filepath.Join(dir, "found.jsonl")
	o = copierRun(t.Context(), append([]string{"verify", "--findings", found}, both...)...)
	if o.code != 1 || !strings.Contains(o.out, "NOT clean") || !strings.Contains(o.out, `extra "extra"`) {
		t.Fatalf("%+v", o)
	}
	o = copierRun(t.Context(), "repair", "--old", old+":users", "--new", new+":people", "--winner", "old", found)
	if o.code != 0 || !strings.Contains(o.out, "repaired") {
		t.Fatalf("%+v", o)
	}
	if o := copierRun(t.Context(), append([]string{"verify"}, both...)...); o.code != 0 {
		t.Fatalf("%+v", o)
	}

	o = copierRun(t.Context(), "finish", "--store", new+":people", "--confirm", "nobody-writes-both")
	if o.code != 0 || !strings.Contains(o.out, "purged") {
		t.Fatalf("%+v", o)
	}
	if got := len(content(t, new, "people")); got != 900 {
		t.Errorf("%d records are left", got)
	}
}

func TestJSONOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "one.bolt")
	put(t, file, "old", some(100))
	o := copierRun(t.Context(), "copy", "--old", file+":old", "--new", file+":new", "--json")
	if o.code != 0 {
		t.Fatalf("%+v", o)
	}
	var reports []string
	for line := range strings.Lines(o.out) {
		var e struct {
			Event, Op string
			Report    struct {
				Read  int
				Clean bool
				Found map[copier.Kind]int
			}
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e.Event == "report" {
			reports = append(reports, fmt.Sprint(e.Op, e.Report.Read, e.Report.Clean))
		}
	}
	if diff := cmp.Diff([]string{"copy100 true", "verify200 true"}, reports); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentsAreComparedAsJSON(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "one.bolt")
	put(t, file, "old", map[string]string{"a": `{"x": 1.0, "y": 12345678901234567890}`, "b": `{"x":1}`})
	put(t, file, "new", map[string]string{"a": `{"y":12345678901234567890,"x":1}`, "b": `{"x":2}`})
	args := []string{"verify", "--old", file + ":old", "--new", file + ":new", "--grace", "1ms"}
	o := copierRun(t.Context(), args...)
	if o.code != 1 || !strings.Contains(o.out, `foreign-change "b"`) || strings.Contains(o.out, `"a"`) {
		t.Errorf("%+v", o)
	}
	o = copierRun(t.Context(), append(args, "--values", "bytes")...)
	if o.code != 1 || !strings.Contains(o.out, `foreign-change "a"`) {
		t.Errorf("%+v", o)
	}
	put(t, file, "old", map[string]string{"c": `{`})
	if o := copierRun(t.Context(), args...); o.code != 1 || !strings.Contains(o.out, `undecodable "c"`) {
		t.Errorf("%+v", o)
	}
}

// Bad input gets an error that says what is wrong and what to do, and nothing is done or made.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, none := filepath.Join(dir, "a.bolt"), filepath.Join(dir, "none.bolt")
	put(t, file, "users", some(10))
	bad := filepath.Join(dir, "bad.jsonl")
	if err := os.WriteFile(bad, []byte("{\"kind\":\"missing\",\"key\":\"YQ==\"}\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign.bolt")
	if err := os.WriteFile(foreign, []byte(strings.Repeat("not a bolt file", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	users, people := file+":users", none+":people"
	for _, tc := range []struct {
		args string
		code int
		says string
	}{
		{"", 2, "copier --help"},
		{"frobnicate", 2, "frobnicate"},
		{"copy", 2, "--old"},
		{"copy --old " + file + " --new " + people, 2, "want FILE:VIEW"},
		{"copy --old " + none + ":users --new " + users, 2, "there is no file"},
		{"copy --old " + file + ":nobody --new " + people, 2, `has no view "nobody"; it has ["users"]`},
		{"copy --old " + users + " --new " + users, 2, "one and the same"},
		{"copy --old " + users + " --new " + people + " --keys uuid", 2, "--keys"},
		{"copy --old " + users + " --new " + file + ":new --workers=0", 2, "--workers"},
		{"copy --old " + foreign + ":users --new " + people, 4, "left untouched"},
		{"verify --old " + users + " --new " + people, 2, "there is no file"},
		{"repair --old " + users + " --new " + file + ":users2 x", 2, "has no view"},
		{"repair --old " + users + " --new " + file + ":users2 --winner new x", 2, "--old-writable"},
		{"repair --old " + users + " --new " + file + ":users2 --findings x x", 2, "another file"},
		{"finish --store " + users, 2, "--confirm nobody-writes-both"},
		{"finish --store " + users + " --confirm yes", 2, "--confirm nobody-writes-both"},
	} {
		o := copierRun(t.Context(), strings.Fields(tc.args)...)
		if o.code != tc.code || !strings.Contains(o.err, tc.says) {
			t.Errorf("copier %s: %+v, want %d and %q", tc.args, o, tc.code, tc.says)
		}
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a file was made")
	}
	put(t, file, "copy", nil)
	o := copierRun(t.Context(), "repair", "--old", users, "--new", file+":copy", bad)
	if o.code != 4 || !strings.Contains(o.err, "bad.jsonl, line 2 is no finding") {
		t.Errorf("%+v", o)
	}
}

func TestInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, cp := filepath.Join(dir, "a.bolt"), filepath.Join(dir, "cp.json")
	put(t, file, "old", some(2000))
	args := []string{"copy", "--old", file + ":old", "--new", file + ":new", "--checkpoint", cp, "--progress-every", "5ms"}
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	stderr := &cancelling{cancel: cancel} // by the first line of progress
	if code := run(ctx, append(args, "--rate", "2000"), &out, stderr); code != 3 || !strings.Contains(stderr.String(), "goes on where it was") {
		t.Fatalf("%d %s%s", code, &out, stderr)
	}
	if o := copierRun(t.Context(), append(args, "--old", file+":other")...); o.code != 2 {
		t.Fatalf("another job: %+v", o)
	}
	o := copierRun(t.Context(), append(args, "--json")...)
	if o.code != 0 || !strings.Contains(o.out, `"resumed":1`) {
		t.Fatalf("%+v", o)
	}
	if diff := cmp.Diff(content(t, file, "old"), content(t, file, "new")); diff != "" {
		t.Error(diff)
	}
}

// A copy that was interrupted is no proof of what was written meanwhile, and nothing read is what a wrong name looks like.
func TestWhatIsNoProofIsNotClean(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, cp := filepath.Join(dir, "a.bolt"), filepath.Join(dir, "cp.json")
	put(t, file, "old", some(2000))
	put(t, file, "empty", nil)
	args := []string{"copy", "--old", file + ":old", "--new", file + ":new", "--checkpoint", cp, "--no-verify"}
	ctx, cancel := context.WithCancel(t.Context())
	stderr := &cancelling{cancel: cancel}
	if code := run(ctx, append(args, "--rate", "2000", "--progress-every", "5ms"), &bytes.Buffer{}, stderr); code != exitInterrupted {
		t.Fatal(code, stderr)
	}
	if o := copierRun(t.Context(), args...); o.code != exitFindings || !strings.Contains(o.out, "resumed at") {
		t.Errorf("%+v", o)
	}
	args = []string{"copy", "--old", file + ":empty", "--new", file + ":empty2"}
	if o := copierRun(t.Context(), args...); o.code != exitFindings || !strings.Contains(o.out, "nothing was read") {
		t.Errorf("%+v", o)
	}
	if o := copierRun(t.Context(), append(args, "--allow-empty")...); o.code != exitClean {
		t.Errorf("%+v", o)
	}
	for _, flag := range [][]string{{"--restart"}, {"--resume-within", "1h"}, {"--checkpoint-every", "1s"}} {
		if o := copierRun(t.Context(), append(args, flag...)...); o.code != exitUsage || !strings.Contains(o.err, "--checkpoint") {
			t.Errorf("%v without a checkpoint: %+v", flag, o)
		}
	}
}

// cancelling is an output that cancels when it is written to.
type cancelling struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (c *cancelling) Write(b []byte) (int, error) {
	c.cancel()
	return c.Buffer.Write(b)
}

func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}
