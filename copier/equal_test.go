package copier

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

type person struct {
	Name  string
	Born  time.Time
	Score float64
}

// trips is a store of which only the codec counts.
type trips struct {
	stores.Store[string, person]
	trip func(person) (person, error)
}

func (s trips) RoundTrip(_ string, p person) (person, error) { return s.trip(p) }

// Contents are equal when they are after a round trip through both codecs, in whatever order the two lose something.
func TestContentsAreComparedInCanonicalForm(t *testing.T) {
	t.Parallel()
	millis := trips{trip: func(p person) (person, error) {
		p.Born = p.Born.Truncate(time.Millisecond)
		return p, nil
	}}
	upper := trips{trip: func(p person) (person, error) {
		p.Name = strings.ToUpper(p.Name)
		if p.Name == "REFUSED" {
			return p, fmt.Errorf("not encodable")
		}
		return p, nil
	}}
	at := time.Date(2020, 1, 1, 0, 0, 0, 123456789, time.UTC)
	short := at.Truncate(time.Millisecond)
	for i, tc := range []struct {
		a, b person
		want likeness
	}{
		{person{Name: "A", Born: at}, person{Name: "A", Born: at}, identical},
		{person{Name: "a", Born: short}, person{Name: "A", Born: at}, rounded},
		{person{Name: "a", Born: at}, person{Name: "A", Born: short}, rounded},
		{person{Name: "a", Born: at}, person{Name: "b", Born: at}, differing},
		{person{Name: "a", Born: at}, person{Name: "A", Born: at.Add(time.Second)}, differing},
		{person{Name: "refused"}, person{Name: "REFUSED"}, differing},
		{person{Name: "refused"}, person{Name: "refused"}, identical},
	} {
		for _, c := range []comparer[string, person]{{old: millis, new: upper}, {old: upper, new: millis}} {
			if got := c.compare("k", tc.a, tc.b); got != tc.want {
				t.Errorf("%d: %v", i, got)
			}
		}
	}
	user := comparer[string, person]{old: millis, new: upper, equal: func(a, b person) bool { return a.Score == b.Score }}
	if user.compare("k", person{Name: "a"}, person{Name: "b"}) != identical || user.compare("k", person{Score: 1}, person{}) != differing {
		t.Error("the user's Equal does not decide alone")
	}
}
