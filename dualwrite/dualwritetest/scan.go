package dualwritetest

import "github.com/dualwrite/dualwrite/stores"

func scan[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	f.wantScan(map[int]int{})
	want := map[int]int{}
	for i := range 12 {
		f.put(i, i)
		want[i] = i
	}
	f.point()
	for i := range 4 {
		if err := f.Delete(ctx, f.key(3*i)); err != nil {
			f.Fatal(err)
		}
		delete(want, 3*i)
	}
	f.wantScan(want)
	f.point()
	f.wantScan(want)
	f.put(0, 20)
	f.ok(f.Update(ctx, f.key(1), f.increment(1)))
	want[0], want[1] = 20, 2
	f.point()
	f.wantScan(want)
	for range f.Scan(ctx) { //nolint:errcheck // it is left at once
		break // leaving it early harms nothing
	}
	f.wantScan(want)
}

// scanLegacy is about records that no SDK has written, and that only old holds until something brings them over.
func scanLegacy[K, V any](f *fixture[K, V]) {
	want := map[int]int{}
	for i := range 10 {
		f.seed(i, i)
		want[i] = i
	}
	f.point()
	if err := f.Delete(f.Context(), f.key(4)); err != nil {
		f.Fatal(err)
	}
	f.put(5, 15)
	f.put(11, 16)
	delete(want, 4)
	want[5], want[11] = 15, 16
	f.wantScan(want)
	f.point()
	f.wantScan(want)
}

// wantScan checks that a scan yields exactly these records, each once and with its version.
func (f *fixture[K, V]) wantScan(want map[int]int) {
	f.Helper()
	number := map[string]int{}
	for i := range keyCount {
		number[f.canonical(f.key(i))] = i
	}
	versions := map[int]stores.Version{}
	for it, err := range f.Scan(f.Context()) {
		if err != nil {
			f.Fatal(err)
		}
		key, known := number[f.canonical(it.Key)]
		value, wanted := want[key]
		switch {
		case !known || !wanted:
			f.Errorf("a scan yields %v, which is not there: %+v", it.Key, it.Value)
		default:
			if s := f.c.diff(it.Value, f.value(key, value)); s != "" {
				f.Errorf("a scan yields for record %d not value %d: %s", key, value, s)
			}
		}
		if _, twice := versions[key]; twice {
			f.Errorf("a scan yields record %d twice", key)
		}
		versions[key] = it.Version
	}
	for key, value := range want {
		version, yielded := versions[key]
		if !yielded {
			f.Errorf("a scan misses record %d", key)
		} else if v := f.want(key, value); !v.Same(version) {
			f.Errorf("a scan yields record %d with version %v, it has %v", key, version, v)
		}
	}
}

func (f *fixture[K, V]) canonical(key K) string {
	f.Helper()
	b, err := f.old.Keys().Append(nil, key)
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}
