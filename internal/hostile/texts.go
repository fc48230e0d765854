package hostile

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// Texts are strings that a detour over JSON, BSON, UTF-16 or a shell may change, as values, names and keys.
func Texts() []string {
	return []string{
		"", " ", "a", "A", "a.b", "$x", "a\x00b", "\x00", "\u2028", "<&>", `\ufffd`, "\ufffd", "\U0001F600", "u\u0308", "ü", "\"", "\\", "null", "1e999", "__proto__",
		"a\xffb", "\xff", "\xed\xa0\x80", "\xc0\x80", "name", "Name", "NAME", strings.Repeat("n", 255), strings.Repeat("k", 1024), strings.Repeat("v", 1<<16), strings.Repeat("x", 70_000),
	}
}

// Numbers are numbers as text: what float64 rounds, what is out of range somewhere, and what is none.
func Numbers() []string {
	return []string{
		"0", "-0", "1.0", "1.10", "9007199254740993", "-9223372036854775808", "18446744073709551615", "1e999", "1E-130", "12345678901234567890123456789012345678", "0.1",
		"1e-400", "9.9999999999999999999999999999999999999E+125", "1e126", "", "NaN", "0x1", "1_0", "+1", " 1", "1e", ".5", "5.",
	}
}

// Anything is what an any may hold, for stores that keep JSON.
func Anything() []any {
	all := []any{
		nil, true, false, 0, -1, int64(math.MinInt64), uint64(math.MaxUint64), float32(1.1), 1.5, math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1),
		[]byte(nil), []byte{}, []byte("\xff"), [2]byte{255}, []any{}, []any{nil, "\xff"}, map[string]any{}, map[string]any{"": nil, "a.b": 1, "name": "right", "Name": "other"}, map[int]string{1: "x"},
		struct{ Name, NAME string }{"right", "other"}, map[string]int{"a\xff": 1, "a\xfe": 2},
	}
	for _, at := range Times() {
		all = append(all, at, map[string]any{"at": []time.Time{at}})
	}
	for _, text := range Texts() {
		all = append(all, text, map[string]any{text: []any{text}})
	}
	for _, n := range Numbers() {
		all = append(all, json.Number(n), map[string]any{"n": json.Number(n)})
	}
	return all
}

// Times are at the ends of what formats have room for, and in zones that they have none for.
func Times() []time.Time {
	return []time.Time{
		{}, time.Unix(0, 0), time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.FixedZone("", 5*3600+30*60)), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(1930, 5, 1, 12, 0, 0, 0, time.FixedZone("", 19*60+32)), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 30*3600)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", -1)),
	}
}
