package dualwritetest

import (
	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/stores"
)

func getMany[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	f.seed(0, 10)
	f.put(1, 11)
	f.put(2, 12)
	f.point()
	if err := f.Delete(ctx, f.key(2)); err != nil {
		f.Fatal(err)
	}
	f.put(3, 13)
	f.point()
	order := []int{3, 9, 0, 2, 1, 3, 9} // out of order, missing ones, deleted ones, some twice
	keys := make([]K, len(order))
	for i, k := range order {
		keys[i] = f.key(k)
	}
	results, err := f.GetMany(ctx, keys)
	if err != nil || len(results) != len(keys) {
		f.Fatalf("%d results for %d keys, %v", len(results), len(keys), err)
	}
	for i, k := range order {
		got := results[i]
		if k == 2 || k == 9 {
			f.wantErr(got.Err, k, dualwrite.ErrNotFound)
			continue
		}
		if s := f.c.diff(got.Value, f.value(k, 10+k)); got.Err != nil || s != "" {
			f.Errorf("result %d is not value %d: %v %s", i, 10+k, got.Err, s)
		}
		if v := f.want(k, 10+k); !v.Same(got.Version) {
			f.Errorf("result %d has version %v, the record %v", i, got.Version, v)
		}
	}
	if results, err := f.GetMany(ctx, nil); err != nil || len(results) != 0 {
		f.Errorf("no keys: %v, %v", results, err)
	}
}

func writeMany[K, V any](f *fixture[K, V]) {
	ctx := f.Context()
	f.seed(0, 9)
	first := f.put(1, 9)
	f.point()
	items := []dualwrite.Item[K, V]{
		{Key: f.key(2), Value: f.value(2, 1)}, {Key: f.key(0), Value: f.value(0, 2)}, {Key: f.key(2), Value: f.value(2, 3)},
		{Key: f.key(1), Value: f.value(1, 4)}, {Key: f.key(2), Value: f.value(2, 5), Version: first}, // the version is not looked at
	}
	put := f.results(f.PutMany(ctx, items))
	if len(put) != len(items) {
		f.Fatalf("%d results for %d items", len(put), len(items))
	}
	if !put[4].Newer(put[2]) || !put[2].Newer(put[0]) || !put[3].Newer(first) {
		f.Errorf("later writes of one key have versions %v, %v, %v", put[0], put[2], put[4])
	}
	f.point()
	for i, key := range map[int]int{1: 0, 3: 1, 4: 2} {
		if v := f.want(key, i+1); !v.Same(put[i]) {
			f.Errorf("record %d has version %v, PutMany answered %v", key, v, put[i])
		}
	}
	f.results(f.DeleteMany(ctx, []K{f.key(1), f.key(7), f.key(2), f.key(1)}))
	f.point()
	f.want(0, 2)
	for _, gone := range []int{1, 2, 7} {
		f.wantNone(gone)
	}
	if got := f.results(f.PutMany(ctx, nil)); len(got) != 0 {
		f.Errorf("no items: %v", got)
	}
	if got := f.results(f.DeleteMany(ctx, nil)); len(got) != 0 {
		f.Errorf("no keys: %v", got)
	}
}

// results are the versions of a batch that was carried out in full.
func (f *fixture[K, V]) results(results []dualwrite.WriteResult, err error) []stores.Version {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	all := make([]stores.Version, len(results))
	for i, res := range results {
		if res.Err != nil {
			f.Errorf("the batch answers no error, its item %d %v", i, res.Err)
		}
		f.wantStamp(res.Version)
		all[i] = res.Version
	}
	return all
}
