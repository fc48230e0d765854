package flagtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/open-feature/go-sdk/openfeature"

	"github.com/dualwrite/dualwrite/flags/flagtest"
)

var none openfeature.EvaluationContext

func TestProviderValues(t *testing.T) {
	t.Parallel()
	p := flagtest.NewProvider(nil)
	client, ctx := flagtest.NewClient(t, p), t.Context()
	for flag, value := range map[string]any{"s": "x", "b": true, "i": 7, "f": 2.5, "o": []string{"a"}} {
		p.Set(flag, value)
	}
	s, errS := client.StringValue(ctx, "s", "", none)
	b, errB := client.BooleanValue(ctx, "b", false, none)
	i, errI := client.IntValue(ctx, "i", 0, none)
	f, errF := client.FloatValue(ctx, "f", 0, none)
	o, errO := client.ObjectValue(ctx, "o", nil, none)
	if err := errors.Join(errS, errB, errI, errF, errO); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]any{"x", true, int64(7), 2.5, []string{"a"}}, []any{s, b, i, f, o}); diff != "" {
		t.Error(diff)
	}
	for name, tc := range map[string]struct {
		flag string
		code openfeature.ErrorCode
	}{"wrong type": {"b", openfeature.TypeMismatchCode}, "missing": {"none", openfeature.FlagNotFoundCode}} {
		d, err := client.StringValueDetails(ctx, tc.flag, "otherwise", none)
		if d.Value != "otherwise" || d.ErrorCode != tc.code || d.Reason != openfeature.ErrorReason || err == nil {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	p.Unset("s")
	if d, err := client.StringValueDetails(ctx, "s", "", none); d.ErrorCode != openfeature.FlagNotFoundCode || err == nil {
		t.Errorf("unset: %+v, %v", d, err)
	}
}

func TestProviderEventsAndStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := flagtest.NewProvider(nil)
		client := flagtest.NewClient(t, p)
		seen := make(chan []string, 1)
		handler := func(d openfeature.EventDetails) { seen <- d.FlagChanges }
		client.AddHandler(openfeature.ProviderConfigChange, &handler)
		p.Set("a", "x")
		if diff := cmp.Diff([]string{"a"}, <-seen); diff != "" {
			t.Error(diff)
		}
		for _, step := range []struct {
			do   func()
			want openfeature.State
		}{
			{func() { p.Fail(errors.New("down")) }, openfeature.ErrorState},
			{func() { p.Fail(nil) }, openfeature.ReadyState},
			{func() { p.Emit(openfeature.ProviderStale) }, openfeature.StaleState},
			{func() { p.DropEvents(true); p.Emit(openfeature.ProviderReady) }, openfeature.StaleState},
			{func() { p.DropEvents(false); p.Emit(openfeature.ProviderReady) }, openfeature.ReadyState},
		} {
			step.do()
			synctest.Wait()
			if got := client.State(); got != step.want {
				t.Errorf("state %v, want %v", got, step.want)
			}
		}
		if p.Lost() != 1 {
			t.Errorf("%d events lost, want 1", p.Lost())
		}
	})
}

func TestProviderNeverBlocks(t *testing.T) {
	t.Parallel()
	p := flagtest.NewProvider(nil)
	for range 1000 { // nobody takes the events
		p.Set("a", "x")
	}
	if p.Lost() == 0 {
		t.Error("no event was lost")
	}
}

func TestProviderInit(t *testing.T) {
	t.Parallel()
	want := errors.New("no licence")
	p := flagtest.NewProvider(&flagtest.ProviderOptions{Init: func(context.Context) error { return want }})
	if err := p.Init(none); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
}
