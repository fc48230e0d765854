package flags

import (
	"context"
	"log/slog"
	"time"
)

// quiet is the least time between two lines about the same kind of trouble with another text: a text may hold a number
// that differs each time.
const quiet = 10 * time.Second

// journal tells the log what has changed. Only the loop uses it.
type journal struct {
	log        *slog.Logger
	staleAfter time.Duration

	held      time.Time // when a line was last written about the hold
	trouble   trouble   // what the last line about the flag said
	reason    string
	troubleAt time.Time
}

// trouble is a kind of reason not to trust the phase.
type trouble uint8

const (
	noTrouble trouble = iota
	inDoubt
	unreadable
)

func (f *OpenFeature) journal() journal {
	return journal{log: f.options.Logger.With(slog.String("flag", f.flagKey)), staleAfter: f.options.StaleAfter}
}

// tell writes what is different in after, and what has to be said again.
func (j *journal) tell(before, after Status, now time.Time) {
	j.phase(before, after)
	j.hold(before, after, now)
	j.readable(after, now)
}

func (j *journal) phase(before, after Status) {
	if after.Phase == before.Phase {
		return
	}
	level, message := slog.LevelInfo, "migration phase changed"
	if before.Phase != 0 && !before.Phase.Adjacent(after.Phase) {
		level, message = slog.LevelWarn, "migration phase jumped"
	}
	j.write(level, message, slog.String("from", before.Phase.String()), slog.String("to", after.Phase.String()))
}

func (j *journal) hold(before, after Status, now time.Time) {
	if after.Held == 0 {
		if before.Held != 0 {
			j.write(slog.LevelInfo, "migration phase no longer held", slog.String("held", before.Held.String()))
		}
		return
	}
	news := after.Held != before.Held || after.WritesRefused != before.WritesRefused
	if !news && now.Sub(j.held) < j.staleAfter {
		return
	}
	j.held = now
	level, message := slog.LevelWarn, "migration phase held"
	if after.WritesRefused {
		level, message = slog.LevelError, "migration phase held for too long, writes are refused"
	}
	j.write(level, message, slog.String("phase", after.Phase.String()), slog.String("held", after.Held.String()), slog.Time("since", after.HeldSince))
}

func (j *journal) write(level slog.Level, message string, about ...slog.Attr) {
	j.log.LogAttrs(context.Background(), level, message, about...)
}

func (j *journal) readable(s Status, now time.Time) {
	is, reason := noTrouble, ""
	switch {
	case s.Err != nil:
		is, reason = unreadable, s.Err.Error()
	case s.doubt != "":
		is, reason = inDoubt, s.doubt
	}
	if is == j.trouble && (reason == j.reason || now.Sub(j.troubleAt) < quiet) {
		return
	}
	j.trouble, j.reason, j.troubleAt = is, reason, now
	phase := slog.String("phase", s.Phase.String())
	switch is {
	case noTrouble:
		j.write(slog.LevelInfo, "migration flag can be read again", phase)
	case inDoubt:
		j.write(slog.LevelWarn, "migration flag may be old", phase, slog.String("reason", reason))
	case unreadable:
		j.write(slog.LevelWarn, "migration flag can not be read", phase, slog.String("error", reason))
	}
}
