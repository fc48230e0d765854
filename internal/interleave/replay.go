package interleave

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// Replay runs one schedule and tells it step by step. verdict is what the judges say.
func Replay(t *testing.T, s *Scenario, schedule []string) (story string, verdict, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		var r *run
		if r, err = newRun(s); err != nil {
			return
		}
		defer r.close()
		r.trace = &trace{}
		verdict, err = r.follow(schedule)
		story = r.trace.String()
	})
	return story, verdict, err
}

// follow takes the decisions of a schedule, goes on with the first choice there is, and judges.
func (r *run) follow(schedule []string) (verdict, err error) {
	l := &Limits{Faults: len(schedule), Preemptions: -1}
	for i := 0; ; i++ {
		r.settle()
		choices := r.choices(nil, l)
		if i >= len(schedule) {
			if len(choices) > 0 {
				r.next(choices[0])
				continue
			}
			j := judge{known: map[string]bool{}}
			return j.verdict(r), nil
		}
		var offered []string
		found := false
		for _, ch := range choices {
			offered = append(offered, ch.token())
			if ch.token() == schedule[i] {
				r.next(ch)
				found = true
				break
			}
		}
		if !found {
			return nil, fmt.Errorf("interleave: step %d is %q, but what can happen is %v", i+1, schedule[i], offered)
		}
	}
}
