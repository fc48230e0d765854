package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/copier"
)

// Fields that get lost are shown with how many records and which, in both forms, and why the report is not clean.
func TestLossesAreShown(t *testing.T) {
	t.Parallel()
	r := copier.Report{
		Op: "copy", Run: "r", Finished: true, Counts: copier.Counts{Read: 9, Changed: 2}, LossAccepted: []string{"nick"},
		Unmapped: copier.Losses{
			"legacy_crm": {Records: 7, Examples: []copier.Example{{Shown: "u1"}, {Shown: "u2"}}}, "nick": {Records: 1, Examples: []copier.Example{{Shown: "u3"}}},
		},
		ChangedFields: copier.Losses{"At": {Records: 2, Examples: []copier.Example{{Shown: "u4", Before: "before", After: "after"}}}},
	}
	var text, lines bytes.Buffer
	(&console{out: &text}).show(r, nil)
	for _, want := range []string{
		"NOT clean", "legacy_crm of 7 records, as that of u1, u2", "nick of 1 records, as that of u3", "At of 2 records, as that of u4 (before, after)",
		"not clean  legacy_crm of 7", "not clean  At of 2",
	} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
	(&console{out: &lines, json: true}).show(r, nil)
	var e struct {
		Report struct {
			Clean    bool
			Reasons  []string
			Unmapped map[string]struct{ Records int }
		}
	}
	if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Report.Clean || len(e.Report.Reasons) != 2 || e.Report.Unmapped["legacy_crm"].Records != 7 {
		t.Errorf("%+v, %v", e, err)
	}
}
