package mongostore

// UnmappedFields implements [stores.FieldReporter].
func (s *Store[K, V]) UnmappedFields() []string { return s.unmapped.Sorted() }
