package flags_test

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags"
)

// text is what a log has written so far.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// logged is a logger into a text without times.
func logged(out *text) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "since" {
			return slog.Attr{}
		}
		return a
	}}))
}

// step is what happens, and how long it stays so.
type step struct {
	do    func(*fake)
	stays time.Duration
}

func to(a answer, stays time.Duration) step { return step{func(c *fake) { c.answers(a) }, stays} }

func enters(s openfeature.State, with openfeature.EventType, stays time.Duration) step {
	return step{func(c *fake) { c.enter(s); c.emit(with) }, stays}
}

func TestTheLog(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options flags.Options
		steps   []step
		want    string // after the line about the first value
	}{
		"changes, and nothing of each evaluation": {
			steps: []step{
				to(says("read-old/write-both"), 5*time.Minute), to(says("read-new/write-both"), 5*time.Minute),
			},
			want: `level=INFO msg="migration phase changed" flag=users-migration from=old-only to=read-old/write-both
level=INFO msg="migration phase changed" flag=users-migration from=read-old/write-both to=read-new/write-both
`},
		"a hold is said again each 30 s, as an error once writes are refused": {
			steps: []step{to(says("new-only"), 100*time.Second), to(says("old-only"), 5*time.Minute)},
			want: `level=WARN msg="migration phase held" flag=users-migration phase=old-only held=new-only
level=ERROR msg="migration phase held for too long, writes are refused" flag=users-migration phase=old-only held=new-only
level=ERROR msg="migration phase held for too long, writes are refused" flag=users-migration phase=old-only held=new-only
level=ERROR msg="migration phase held for too long, writes are refused" flag=users-migration phase=old-only held=new-only
level=INFO msg="migration phase no longer held" flag=users-migration held=new-only
`},
		"a hold without refusal is said again": {
			options: flags.Options{OnJump: flags.Hold},
			steps:   []step{to(says("new-only"), 100*time.Second)},
			want: strings.Repeat(`level=WARN msg="migration phase held" flag=users-migration phase=old-only held=new-only
`, 4)},
		"a jump that is followed": {
			options: flags.Options{OnJump: flags.Follow},
			steps:   []step{to(says("new-only"), 5*time.Minute)},
			want: `level=WARN msg="migration phase jumped" flag=users-migration from=old-only to=new-only
`},
		"another failure after the first": {
			steps: []step{to(fails("503"), time.Minute), to(says("read-old"), time.Minute), to(says("old-only"), time.Minute)},
			want: `level=WARN msg="migration flag can not be read" flag=users-migration phase=old-only error=503
level=WARN msg="migration flag can not be read" flag=users-migration phase=old-only error="flags: \"read-old\" is no phase: want \"old-only\", \"read-old/write-both\", \"read-new/write-both\" or \"new-only\""
level=INFO msg="migration flag can be read again" flag=users-migration phase=old-only
`},
		"a provider that answers from memory": {
			steps: []step{
				enters(openfeature.ErrorState, openfeature.ProviderError, 5*time.Minute),
				enters(openfeature.StaleState, openfeature.ProviderStale, 5*time.Minute),
				enters(openfeature.ReadyState, openfeature.ProviderReady, 5*time.Minute),
				to(reasons("old-only", "STALE"), 5*time.Minute), to(says("old-only"), 5*time.Minute),
			},
			want: `level=WARN msg="migration flag may be old" flag=users-migration phase=old-only reason="the provider is in state ERROR: its flags may be old"
level=WARN msg="migration flag may be old" flag=users-migration phase=old-only reason="the provider is in state STALE: its flags may be old"
level=INFO msg="migration flag can be read again" flag=users-migration phase=old-only
level=WARN msg="migration flag may be old" flag=users-migration phase=old-only reason="the provider calls the value stale"
level=INFO msg="migration flag can be read again" flag=users-migration phase=old-only
`},
		"a value that is held, and in doubt": {
			steps: []step{to(says("new-only"), 10*time.Second), enters(openfeature.StaleState, openfeature.ProviderStale, 10*time.Second)},
			want: `level=WARN msg="migration phase held" flag=users-migration phase=old-only held=new-only
level=WARN msg="migration flag may be old" flag=users-migration phase=old-only reason="the provider is in state STALE: its flags may be old"
`},
		"an error that has no text": {
			steps: []step{to(reasons("new-only", openfeature.ErrorReason), 5*time.Minute)},
			want: `level=WARN msg="migration flag can not be read" flag=users-migration phase=old-only error="the provider reports an error, and does not say which"
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out text
				client := newFake("old-only")
				tc.options.Logger = logged(&out)
				f := open(t, client, &tc.options)
				for _, s := range tc.steps {
					s.do(client)
					time.Sleep(s.stays)
				}
				f.Close()
				want := `level=INFO msg="migration phase changed" flag=users-migration from=unknown to=old-only` + "\n" + tc.want
				if out.String() != want {
					t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
				}
			})
		})
	}
}

// A text that is another one each time, as it holds the number of a request, does not flood the log.
func TestTheLogOfTextsThatDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out text
		client := newFake("old-only")
		f := open(t, client, &flags.Options{Logger: logged(&out)})
		for range 600 {
			client.answers(fails("503 of request " + time.Now().String()))
			time.Sleep(100 * time.Millisecond)
		}
		f.Close()
		if n := strings.Count(out.String(), "can not be read"); n < 5 || n > 7 {
			t.Errorf("%d lines in a minute, want one in 10 s:\n%s", n, out.String())
		}
	})
}

// What a flag or a provider says is not put into errors, logs and pages without bound.
func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("läng", 2500)
	cause := errors.New(long)
	for name, a := range map[string]answer{"value": says(long), "error": both("", cause), "panic": func(context.Context, string) (openfeature.StringEvaluationDetails, error) { panic(long) }} {
		synctest.Test(t, func(t *testing.T) {
			var out text
			client := newFake("old-only")
			f := open(t, client, &flags.Options{Logger: logged(&out)})
			client.answers(a)
			time.Sleep(time.Minute)
			s := f.Status()
			for what, text := range map[string]string{"reason": s.Reason, "error": s.Err.Error(), "log": out.String()} {
				if len(text) > 800 || !strings.Contains(text, "läng") || !regexp.MustCompile(`1\d{4} bytes`).MatchString(text) {
					t.Errorf("%s, %s: %d bytes: %.1000s", name, what, len(text), text)
				}
			}
			if name == "error" && !errors.Is(s.Err, cause) {
				t.Error("the identity is lost")
			}
		})
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := errors.New("data source interrupted")
		var down atomic.Bool
		client := newFake("old-only")
		f := open(t, client, &flags.Options{Health: func() error {
			if down.Load() {
				return lost
			}
			return nil
		}})
		down.Store(true) // the provider goes on answering
		time.Sleep(5 * time.Minute)
		if s := f.Status(); !strings.Contains(s.Reason, lost.Error()) || time.Since(s.Confirmed) < 4*time.Minute || time.Since(s.InTouch) < 4*time.Minute {
			t.Errorf("%+v", s)
		}
		client.set("new-only") // the fleet has walked on
		time.Sleep(time.Minute)
		wantPhase(t, f, flags.NewOnly)
	})
}

// A flag that is another one each time it is asked: the status counts.
func TestPhaseChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newFake("old-only")
		f := open(t, client, nil)
		for i := range 10 {
			if n := f.Status().PhaseChanges; n != uint64(i) {
				t.Errorf("%d changes, want %d", n, i)
			}
			client.set(flags.Phases()[(i+1)%2].String())
			time.Sleep(2 * time.Second)
		}
	})
}
