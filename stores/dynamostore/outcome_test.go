package dynamostore

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/stores"
)

// script injects faults in order, one for each request.
func script(faults ...fault) func(string, *rand.Rand) fault {
	return func(string, *rand.Rand) fault {
		if len(faults) == 0 {
			return ""
		}
		var next fault
		next, faults = faults[0], faults[1:]
		return next
	}
}

// TestWhatAFailedWriteLeftBehind: the SDK makes three attempts behind one call, and each of them may have had an effect.
func TestWhatAFailedWriteLeftBehind(t *testing.T) {
	t.Parallel()
	const applied, refused, failed, unknown = stores.OutcomeApplied, stores.OutcomeRefused, stores.OutcomeFailed, stores.OutcomeUnknown
	for name, tc := range map[string]struct {
		faults []fault
		want   stores.Outcome
		stored bool
	}{
		"throttled once":                    {[]fault{throttled}, applied, true},
		"throttled each time":               {[]fault{throttled, throttled, throttled}, failed, false},
		"answer lost, applied":              {[]fault{lostAnswer1}, refused, true}, // by itself, which it shows
		"request lost":                      {[]fault{lostRequest}, applied, true},
		"requests lost":                     {[]fault{lostRequest, lostRequest, lostRequest}, unknown, false},
		"answer lost, then throttled":       {[]fault{lostAnswer1, throttled, throttled}, unknown, true},
		"server error, then throttled":      {[]fault{serverError, throttled, throttled}, unknown, true},
		"request lost, then throttled":      {[]fault{lostRequest, throttled, throttled}, unknown, false},
		"server errors":                     {[]fault{serverError, serverError, serverError}, unknown, true},
		"conflict":                          {[]fault{conflicting, conflicting}, applied, true},
		"answer lost, then in conflict":     {[]fault{lostAnswer1, conflicting}, unknown, true},
		"throttled, then a conflict":        {[]fault{throttled, conflicting}, applied, true},
		"conflicts without end":             {[]fault{conflicting, conflicting, conflicting, conflicting, conflicting, conflicting, conflicting, conflicting, conflicting, conflicting}, failed, false},
		"throttled, answer lost, throttled": {[]fault{throttled, lostAnswer1, throttled}, unknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s, exact := flaky(t, nil, 1, script(tc.faults...))
			w := write{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)}
			err := s.Put(t.Context(), w)
			if o, m := stores.OutcomeOf(err); o != tc.want || o == refused && !m.Shows(stamp(1)) {
				t.Errorf("%v, want outcome %d", err, tc.want)
			}
			if r, err := stores.OrAbsent(exact.Get(t.Context(), "k")); err != nil || r.Version.IsAbsent() == tc.stored {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestRefusalAfterALostAnswer: others have built upon the write twice before the SDK sends it again. What refuses it then
// does not show it any more, and to call it refused would have it done twice.
func TestRefusalAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(*Store[string, note], context.Context, write) error{
		"put": func(s *Store[string, note], ctx context.Context, w write) error { return s.Put(ctx, w) },
		"put many": func(s *Store[string, note], ctx context.Context, w write) error {
			other := w
			other.Key = "other"
			errs, err := s.PutMany(ctx, []write{w, other})
			return errors.Join(errs[0], err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var exact *Store[string, note]
			f, s, exact := flaky(t, nil, 1, script())
			requests := 0
			f.Decide(func(string, *rand.Rand) fault {
				if requests++; requests == 1 {
					return lostAnswer1
				}
				if requests == 2 {
					for i := range 2 {
						mustPut(t, exact, write{Key: "k", Record: live(stamp(2+i), stamp(1+i), 2), If: stores.IfOlder(stamp(2 + i))})
					}
				}
				return ""
			})
			w := write{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)}
			if o, _ := stores.OutcomeOf(put(s, t.Context(), w)); o != stores.OutcomeUnknown {
				t.Errorf("outcome %d", o)
			}
		})
	}
}

// TestNotConnected: nobody listens, so nothing was sent.
func TestNotConnected(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.client = dynamotest.ClientAt(nowhere, newFaulty(1, script()).with)
	w := write{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)}
	if o, _ := stores.OutcomeOf(s.Put(t.Context(), w)); o != stores.OutcomeFailed {
		t.Errorf("put: outcome %d", o)
	}
	errs, err := s.PutMany(t.Context(), []write{w, {Key: "l", Record: w.Record, If: w.If}})
	if o, _ := stores.OutcomeOf(errs[0]); err != nil || o != stores.OutcomeFailed {
		t.Errorf("put many: %v, %v", errs, err)
	}
	if _, err := s.Get(t.Context(), "k"); !errors.Is(err, stores.ErrTransient) {
		t.Errorf("get: %v", err)
	}
	s.client = dynamotest.ClientAt(nowhere, func(o *dynamodb.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("expired") })
	})
	if o, _ := stores.OutcomeOf(s.Put(t.Context(), w)); o != stores.OutcomeFailed {
		t.Errorf("put without credentials: outcome %d", o)
	}
}

// stalled is a transport that sends the request and never answers.
type stalled struct{ started chan struct{} }

func (s stalled) Do(req *http.Request) (*http.Response, error) {
	select {
	case s.started <- struct{}{}:
	default:
	}
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// TestAnswerThatNeverComes: the call ends with its deadline or its context, and nobody knows.
func TestAnswerThatNeverComes(t *testing.T) {
	t.Parallel()
	s := notes(t, nil)
	stall := stalled{make(chan struct{}, 1)}
	s.client = newClient(t, func(o *dynamodb.Options) { o.HTTPClient = stall })
	w := write{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Put(ctx, w)
		if o, _ := stores.OutcomeOf(err); o != stores.OutcomeUnknown || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	<-stall.started
	cancel()
	wg.Wait()
	s.opts.Timeout = 10 * time.Millisecond
	err := s.Put(t.Context(), w)
	if o, _ := stores.OutcomeOf(err); o != stores.OutcomeUnknown || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Get(t.Context(), "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("get: %v", err)
	}
}

// TestUsage: units and requests are told, also those that were refused or throttled.
func TestUsage(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var all []Usage
	take := func() (u []Usage) {
		mu.Lock()
		defer mu.Unlock()
		u, all = all, nil
		return u
	}
	o := &Options[string, note]{OnUsage: func(u Usage) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, u)
	}}
	_, s, _ := flaky(t, o, 1, script("", "", throttled))
	take()
	expect := func(want ...Usage) {
		t.Helper()
		got := take()
		if len(got) != len(want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%+v, want %+v", got[i], want[i])
			}
		}
	}
	w := write{Key: "k", Record: live(stamp(1), stores.Absent, 1), If: stores.IfStamp(stores.Absent)}
	mustPut(t, s, w)
	expect(Usage{"UpdateItem", 1, 0, 0, 1})
	if err := s.Put(t.Context(), w); err == nil {
		t.Error("accepted twice")
	}
	expect(Usage{"UpdateItem", 1, 0, 0, 1})
	if _, err := s.Get(t.Context(), "k"); err != nil {
		t.Error(err)
	}
	expect(Usage{"GetItem", 2, 1, 1, 0})
	writes := make([]write, 50)
	keys := make([]string, len(writes))
	for i := range writes {
		keys[i] = "b" + string(rune('0'+i))
		writes[i] = write{Key: keys[i], Record: w.Record, If: w.If}
	}
	errs, err := s.PutMany(t.Context(), writes)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	expect(Usage{"BatchExecuteStatement", 1, 0, 0, 25}, Usage{"BatchExecuteStatement", 1, 0, 0, 25})
	if _, err := s.GetMany(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	expect(Usage{"BatchGetItem", 1, 0, 50, 0})
	for _, err := range s.Scan(t.Context(), "", nil) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if u := take(); len(u) != 2 || u[0].Operation != "Scan" || u[0].Read < 1 || u[1] != (Usage{Operation: "DescribeTable", Requests: 1}) {
		t.Errorf("%+v", u)
	}
}
