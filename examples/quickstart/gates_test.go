package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/flags"
)

// The letters are the phases.
const (
	phaseO = flags.OldOnly
	phaseA = flags.ReadOldWriteBoth
	phaseB = flags.ReadNewWriteBoth
	phaseN = flags.NewOnly
)

// The operator's file is the user's, who may be in the middle of changing it: that it can not be put back ends nothing.
func TestRefusedFlipIsPutBackOrTold(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(path string) error{
		"there is a file":      func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"there is none":        func(string) error { return nil },
		"a directory is there": func(path string) error { return os.MkdirAll(filepath.Join(path, "in it"), 0o700) },
		"its folder is not":    func(path string) error { return os.Remove(filepath.Dir(path)) },
		"its folder is no folder": func(path string) error {
			return errors.Join(os.Remove(filepath.Dir(path)), os.WriteFile(filepath.Dir(path), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "run")
			if err := errors.Join(os.Mkdir(dir, 0o700), prepare(operatorFile(dir))); err != nil {
				t.Fatal(err)
			}
			var out buffer
			m := &migration[struct{}]{cfg: &config{manual: true}, dir: dir, screen: newScreen(&out), gates: gates{phase: phaseO}}
			if _, err := m.follow(t.Context(), edit{phase: phaseN}, nil); err != nil {
				t.Errorf("the walk ends: %v", err)
			}
			back, err := os.ReadFile(operatorFile(dir))
			if put := err == nil && readEdit(back, nil).phase == phaseO; put == strings.Contains(out.String(), "could not be put back") {
				t.Errorf("put back: %v, but\n%s", put, out.String())
			}
			if !strings.Contains(out.String(), "REFUSED: the flip to new-only") || m.gates.phase != phaseO {
				t.Errorf("in %v:\n%s", m.gates.phase, out.String())
			}
		})
	}
}

func TestGates(t *testing.T) {
	t.Parallel()
	g := &gates{phase: phaseO}
	refused := func(to flags.Phase, want string) {
		t.Helper()
		if why := g.refuse(to); why == "" || !strings.Contains(why, want) {
			t.Errorf("from %v to %v: refused because of %q, want %q", g.phase, to, why, want)
		}
	}
	flip := func(to flags.Phase) {
		t.Helper()
		if why := g.refuse(to); why != "" {
			t.Errorf("from %v to %v: %s", g.phase, to, why)
		}
		g.leave(to)
		refused(phaseO, "on their way")
		if g.in(to) {
			t.Errorf("in %v before everybody has arrived", to)
		}
		g.arrive()
		if !g.in(to) {
			t.Errorf("not in %v", to)
		}
	}
	refused(phaseB, "jumps")
	refused(phaseN, "jumps")
	flip(phaseA)
	refused(phaseB, "copy")
	refused(phaseN, "jumps")
	if !g.due(phaseA) {
		t.Error("the copy is not due")
	}
	g.pass(phaseA)
	flip(phaseO) // what is written here is not mirrored: the copy is worth nothing any more
	flip(phaseA)
	refused(phaseB, "copy")
	g.pass(phaseA)
	flip(phaseB)
	refused(phaseN, "verify")
	g.pass(phaseB)
	flip(phaseA) // what is written here may be missing on new
	if g.due(phaseA) {
		t.Error("the copy is due again")
	}
	flip(phaseB)
	refused(phaseN, "verify")
	if !g.due(phaseB) {
		t.Error("verify is not due")
	}
	g.pass(phaseB)
	flip(phaseN)
	refused(phaseB, "not kept up to date")
}

func TestReadEdit(t *testing.T) {
	t.Parallel()
	const good = `{"flags":{"records-migration":{"state":"ENABLED","variants":{"v":"new-only","n":7},"defaultVariant":"v"}}}`
	if e := readEdit([]byte(good), nil); e.err != nil || e.phase != phaseN {
		t.Errorf("%+v", e)
	}
	for name, content := range map[string]string{
		"half written":  good[:30],
		"other flag":    strings.Replace(good, "records-", "other-", 1),
		"disabled":      strings.Replace(good, "ENABLED", "DISABLED", 1),
		"no variant":    strings.Replace(good, `"defaultVariant":"v"`, `"defaultVariant":"w"`, 1),
		"wrong type":    strings.Replace(good, `"defaultVariant":"v"`, `"defaultVariant":"n"`, 1),
		"unknown value": strings.Replace(good, "new-only", "new only", 1),
	} {
		if e := readEdit([]byte(content), nil); e.err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := readEdit(nil, os.ErrNotExist); !errors.Is(e.err, os.ErrNotExist) {
		t.Errorf("%+v", e)
	}
}

// A receiver that looks late gets what the file says now, not what it once said.
func TestWatchNewest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "flags.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	edits := make(chan edit, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watch(ctx, path, edits)
	}()
	if e := <-edits; e.err == nil {
		t.Errorf("no file: %+v", e)
	}
	send(edits, edit{phase: phaseA}) // nobody is looking
	send(edits, edit{phase: phaseB})
	if e := <-edits; e.phase != phaseB {
		t.Errorf("%+v", e)
	}
	cancel()
	<-ended
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestParseArgs(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	c, err := parseArgs([]string{"-records", "5", "--writes=7", "-seed", "3"}, &out)
	if err != nil || c.records != 5 || c.writes != 7 || c.reads != 1000 || c.instances != 3 || c.seed != 3 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := parseArgs(nil, &out); err != nil || c.seed == 0 {
		t.Errorf("no seed was drawn: %+v, %v", c, err)
	}
	_, err = parseArgs([]string{"-records", "-1", "-writes", "-1", "-instances", "0", "more"}, &out)
	for _, want := range []string{"-records", "-writes", "-instances", `"more"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if _, err := parseArgs([]string{"-writes", "0", "-reads", "0"}, &out); err == nil {
		t.Error("no traffic at all was taken")
	}
}

// What is shown of a long step, where there is no terminal: a line now and then, not one for each call.
func TestStepLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := newScreen(&out)
	st := s.begin("copy", 2000)
	for n := range int64(1000) {
		st.at(n, 2000, 500, 2*time.Second)
	}
	if out.Len() > 0 {
		t.Errorf("printed at once: %s", out.String())
	}
	st.shown = st.shown.Add(-stepInterval)
	st.at(1000, 2000, 500, 2*time.Second)
	st.end()
	st.shown = st.shown.Add(-stepInterval)
	st.at(1500, 2000, 500, time.Second)
	if got := out.String(); !strings.Contains(got, "copy 1,000 of 2,000 (50%), 500/s, 2s left") || strings.Contains(got, "1,500") {
		t.Errorf("got %q", got)
	}
	for total, want := range map[int64]string{0: "verify 150, 10/s\n", 100: "verify 150 of 100 (100%), 10/s, 0s left\n"} {
		out.Reset()
		st := s.begin("verify", total)
		st.shown = st.shown.Add(-stepInterval)
		if st.at(150, total, 10, 0); !strings.HasSuffix(out.String(), want) {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
}
