package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// screen is what the user sees: lines with the time since the start, and beside them how far a long step is, as a bar on
// a terminal and as a line every two seconds elsewhere. It is safe for concurrent use.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	bars  bool
	start time.Time
	bar   *progressbar.ProgressBar
}

func newScreen(out io.Writer) *screen {
	f, ok := out.(*os.File)
	return &screen{out: out, bars: ok && term.IsTerminal(int(f.Fd())), start: time.Now()}
}

// say prints a line.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
	}
	_, _ = fmt.Fprintf(s.out, "%6.1fs  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// plain prints text as it is.
func (s *screen) plain(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintln(s.out, text)
}

// step is how far one long step is.
type step struct {
	s     *screen
	name  string
	began time.Time

	mu     sync.Mutex
	shown  time.Time
	closed bool
}

const stepInterval = 2 * time.Second

// begin starts showing a step with a total of so many records; one step at a time is shown.
func (s *screen) begin(name string, total int64) *step {
	now := time.Now()
	st := &step{s: s, name: name, began: now, shown: now}
	if s.bars {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(s.out), progressbar.OptionSetDescription(name),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("records"),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return st
}

// at shows how far the step is. A total of zero is not known; rate and eta are computed if they are zero.
func (st *step) at(doneNow, total int64, rate float64, eta time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return
	}
	if st.s.bars {
		st.s.mu.Lock()
		defer st.s.mu.Unlock()
		st.s.bar.ChangeMax64(max(total, doneNow+1))
		_ = st.s.bar.Set64(doneNow)
		return
	}
	if time.Since(st.shown) < stepInterval {
		return
	}
	st.shown = time.Now()
	if rate == 0 {
		rate = float64(doneNow) / time.Since(st.began).Seconds()
	}
	if total == 0 {
		st.s.say("  %s %s, %s/s", st.name, grouped(doneNow), grouped(int64(rate)))
		return
	}
	left := max(total-doneNow, 0)
	if eta == 0 && rate > 0 {
		eta = time.Duration(float64(left) / rate * float64(time.Second))
	}
	st.s.say("  %s %s of %s (%d%%), %s/s, %v left", st.name, grouped(doneNow), grouped(total),
		(total-left)*100/total, grouped(int64(rate)), eta.Round(time.Second))
}

// end stops showing the step.
func (st *step) end() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.closed = true
	if st.s.bars {
		st.s.mu.Lock()
		defer st.s.mu.Unlock()
		_ = st.s.bar.Clear()
		st.s.bar = nil
	}
}

// grouped is n with thousands separated.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
