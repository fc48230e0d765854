package memstore

// ChunkSize is the bound of a chunk.
const ChunkSize = chunkSize

// Chunks is how many there are.
func (s *Store[K, V]) Chunks() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.index.chunks)
}

// Hold keeps everybody else out until release.
func (s *Store[K, V]) Hold() (release func()) {
	s.mu.Lock()
	return s.mu.Unlock
}

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
