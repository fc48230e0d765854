package copier

import "runtime"

// yieldEvery is how many records a worker deals with before it lets others have its processor.
const yieldEvery = 16

// yield is called by each loop over records, with how many there were. A worker that decodes never waits for anything, and the
// scheduler lets it run for 10 ms. The workers of a pass can hold all processors like that, and an operation of the service
// passes from goroutine to goroutine several times: it waited 10 ms each time. Sixteen records are about 0.1 ms.
func yield(n int) {
	if n%yieldEvery == 0 {
		runtime.Gosched()
	}
}
