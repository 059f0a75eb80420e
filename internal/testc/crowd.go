// SPDX-License-Identifier: MIT

package testc

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Crowd has 64 goroutines do steps, each with random numbers of its own, until the time
// is over. A goroutine ends with its first error; all of them are returned.
func Crowd(duration time.Duration, step func(*rand.Rand) error) error {
	end := time.Now().Add(duration)
	var work sync.WaitGroup
	var failed [64]error
	for i := range failed {
		work.Add(1)
		go func() {
			defer work.Done()
			random := rand.New(rand.NewPCG(uint64(i), uint64(duration)))
			for count := 0; failed[i] == nil && (count%16 != 0 || time.Now().Before(end)); count++ {
				failed[i] = step(random)
			}
		}()
	}
	work.Wait()
	return errors.Join(failed[:]...)
}
