package places_test

import (
	"bufio"
	"testing"

	"github.com/dualwrite/dualwrite/examples/internal/places"
)

func TestOpenHasAllPlaces(t *testing.T) {
	t.Parallel()
	r, err := places.Open()
	if err != nil {
		t.Fatal(err)
	}
	lines, n := bufio.NewScanner(r), 0
	for lines.Scan() {
		n++
	}
	if lines.Err() != nil || n != places.Total {
		t.Errorf("%d lines, %v", n, lines.Err())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestSampleIsSpreadOverTheWorld(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 5000} {
		sample, err := places.Sample(n)
		if err != nil || len(sample) != n {
			t.Fatalf("%d places, %v", len(sample), err)
		}
		ids, countries := map[string]bool{}, map[string]bool{}
		for _, p := range sample {
			ids[p.ID], countries[p.Country] = true, true
			if p.Name == "" || p.Lat == "" || p.Lng == "" {
				t.Errorf("%+v", p)
			}
		}
		if len(ids) != n || n > 1 && len(countries) < 100 {
			t.Errorf("%d ids, %d countries", len(ids), len(countries))
		}
	}
	for _, n := range []int{0, places.Total + 1} {
		if _, err := places.Sample(n); err == nil {
			t.Errorf("no error for %d", n)
		}
	}
}
