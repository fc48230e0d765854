package interleave

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// journal is how far the exploration of one table has come. It is a file, so that the next run goes on from there.
type journal struct {
	Key journalKey `json:"key"`
	// Next is how many scenarios are done, in the order of the seed, of how many.
	Next, Of int
	counts
	// Seconds are of wall time, MachineSeconds of all processors that were in use.
	Seconds, MachineSeconds float64
	Started, Updated        time.Time
	// Violation ended the exploration; the next run repeats the scenario before anything else.
	Violation *journalViolation `json:",omitempty"`

	path string // "" for a journal that is not kept
}

// journalKey tells what the counts hold for.
type journalKey struct {
	Binary string // SHA-256 of the program, which is the code with all its limits
	Table  string
	Faults int // in one schedule
	Seed   uint64
	Cut    int
}

// name is that of the journal.
func (k journalKey) name() string {
	if k.Faults == 0 {
		return k.Table
	}
	return k.Table + " with faults"
}

type journalViolation struct{ Scenario, Text string }

func noteViolation(v *Violation) *journalViolation { return &journalViolation{v.Scenario, v.Error()} }

// counts add up what the explorations came to.
type counts struct {
	Complete, CutOff, Schedules, States, Judged, Indeterminate int
}

func (c *counts) add(r Report) {
	if r.Complete {
		c.Complete++
	} else {
		c.CutOff++
	}
	c.Schedules += r.Schedules
	c.States += r.States
	c.Judged += r.Judged
	c.Indeterminate += r.Indeterminate
}

// openJournal reads the journal of a table or begins a new one, and says which. dir may be "" for none.
func openJournal(dir string, key journalKey, of int, now time.Time) (j *journal, what string, err error) {
	fresh := &journal{Key: key, Of: of, Started: now, Updated: now}
	if dir == "" {
		return fresh, "no journal", nil
	}
	fresh.path = filepath.Join(dir, strings.ReplaceAll(key.name(), " ", "-")+".json")
	text, err := os.ReadFile(fresh.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, "begins", os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, "", err
	}
	j = &journal{path: fresh.path}
	if err := json.Unmarshal(text, j); err != nil {
		return nil, "", fmt.Errorf("%s is no journal, delete it to begin again: %w", fresh.path, err)
	}
	switch {
	case j.Key != key || j.Of != of:
		fresh.Violation = j.Violation
		return fresh, fmt.Sprintf("the code, the seed or the limits have changed: begins again; %d of %d scenarios were done", j.Next, j.Of), nil
	case j.done():
		return j, "finished", nil
	default:
		return j, fmt.Sprintf("goes on after %d of %d scenarios", j.Next, j.Of), nil
	}
}

func (j *journal) done() bool { return j.Next == j.Of && j.Violation == nil }

// worked adds to the time.
func (j *journal) worked(d time.Duration) {
	j.Seconds += d.Seconds()
	j.MachineSeconds += d.Seconds() * float64(runtime.GOMAXPROCS(0))
}

// save replaces the file in one step, so that whoever is killed leaves a whole one behind.
func (j *journal) save(now time.Time) (err error) {
	if j.path == "" {
		return nil
	}
	j.Updated = now
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "\t")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(j.path), filepath.Base(j.path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// String is the journal in one line.
func (j *journal) String() string {
	seconds := max(j.Seconds, 1e-3)
	text := fmt.Sprintf("%s: %d/%d scenarios (%.2f %%, %d cut off), %d schedules, %d states, %d judged, %d indeterminate without a fault",
		j.Key.name(), j.Next, j.Of, 100*float64(j.Next)/float64(max(j.Of, 1)), j.CutOff, j.Schedules, j.States, j.Judged, j.Indeterminate)
	text += fmt.Sprintf("; %.0f schedules/s, %.2f scenarios/s, %v of machine time",
		float64(j.Schedules)/seconds, float64(j.Next)/seconds, inSeconds(j.MachineSeconds))
	switch {
	case j.Violation != nil:
		text += "; a VIOLATION"
	case j.done():
		text += "; finished"
	case j.Next > 0:
		text += fmt.Sprintf("; about %v to go", inSeconds(float64(j.Of-j.Next)*seconds/float64(j.Next)))
	}
	return text
}

func inSeconds(s float64) time.Duration { return time.Duration(s) * time.Second }

// program is the SHA-256 of what is running.
func program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", errors.Join(err, f.Close())
	}
	return hex.EncodeToString(h.Sum(nil)), f.Close()
}
