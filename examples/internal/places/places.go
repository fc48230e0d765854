// Package places is the data of the examples: 171,075 populated places of the world. See PLACES.md for its origin and
// licence.
package places

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

//go:embed places.jsonl.gz
var packed []byte

// Total is how many places there are.
const Total = 171_075

// Place is a place as its line has it: flat, with numbers as strings, and empty where a division is not known.
type Place struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Lat     string `json:"lat"`
	Lng     string `json:"lng"`
	Country string `json:"country"`
	Admin1  string `json:"admin1"`
	Admin2  string `json:"admin2"`
}

// Open returns all places, one JSON object a line. The caller closes it.
func Open() (io.ReadCloser, error) { return gzip.NewReader(bytes.NewReader(packed)) }

// Sample returns n places, at most [Total], evenly spread over the world.
func Sample(n int) ([]Place, error) {
	if n < 1 || n > Total {
		return nil, fmt.Errorf("a sample of %d places: want 1 to %d", n, Total)
	}
	r, err := Open()
	if err != nil {
		return nil, err
	}
	sample := make([]Place, 0, n)
	lines := bufio.NewScanner(r)
	for line := 0; len(sample) < n && lines.Scan(); line++ {
		if line != len(sample)*Total/n {
			continue
		}
		var p Place
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, errors.Join(fmt.Errorf("line %d: %w", line+1, err), r.Close())
		}
		sample = append(sample, p)
	}
	return sample, errors.Join(lines.Err(), r.Close())
}
