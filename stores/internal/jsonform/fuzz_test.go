package jsonform

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/internal/hostile"
	"github.com/dualwrite/dualwrite/stores"
)

// FuzzValue: what is acknowledged comes back equal, whatever is in it, and JSON that was read can be written again.
func FuzzValue(f *testing.F) {
	for i, text := range hostile.Texts() {
		times := hostile.Times()
		at := times[i%len(times)]
		_, offset := at.Zone()
		numbers := hostile.Numbers()
		f.Add(text, numbers[i%len(numbers)], []byte(text), at.Unix(), int64(at.Nanosecond()), offset, 1.5, []byte(`{"`+text+`":[1e999,"\ufffd",{}]}`))
	}
	type value struct {
		Text   string
		Number json.Number
		Bytes  []byte
		At     *time.Time
		Float  float64
		Names  map[string][]string
		Any    map[string]any
	}
	typed, err := New[value]()
	plain, err2 := New[any]()
	if err := errors.Join(err, err2); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, number string, b []byte, sec, nsec int64, offset int, float float64, raw []byte) {
		at := time.Unix(sec, nsec).In(time.FixedZone("", offset))
		v := value{
			text, json.Number(number), b, &at, float, map[string][]string{text: {text}, text + "\xff": nil, string(b): {number}},
			map[string]any{text: text, number: []any{json.Number("1"), string(b)}},
		}
		if form, err := typed.Append(nil, v); err == nil {
			back, err := typed.Parse(form)
			if v.Number == "" {
				v.Number = "0"
			}
			if err != nil || !stores.DeepEqual(v, back) {
				t.Fatalf("%+v came back as %+v, %v", v, back, err)
			}
		}
		read, err := plain.Parse(raw)
		if err != nil {
			return
		}
		form, err := plain.Append(nil, read)
		if err != nil {
			t.Fatalf("%q was read but can not be written: %v", raw, err)
		}
		if again, err := plain.Parse(form); err != nil || !stores.DeepEqual(read, again) {
			t.Fatalf("%q, written again, is %q: %v", raw, form, err)
		}
	})
}
