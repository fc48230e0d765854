package dualwrite

import "sync"

// together runs functions at the same time, the first in the caller's goroutine, and returns when all have ended. A panic
// of any of them is raised in the caller's goroutine, where it can be recovered, instead of ending the process.
func together(fns ...func()) {
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		panicked any
	)
	if len(fns) == 0 {
		return
	}
	for _, fn := range fns[1:] {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() {
				if p := recover(); p != nil {
					mu.Lock()
					defer mu.Unlock()
					panicked = p
				}
			}()
			fn()
		}()
	}
	defer func() {
		wg.Wait()
		if panicked != nil {
			panic(panicked)
		}
	}()
	fns[0]()
}
