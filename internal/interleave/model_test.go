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
