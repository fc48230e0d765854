package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/examples/internal/flagfile"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
)

// patient are limits that a machine keeps which is slow, or busy with something else. What the verdict says of data does not
// depend on them.
var patient = limits{request: 2 * time.Minute, arrival: 5 * time.Minute, ping: 2 * time.Minute, recovery: 2 * time.Minute, window: 2 * time.Minute}

// quick is a small run at a quick pace.
func quick(t *testing.T) *config {
	t.Helper()
	c := &config{
		records: 400, writes: 300, reads: 600, instances: 3, seed: uint64(time.Now().UnixNano()), dir: filepath.Join(t.TempDir(), "run"),
		pace:   pace{dwell: 400 * time.Millisecond, spread: 150 * time.Millisecond, skew: 50 * time.Millisecond, status: time.Second},
		limits: patient,
	}
	if testing.Short() { // as the race detector is: the longer a history, the longer the judge looks for an order
		c.writes, c.reads = 100, 200
	}
	t.Logf("seed %d", c.seed)
	return c
}

// buffer is what a run prints; it may be read while the run goes on.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var resultLine = regexp.MustCompile(`\nRESULT ok requests=\d+ failed=0 lost=0 stale=0 resurrected=0 diverged=0 indeterminate=\d+ downtime_ms=0 ` +
	`copied=\d+ copy_rate=\d+/s p50_us=\d+ p99_us=\d+\n$`)

func TestQuickstart(t *testing.T) {
	t.Parallel()
	c := quick(t)
	c.report = filepath.Join(t.TempDir(), "report.json")
	var out, errOut buffer
	if code := quickstart(t.Context(), c, &out, &errOut); code != exitOK || !resultLine.MatchString(out.String()) {
		t.Fatalf("exit %d\n%s%s", code, out.String(), errOut.String())
	}
	r := readReport(t, c.report)
	if len(r.Flips) != len(way) || r.Passes == nil || r.HotRequests*10 < r.Requests || passed(r) < 300 || r.Latencies["put if"].Count == 0 {
		t.Errorf("flips %v, hot %d of %d, copied %d, latencies %v", r.Flips, r.HotRequests, r.Requests, r.Copied, r.Latencies)
	}
	var apart int64
	for _, f := range r.Flips {
		if apart += f.LastArrivedMs - f.FirstArrivedMs; f.DrainedMs < f.LastArrivedMs {
			t.Errorf("%+v was over before all instances had seen it", f)
		}
	}
	if apart == 0 {
		t.Errorf("the instances did not see the flips at different moments: %+v", r.Flips)
	}
	if !strings.Contains(out.String(), "0 of them differ") {
		t.Errorf("the places were not compared:\n%s", out.String())
	}
	if code := quickstart(t.Context(), c, io.Discard, &errOut); code != exitUsage || !strings.Contains(errOut.String(), "name another folder") {
		t.Errorf("a used folder: exit %d, %s", code, errOut.String())
	}
}

// passed is how many records the first copy found in the new place or brought there.
func passed(r report) int64 {
	if len(r.Passes) == 0 {
		return 0
	}
	return r.Passes[0].Applied + r.Passes[0].AlreadyThere
}

func readReport(t *testing.T, path string) (r report) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if r.Result == "" || !bytes.Contains(b, []byte(`"downtime_ms": `)) || !bytes.Contains(b, []byte(`"copy_rate": `)) {
		t.Errorf("keys of the result are missing in %s", b)
	}
	return r
}

func TestOwnRecords(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for n := range 200 {
		fmt.Fprintf(&lines, `{"n":%d.10,"id":"r%d","tags":["a", {"deep":null}],"big":123456789012345678901234567890}`+"\n", n, n)
	}
	c := quick(t)
	c.records, c.instances, c.input = 0, 2, filepath.Join(t.TempDir(), "own.jsonl")
	if err := os.WriteFile(c.input, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut buffer
	if code := quickstart(t.Context(), c, &out, &errOut); code != exitOK || !strings.Contains(out.String(), "{id, doc: {…}}") {
		t.Fatalf("exit %d\n%s%s", code, out.String(), errOut.String())
	}
}

func TestNothingHalfImported(t *testing.T) {
	t.Parallel()
	c := quick(t)
	c.input = filepath.Join(t.TempDir(), "bad.jsonl")
	if err := os.WriteFile(c.input, []byte(vila+"\n"+placeWith("lat", `"-0"`)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut buffer
	if code := quickstart(t.Context(), c, &out, &errOut); code != exitUsage || !strings.Contains(errOut.String(), "line 2: lat: ") {
		t.Errorf("exit %d, %s", code, errOut.String())
	}
	if _, err := os.Stat(c.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

// An import that is interrupted leaves no old place behind, so that no service starts on half of the records.
func TestInterruptedImport(t *testing.T) {
	t.Parallel()
	var records []record
	for n := range 2*importBatch + 1 {
		records = append(records, record{id: fmt.Sprintf("%06d", n), line: []byte("{}")})
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	sh := placeShape()
	old := oldBolt(filepath.Join(dir, oldFile), &sh, false)
	if err := old.fill(ctx, records, func(int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Each of these faults is invisible to the SDK. The checker has to see it.
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(place string, s stores.Store[string, Place]) stores.Store[string, Place]
		count func(v *verdict) int
	}{
		"lost write": {
			plant: func(place string, s stores.Store[string, Place]) stores.Store[string, Place] {
				if place == "old" {
					return &losing{Store: s, from: 10, to: 60}
				}
				return s
			},
			count: func(v *verdict) int { return v.Lost },
		},
		"stale read": {
			plant: func(place string, s stores.Store[string, Place]) stores.Store[string, Place] {
				if place == "new" {
					return s
				}
				return &remembering{Store: s, before: map[string]stores.Record[Place]{}, most: 20, when: func(now, before stores.Record[Place]) bool {
					return now.Live() && before.Live()
				}}
			},
			count: func(v *verdict) int { return v.Stale },
		},
		"resurrection": {
			plant: func(place string, s stores.Store[string, Place]) stores.Store[string, Place] {
				if place == "new" {
					return s
				}
				return &remembering{Store: s, before: map[string]stores.Record[Place]{}, most: 20, when: func(now, before stores.Record[Place]) bool {
					return now.Deleted && before.Live()
				}}
			},
			count: func(v *verdict) int { return v.Resurrected },
		},
		"divergence": {
			plant: func(place string, s stores.Store[string, Place]) stores.Store[string, Place] {
				if place == "new" {
					return s
				}
				d, err := newDiverting(s)
				if err != nil {
					panic(err)
				}
				return d
			},
			count: func(v *verdict) int { return v.Diverged },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rep, out := runPlanted(t, &buffer{}, c.plant)
			if rep.Result != resultFailed || c.count(&rep.verdict) == 0 {
				t.Errorf("not found: %s\n%s", rep.line(), out)
			}
		})
	}
}

// What goes wrong after the last answer shows only in what the new place holds in the end.
func TestSpoiledInTheEnd(t *testing.T) {
	t.Parallel()
	out := &onText{text: "  judging "}
	rep, text := runPlanted(t, out, func(place string, s stores.Store[string, Place]) stores.Store[string, Place] {
		if place == "new" {
			out.do = func() {
				if err := spoil(t.Context(), s); err != nil {
					t.Error(err)
				}
			}
		}
		return s
	})
	if v := rep.verdict; rep.Result != resultFailed || v.Lost+v.Resurrected != 2 || v.Lost == 0 || v.Diverged != 1 || v.Stale+v.Failed != 0 {
		t.Errorf("not found: %s\n%s\n%s", rep.line(), text, strings.Join(v.Complaints, "\n"))
	}
}

// printed is a buffer, or an onText.
type printed interface {
	io.Writer
	fmt.Stringer
}

func runPlanted(t *testing.T, out printed, plant faults[Place]) (*report, string) {
	t.Helper()
	c := quick(t)
	sh := placeShape()
	records, err := readInput(c, &sh)
	if err != nil {
		t.Fatal(err)
	}
	dir, _, err := c.openDir()
	if err != nil {
		t.Fatal(err)
	}
	rep, err := run(t.Context(), c, dir, &sh, records, newScreen(out), once(plant))
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return rep, out.String()
}

// once plants one fault in each place, whoever opens it.
func once(plant faults[Place]) faults[Place] {
	planted := map[string]stores.Store[string, Place]{}
	return func(place string, s stores.Store[string, Place]) stores.Store[string, Place] {
		if planted[place] == nil {
			planted[place] = plant(place, s)
		}
		return planted[place]
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	c := quick(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := &onText{text: "read-old/write-both → read-new/write-both", do: cancel}
	if code := quickstart(ctx, c, out, io.Discard); code != exitInterrupted || !strings.Contains(out.String(), "\nRESULT INTERRUPTED requests=") {
		t.Errorf("exit %d\n%s", code, out.String())
	}
	// Everything was closed: the files can be opened.
	sh := placeShape()
	old, new := newPlaces(c, c.dir, &sh)
	if err := errors.Join(old.open(t.Context()), new.open(t.Context()), old.close(), new.close()); err != nil {
		t.Error(err)
	}
}

// onText does something when the run prints a text.
type onText struct {
	buffer
	text string
	do   func()
}

func (o *onText) Write(p []byte) (int, error) {
	if strings.Contains(string(p), o.text) {
		o.do()
	}
	return o.buffer.Write(p)
}

// The flag is edited by hand, and not only as it should be.
func TestManual(t *testing.T) {
	t.Parallel()
	c := quick(t)
	c.manual = true
	var out buffer
	ended := make(chan int, 1)
	go func() { ended <- quickstart(t.Context(), c, &out, &out) }()
	path := operatorFile(c.dir)
	edit := func(content, want string) {
		t.Helper()
		await(t, &out, "-manual: edit ")
		if err := os.WriteFile(path+".edited", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".edited", path); err != nil {
			t.Fatal(err)
		}
		await(t, &out, want)
	}
	flip := func(p flags.Phase, want string) {
		t.Helper()
		await(t, &out, "-manual: edit ")
		if err := flagfile.Write(path, flagKey, p.String()); err != nil {
			t.Fatal(err)
		}
		await(t, &out, want)
	}
	edit("{", "says no phase")
	flip(phaseN, "the flip to new-only: it jumps over a phase")
	flip(phaseA, "the gate to read-new/write-both is open")
	flip(phaseB, "the gate to new-only is open")
	flip(phaseO, "the flip to old-only: it jumps over a phase")
	await(t, &out, "put back to read-new/write-both")
	if e := readEdit(os.ReadFile(path)); e.phase != phaseB {
		t.Errorf("the flag was not put back: %+v", e)
	}
	flip(phaseN, "RESULT ok")
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d\n%s", code, out.String())
	}
}

// await waits until the run has printed something.
func await(t *testing.T, out *buffer, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for !strings.Contains(out.String(), want) {
		if !pauseFor(ctx, watchInterval) {
			t.Fatalf("%q was not printed:\n%s", want, out.String())
		}
	}
}
