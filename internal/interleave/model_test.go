package interleave

import "testing"

func TestLinearizable(t *testing.T) {
	const ok, unknown = classOK, classUnknown
	s := state{live: true, value: "s"}
	for _, test := range []struct {
		name    string
		from    state
		history []event
		want    bool
	}{
		{"nothing", s, nil, true},
		{"a stale read", s, []event{
			{kind: Put, id: "a", value: "a", class: ok, call: 1, ret: 2}, {client: 1, kind: Get, value: "s", class: ok, call: 3, ret: 4},
		}, false},
		{"a read beside a write", s, []event{
			{kind: Put, id: "a", value: "a", class: ok, call: 1, ret: 3}, {client: 1, kind: Get, value: "s", class: ok, call: 2, ret: 4},
		}, true},
		{"back in time", s, []event{
			{kind: Put, id: "a", value: "a", class: ok, call: 1, ret: 9},
			{client: 1, kind: Get, value: "a", class: ok, call: 2, ret: 3}, {client: 1, kind: Get, value: "s", class: ok, call: 4, ret: 5},
		}, false},
		{"unknown and not there", s, []event{
			{kind: Put, id: "a", class: unknown, call: 1, ret: never}, {client: 1, kind: Get, value: "s", class: ok, call: 3, ret: 4},
		}, true},
		{"unknown and late", s, []event{
			{kind: Put, id: "a", class: unknown, call: 1, ret: never},
			{client: 1, kind: Get, value: "s", class: ok, call: 3, ret: 4}, {client: 1, kind: Get, value: "a", class: ok, call: 5, ret: 6},
		}, true},
		{"unknown and twice", s, []event{
			{kind: Put, id: "a", class: unknown, call: 1, ret: never},
			{client: 1, kind: Get, value: "a", class: ok, call: 3, ret: 4}, {client: 1, kind: Put, id: "b", value: "b", class: ok, call: 5, ret: 6},
			{client: 1, kind: Get, value: "a", class: ok, call: 7, ret: 8},
		}, false},
		{"an update of what nobody has seen", s, []event{{kind: Update, id: "a", value: "x+a", class: ok, call: 1, ret: 2}}, false},
		{"two updates on one base", s, []event{
			{kind: Update, id: "a", value: "s+a", class: ok, call: 1, ret: 3}, {client: 1, kind: Update, id: "b", value: "s+b", class: ok, call: 2, ret: 4},
		}, false},
		{"created twice", state{}, []event{
			{kind: Create, id: "a", value: "a", class: ok, call: 1, ret: 3}, {client: 1, kind: Create, id: "b", value: "b", class: ok, call: 2, ret: 4},
		}, false},
		{"the version that is there", s, []event{{kind: PutIf, id: "a", want: "s", value: "a", class: ok, call: 1, ret: 2}}, true},
		{"another version", s, []event{{kind: PutIf, id: "a", want: "t", value: "a", class: ok, call: 1, ret: 2}}, false},
		{"refused for the version that is there", s, []event{{kind: PutIf, id: "a", want: "s", class: classVersion, call: 1, ret: 2}}, false},
		{"refused for an older version of the same", s, []event{{kind: PutIf, id: "a", want: "s", alias: true, class: classVersion, call: 1, ret: 2}}, true},
		{"not found and there", s, []event{{kind: Get, class: classNotFound, call: 1, ret: 2}}, false},
		{"exists and not there", state{}, []event{{kind: Create, id: "a", class: classExists, call: 1, ret: 2}}, false},
		{"back from the dead", s, []event{
			{kind: Delete, id: "a", class: ok, call: 1, ret: 2}, {client: 1, kind: Get, value: "s", class: ok, call: 3, ret: 4},
		}, false},
		{"a refusal that saw what is gone", s, []event{
			{kind: Delete, id: "a", class: ok, call: 1, ret: 2}, {client: 1, kind: Refuse, value: "s", class: classSeen, call: 3, ret: 4},
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := linearizable(test.from, test.history); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestFingerprint: what the verdict depends on is told apart, and nothing else.
func TestFingerprint(t *testing.T) {
	from := state{live: true, value: "s"}
	base := func() []event {
		return []event{
			{client: 1, kind: PutIf, id: "a", want: "s", value: "a", class: classOK, call: 1, ret: 4},
			{client: 2, kind: Get, id: "b", value: "a", class: classOK, call: 6, ret: 8},
		}
	}
	print := fingerprint(from, base())
	for name, change := range map[string]func(h []event){
		"kind": func(h []event) { h[0].kind = Put }, "id": func(h []event) { h[0].id = "c" }, "want": func(h []event) { h[0].want = "t" },
		"value": func(h []event) { h[1].value = "s" }, "class": func(h []event) { h[1].class = classNotFound },
		"alias": func(h []event) { h[0].alias = true }, "order": func(h []event) { h[0].ret = 7 },
		"where one text ends": func(h []event) { h[0].id, h[0].want = "as", "" },
	} {
		h := base()
		if change(h); fingerprint(from, h) == print {
			t.Errorf("%s makes no difference", name)
		}
	}
	for name, change := range map[string]func(h []event){
		"client": func(h []event) { h[0].client = 5 }, "times": func(h []event) { h[1].call, h[1].ret = 16, 18 },
	} {
		h := base()
		if change(h); fingerprint(from, h) != print {
			t.Errorf("%s makes a difference", name)
		}
	}
	if fingerprint(state{}, base()) == print || fingerprint(state{live: true, value: "t"}, base()) == print {
		t.Error("the state makes no difference")
	}
}
