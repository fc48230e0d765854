package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mutant is one way to break the code.
type mutant struct {
	name string
	// hazard is what it stands for.
	hazard string
	edits  []edit
	// pkg and run are the tests that have to notice.
	pkg, run string
}

// edit replaces a text that is in a file exactly once.
type edit struct {
	file     string
	old, new string
}

// verdict is what became of a mutant.
type verdict string

const (
	killed   verdict = "killed"
	survived verdict = "SURVIVED"
	broken   verdict = "BROKEN" // it could not be tried
)

// result is a verdict and where it comes from.
type result struct {
	verdict verdict
	by      string // the test that noticed, or what is wrong
	output  string
	took    time.Duration
}

// limit is how long one mutant's tests may take; past it the mutant made something hang, and that was noticed.
const limit = "120s"

// try applies the mutant and runs its tests.
func (m *mutant) try() (r result) {
	begun := time.Now()
	defer func() { r.took = time.Since(begun) }()
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return result{verdict: broken, by: err.Error()}
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := m.overlay(dir)
	if err != nil {
		return result{verdict: broken, by: err.Error()}
	}
	cmd := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-vet=off", "-failfast", "-timeout", limit, "-run", m.run, m.pkg)
	out, err := cmd.CombinedOutput()
	return judge(string(out), err)
}

// overlay writes the changed files and the list of them that the go command takes.
func (m *mutant) overlay(dir string) (path string, err error) {
	changed := map[string][]byte{}
	for _, e := range m.edits {
		file, err := filepath.Abs(e.file)
		if err != nil {
			return "", err
		}
		src, ok := changed[file]
		if !ok {
			if src, err = os.ReadFile(file); err != nil {
				return "", err
			}
		}
		if n := bytes.Count(src, []byte(e.old)); n != 1 {
			return "", fmt.Errorf("%s: the text to replace is there %d times, not once: %q", e.file, n, e.old)
		}
		changed[file] = bytes.Replace(src, []byte(e.old), []byte(e.new), 1)
	}
	replace := map[string]string{}
	for file, src := range changed {
		tmp := filepath.Join(dir, fmt.Sprintf("%d_%s", len(replace), filepath.Base(file)))
		if err := os.WriteFile(tmp, src, 0o600); err != nil {
			return "", err
		}
		replace[file] = tmp
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// judge reads what the go command printed.
func judge(out string, err error) result {
	r := result{verdict: killed, output: out}
	switch {
	case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
		r.verdict, r.by = broken, "does not compile"
	case strings.Contains(out, "no tests to run"):
		r.verdict, r.by = broken, "there is no such test"
	case err == nil:
		r.verdict, r.by = survived, "all tests passed"
	default:
		r.by = killer(out)
		if r.by == "" {
			r.verdict, r.by = broken, err.Error()
		}
	}
	return r
}

// killer is the deepest test that failed first.
func killer(out string) (name string) {
	for _, m := range failedTest.FindAllStringSubmatch(out, -1) {
		if name != "" && !strings.HasPrefix(m[1], name+"/") {
			break
		}
		name = m[1]
	}
	switch {
	case strings.Contains(out, "panic: test timed out"):
		return strings.TrimSpace(name + " (timed out)")
	case name == "" && strings.Contains(out, "panic: "):
		return "a panic"
	}
	return name
}
