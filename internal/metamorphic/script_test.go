package metamorphic

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is what a step does.
type kind uint8

const (
	get kind = iota
	put
	create
	update
	upsert
	putIf
	remove
	removeIf
	getMany
	putMany
	removeMany
	scan
	move // the phase changes, in worlds where it can
	kinds
)

var kindNames = [kinds]string{
	"get", "put", "create", "update", "upsert", "put if", "delete", "delete if", "get many", "put many", "delete many", "scan", "move",
}

// How often each kind comes up.
var weights = [kinds]int{
	get: 6, put: 6, create: 4, update: 8, upsert: 4, putIf: 6, remove: 4, removeIf: 3,
	getMany: 2, putMany: 2, removeMany: 1, scan: 1, move: 5,
}

// step is one operation of a script.
type step struct {
	id    int // numbers the steps of the script before it was shrunk
	kind  kind
	keys  []int // one, but for the many
	value int64
	// ref says for a conditional write which version to give: 0 is the latest that was seen of the key.
	ref int
	// fails makes the function of an update answer an error.
	fails bool
	// who carries it out, and where a move goes and what is done for it, are numbers that worlds make sense of.
	who, way int
	fault    fault
}

// fault is what goes wrong with the writes of a step, in worlds where things go wrong.
type fault struct {
	kind  faultKind
	place int // 0 old, 1 new, 2 both
	nth   int // of the writes to a place, from 1; 0 is all of them
}

type faultKind uint8

const (
	noFault faultKind = iota
	unacknowledged
	lost
	transient
)

func (s step) String() string {
	text := fmt.Sprintf("%3d %s %v", s.id, kindNames[s.kind], s.keys)
	switch s.kind {
	case move:
		text = fmt.Sprintf("%3d move %d", s.id, s.way)
	case putIf, removeIf:
		text += fmt.Sprintf(" value %d version %d back", s.value, s.ref)
	case put, create, putMany:
		text += fmt.Sprintf(" value %d", s.value)
	case update, upsert:
		text += fmt.Sprintf(" value %d fails %v", s.value, s.fails)
	}
	text += fmt.Sprintf(" by %d", s.who)
	if s.fault.kind != noFault {
		text += fmt.Sprintf(" fault %+v", s.fault)
	}
	return text
}

// script is a run of steps over a few keys, some of which have records from before the SDK.
type script struct {
	seeds map[int]int64
	steps []step
}

func (s script) String() string {
	lines := []string{fmt.Sprintf("records from before: %v", s.seeds)}
	for _, st := range s.steps {
		lines = append(lines, st.String())
	}
	return strings.Join(lines, "\n")
}

const (
	keyCount = 4
	most     = 40 // steps of a script
)

// generate makes the script of a seed.
func generate(seed uint64) script {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := script{seeds: map[int]int64{}}
	for key := range keyCount {
		if rng.IntN(3) == 0 {
			s.seeds[key] = int64(rng.IntN(1000))
		}
	}
	for id := range 5 + rng.IntN(most-4) {
		s.steps = append(s.steps, randomStep(rng, id))
	}
	return s
}

func randomStep(rng *rand.Rand, id int) step {
	st := step{
		id: id, kind: randomKind(rng), value: int64(rng.IntN(1000)), ref: rng.IntN(4) / 2,
		fails: rng.IntN(6) == 0, who: rng.IntN(2), way: rng.IntN(64), fault: randomFault(rng),
	}
	n := 1
	switch st.kind {
	case getMany, putMany, removeMany:
		n = 1 + rng.IntN(2*keyCount)
	case scan, move:
		n = 0
	}
	for range n {
		st.keys = append(st.keys, rng.IntN(keyCount))
	}
	return st
}

func randomKind(rng *rand.Rand) kind {
	all := 0
	for _, w := range weights {
		all += w
	}
	n := rng.IntN(all)
	for k, w := range weights {
		if n -= w; n < 0 {
			return kind(k)
		}
	}
	return get
}

func randomFault(rng *rand.Rand) fault {
	if rng.IntN(3) != 0 {
		return fault{}
	}
	return fault{kind: faultKind(1 + rng.IntN(3)), place: rng.IntN(3), nth: rng.IntN(4)}
}

// shrink leaves out steps as long as the script still fails.
func shrink(s script, fails func(script) error) (script, error) {
	var last error
	for shorter := true; shorter; {
		shorter = false
		for i := len(s.steps) - 1; i >= 0; i-- {
			try := script{seeds: s.seeds}
			try.steps = append(append(try.steps, s.steps[:i]...), s.steps[i+1:]...)
			if err := fails(try); err != nil {
				s, last, shorter = try, err, true
			}
		}
	}
	return s, last
}
