package dualwritetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/stores"
)

// sound are pairs of stores that a migration can be made with. Those on files have goroutines of their own.
var sound = []struct {
	name string
	open func(t *testing.T) (old, new store)
}{
	{"asymmetric codecs", func(t *testing.T) (old, new store) { return memory(t, flat()), memory(t, nested()) }},
	{"bolt, two files", func(t *testing.T) (old, new store) { return view(t, bolt(t), "old"), view(t, bolt(t), "new") }},
	{"bolt, one file", func(t *testing.T) (old, new store) {
		db := bolt(t)
		return view(t, db, "old"), view(t, db, "new")
	}},
	{"from memory to bolt", func(t *testing.T) (old, new store) { return memory(t, nil), view(t, bolt(t), "new") }},
}

func TestExploreSoundStores(t *testing.T) {
	t.Parallel()
	for _, s := range sound {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dualwritetest.Explore(t, dualwritetest.Config[string, user]{Open: s.open, Key: userKey, Value: userValue},
				&dualwritetest.ExploreOptions{Schedules: 1000, Seed: 1})
		})
	}
}

func TestExploreSerial(t *testing.T) {
	t.Parallel()
	inUse := make(chan struct{}, 1)
	dualwritetest.Explore(t, dualwritetest.Config[string, user]{
		Open: func(t *testing.T) (old, new store) {
			return altered{mem: memory(t, nil).(*mem), put: alone(t, inUse)}, altered{mem: memory(t, nil).(*mem), put: alone(t, inUse)}
		},
		Key: userKey, Value: userValue, Serial: true,
	}, &dualwritetest.ExploreOptions{Schedules: 500})
}

// TestExploreReplay runs one schedule again.
func TestExploreReplay(t *testing.T) {
	t.Parallel()
	var last int
	dualwritetest.Explore(t, dualwritetest.Config[string, user]{
		Open: func(t *testing.T) (old, new store) { return memory(t, nil), memory(t, nil) },
		Key: func(i int) string {
			last = i
			return userKey(i)
		},
		Value: userValue,
	}, &dualwritetest.ExploreOptions{Replay: "put in A beside get in A beside get in B, from stamped both, skew none @ ao bo cn co cn an"})
	if last != 1 {
		t.Errorf("%d schedules were run", last)
	}
}

// What Explore has to say about a wrong configuration, in another process: it fails the test.
func TestExploreSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenVariable) != "" {
		t.Skip("this is the other process")
	}
	for name, c := range map[string]struct{ replay, want string }{
		"all":       {"", "Config.Open is needed"},
		"options":   {"", "Schedules is -1, want 0 or more"},
		"same":      {"", "Config.Open returns the same store twice"},
		"keys":      {"", `key 0 is "user-000" in old and "x:user-000" in new`},
		"no replay": {"nothing", "is no replay"},
		"scenario":  {"nothing @ ao", "there is no scenario"},
		"step":      {"put in A beside get in A beside get in B, from stamped both, skew none @ ao ao", `step 2 is "ao"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestExploreWrong$")
			cmd.Env = append(os.Environ(), brokenVariable+"=explore "+name, "DUALWRITETEST_REPLAY="+c.replay)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: want %q in:\n%s", err, c.want, out)
			}
		})
	}
}

func TestExploreWrong(t *testing.T) {
	c := dualwritetest.Config[string, user]{
		Open: func(t *testing.T) (old, new store) { return memory(t, nil), memory(t, nil) },
		Key:  userKey, Value: userValue,
	}
	var o *dualwritetest.ExploreOptions
	switch name, ok := strings.CutPrefix(os.Getenv(brokenVariable), "explore "); {
	case !ok:
		t.Skip("run by TestExploreSaysWhatIsWrong")
	case name == "all":
		c = dualwritetest.Config[string, user]{}
	case name == "options":
		o = &dualwritetest.ExploreOptions{Schedules: -1}
	case name == "same":
		c.Open = func(t *testing.T) (old, new store) {
			s := memory(t, nil)
			return s, s
		}
	case name == "keys":
		c.Open = func(t *testing.T) (old, new store) { return memory(t, nil), otherKeys{memory(t, nil)} }
	}
	dualwritetest.Explore(t, c, o)
}

// otherKeys is a store whose keys have another canonical form.
type otherKeys struct{ store }

func (otherKeys) Keys() stores.KeyCodec[string] {
	return stores.KeyFuncs(
		func(dst []byte, key string) ([]byte, error) { return append(append(dst, "x:"...), key...), nil },
		func(b []byte) (string, error) { return strings.TrimPrefix(string(b), "x:"), nil },
	)
}
