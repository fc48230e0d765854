package memstore

// Damage replaces what is stored under key by bytes that no codec decodes.
func (s *Store[K, V]) Damage(key K) error {
	b, err := s.keys.Append(nil, key)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.get(b).cell.data = []byte("{")
	return nil
}
