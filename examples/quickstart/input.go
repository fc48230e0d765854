package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dualwrite/dualwrite/examples/internal/places"
)

// record is one record of the input.
type record struct {
	id string
	// line is the record in the old shape, byte for byte as it came unless the shape had to settle it.
	line []byte
	// text is its content, as the checker compares it.
	text string
}

// openInput returns the lines of the file, or the places if path is empty; a name that ends in .gz is unpacked.
func openInput(path string) (io.ReadCloser, error) {
	if path == "" {
		return places.Open()
	}
	f, err := os.Open(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return f, err
	}
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{unpacked, f}, nil
}

// maxLine is in bytes.
const maxLine = 16 << 20

// lines calls fn for every line that is not blank, with its number, until most lines were seen (0: all of them).
func lines(r io.Reader, most int, fn func(number int, line []byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	number, seen := 0, 0
	for (most == 0 || seen < most) && s.Scan() {
		number++
		line := bytes.TrimSpace(s.Bytes())
		if len(line) == 0 {
			continue
		}
		seen++
		if err := fn(number, line); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("line %d: %w", number+1, err)
	}
	return nil
}

// arePlaces tells whether the input has the old shape of places: its first record has exactly those fields.
func arePlaces(r io.Reader) (yes bool, err error) {
	err = lines(r, 1, func(_ int, line []byte) error {
		var fields map[string]json.RawMessage
		// What is no object is no place; reading the records will say what is wrong with it.
		yes = json.Unmarshal(line, &fields) == nil && len(fields) == len(placeFields)
		for _, name := range placeFields {
			_, ok := fields[name]
			yes = yes && ok
		}
		return nil
	})
	return yes, err
}

// maxBadLines is how many bad lines an error names.
const maxBadLines = 10

// readRecords reads up to most records (0: all), sorted by id. All of them are checked before any is used: the error
// names the lines that are bad, up to maxBadLines of them.
func readRecords[V any](r io.Reader, most int, sh *shape[V]) ([]record, error) {
	var records []record
	var bad []error
	at := map[string]int{}
	err := lines(r, most, func(number int, line []byte) error {
		rec, err := readRecord(line, sh)
		if first, twice := at[rec.id]; err == nil && twice {
			err = fmt.Errorf("the id %q is that of line %d", rec.id, first)
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("line %d: %w", number, err))
			if len(bad) == maxBadLines {
				return errors.New("there may be more")
			}
			return nil
		}
		at[rec.id] = number
		records = append(records, rec)
		return nil
	})
	if len(bad) > 0 || err != nil {
		return nil, errors.Join(append(bad, err)...)
	}
	if len(records) == 0 {
		return nil, errors.New("there are no records")
	}
	slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.id, b.id) })
	return records, nil
}

func readRecord[V any](line []byte, sh *shape[V]) (record, error) {
	id, v, err := sh.parse(line)
	if err != nil {
		return record{}, err
	}
	line = bytes.Clone(line)
	if sh.settle != nil {
		if v, err = sh.settle(v); err != nil {
			return record{}, err
		}
		if line, err = sh.encodeOld(nil, v); err != nil {
			return record{}, err
		}
	}
	text, err := sh.text(v)
	return record{id: id, line: line, text: text}, err
}
