package dynamostore

// notes tells whether attributes of others are looked for: in an item that a view shares they are what is to be expected.
func (s *Store[K, V]) notes() bool { return !s.own.whole() && !s.own.view }

// note looks for attributes of others in an item.
func (s *Store[K, V]) note(item Item) {
	if !s.notes() {
		return
	}
	for name := range item {
		if !s.own.has(name) && !s.table.key.has(name) && name != s.opts.Meta {
			s.unmapped.Add(name)
		}
	}
}

// UnmappedFields implements stores.FieldReporter.
func (s *Store[K, V]) UnmappedFields() []string { return s.unmapped.Sorted() }
