package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/dualwrite/dualwrite/copier"
)

// findingsFile gets every finding, one JSON object a line.
type findingsFile struct{ f *os.File }

// openFindings begins a new file, or goes on with the one of an interrupted pass.
func openFindings(path string, resuming bool) (*findingsFile, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if !resuming {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, usagef("--findings: %w", err)
	}
	return &findingsFile{f}, nil
}

// add writes without a buffer: a process that is killed has written what it was told.
func (f *findingsFile) add(found copier.Finding) error {
	b, err := json.Marshal(found)
	if err != nil {
		return err
	}
	_, err = f.f.Write(append(b, '\n'))
	return err
}

func (f *findingsFile) close() error { return errors.Join(f.f.Sync(), f.f.Close()) }

// afterFindings saves a checkpoint only when the findings before it are on disk.
type afterFindings struct {
	copier.Checkpointer
	findings *findingsFile
}

func (a *afterFindings) Save(ctx context.Context, data []byte) error {
	if err := a.findings.f.Sync(); err != nil {
		return err
	}
	return a.Checkpointer.Save(ctx, data)
}

// readFindings yields the keys of a findings file. A line that is none is an error that names it.
func readFindings(path string) (keys iter.Seq2[[]byte, error], done func(), err error) {
	var in io.ReadCloser = os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, usagef("there is no findings file %s", path)
		}
		if err != nil {
			return nil, nil, err
		}
		in = f
	}
	keys = func(yield func([]byte, error) bool) {
		lines := bufio.NewReader(in)
		for n := 1; ; n++ {
			line, err := lines.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			if len(line) == 0 {
				return
			}
			var f copier.Finding
			if err := json.Unmarshal(line, &f); err != nil || len(f.Key) == 0 {
				yield(nil, fmt.Errorf("%s, line %d is no finding: %w", path, n, orNoKey(err)))
				return
			}
			if !yield(f.Key, nil) {
				return
			}
		}
	}
	return keys, func() { _ = in.Close() }, nil
}

func orNoKey(err error) error {
	if err == nil {
		return errors.New("it has no key")
	}
	return err
}
