package copier

import "context"

// look reads suspects again, judges those that have settled and queues the others once more.
func (v *verifying[K, V]) look(ctx context.Context, due []suspect) error {
	if len(due) == 0 {
		return nil
	}
	canon := make([][]byte, len(due))
	for i := range due {
		canon[i] = due[i].canon
	}
	keys, err := parseKeys(v.old.Keys(), canon)
	if err != nil {
		return err
	}
	pairs, err := v.readPairs(ctx, v.old, v.new, keys, canon)
	if err != nil {
		return err
	}
	var d delta
	var again []suspect
	var failed, differ []Finding
	for i := range pairs {
		x, s := &pairs[i], &due[i]
		switch f, verdict := v.judge(x, s, &d); verdict {
		case verdictSame:
			d.counts.Same++
			d.settled = append(d.settled, x.canon)
			v.mirrors.saw(x.old.Version, true)
		case verdictOpen:
			again = append(again, suspect{canon: x.canon, old: x.old.Meta, new: x.new.Meta, seen: x.err == nil, round: s.round + 1})
		case verdictDiffers:
			differ = append(differ, f)
			if (f.Kind == KindStale || f.Kind == KindMissing) && v.mirrors.saw(f.Old.Version, false) {
				d.counts.Unmirrored++
			}
		case verdictFailed:
			failed = append(failed, f)
		}
	}
	if differ, failed, err = v.mend(ctx, differ, failed, &d); err != nil {
		return err
	}
	for _, f := range differ {
		d.find(f)
		d.settled = append(d.settled, f.Key)
	}
	if err := v.fail(failed); err != nil {
		return err
	}
	if err := v.commit(ctx, -1, nil, &d); err != nil {
		return err
	}
	v.suspects.add(again)
	return v.mirrors.check()
}

type verdict uint8

const (
	verdictOpen    verdict = iota // it moved: look again
	verdictSame                   // nothing is the matter
	verdictDiffers                // the finding says what is
	verdictFailed                 // it could not be read to the end
)

// judge looks at a pair that differed before.
func (v *verifying[K, V]) judge(x *pair[K, V], s *suspect, d *delta) (Finding, verdict) {
	spent := s.round+1 >= v.rounds
	if x.err != nil {
		switch {
		case x.broken():
			return x.unreadable(), verdictDiffers
		case spent:
			return x.unreadable(), verdictFailed
		default:
			return Finding{}, verdictOpen
		}
	}
	kind, changed := v.same.kindOf(x.key, x.old, x.new)
	still := s.seen && s.old == x.old.Meta && s.new == x.new.Meta
	switch {
	case kind == "":
		if changed != nil {
			d.change(x.canon, changed)
		}
		return Finding{}, verdictSame
	case still:
		return x.finding(kind, nil), verdictDiffers
	case spent:
		return x.finding(KindUnsettled, nil), verdictDiffers
	default:
		return Finding{}, verdictOpen
	}
}

// mend repairs what differs, if that was asked for, and sorts the rest anew.
func (v *verifying[K, V]) mend(ctx context.Context, found, failed []Finding, d *delta) (differ, fail []Finding, err error) {
	if !v.repair || len(found) == 0 {
		return found, failed, nil
	}
	canon := make([][]byte, len(found))
	for i, f := range found {
		canon[i] = f.Key
	}
	if err := v.throttle.wait(ctx, len(canon)); err != nil {
		return nil, nil, err
	}
	fates, err := v.fixer.fix(ctx, canon)
	if err != nil {
		return nil, nil, err
	}
	for i, f := range fates {
		switch f.kind {
		case inOrder: // a live write was faster
			d.counts.Same++
			d.settled = append(d.settled, canon[i])
		case fixed:
			d.counts.Repaired++
			f.found.Repaired = true
			differ = append(differ, f.found)
		case failing:
			failed = append(failed, f.found)
		default:
			differ = append(differ, f.found)
		}
	}
	return differ, failed, nil
}
