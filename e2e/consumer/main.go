// SPDX-License-Identifier: MIT

// Consumer is a Go program of another module: its own cgo, its own C type, Belay imported. It owns, uses,
// copies, closes and forgets, checks every count, and exits 1 with a sentence when one is off.
package main

/*
#include <stdlib.h>

typedef struct point {
	int x, y;
} point;

static point *point_new(int x, int y) {
	point *p = malloc(sizeof *p);
	if (p != NULL) {
		p->x = x;
		p->y = y;
	}
	return p;
}
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"belay.example/belay"
)

const count = 1000

var pointType = belay.NewType[*C.point]("point", belay.Destroy(func(p *C.point) error {
	C.free(unsafe.Pointer(p))
	return nil
}))

func run() error {
	for i := range count {
		point, err := pointType.Own(C.point_new(C.int(i), 1), belay.Size(C.sizeof_point))
		if err != nil {
			return fmt.Errorf("own: %w", err)
		}
		sum := 0
		if err := point.Do(func(p *C.point) error {
			sum = int(p.x + p.y)
			return nil
		}); err != nil {
			return fmt.Errorf("do: %w", err)
		}
		if sum != i+1 {
			return fmt.Errorf("read %d from C, not %d", sum, i+1)
		}
		if i%2 == 0 {
			continue // closed by Shutdown
		}
		if err := errors.Join(point.Close(), point.Close()); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		if err := point.Do(func(*C.point) error { return nil }); !errors.Is(err, belay.ErrClosed) {
			return fmt.Errorf("use after close: %v, not ErrClosed", err)
		}
	}
	c := C.point_new(3, 4)
	defer C.free(unsafe.Pointer(c))
	copied, err := belay.Copy(c)
	if err != nil || copied.x != 3 || copied.y != 4 {
		return fmt.Errorf("copy: %v, %v", copied, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := belay.Shutdown(ctx); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	for range belay.Live() {
		return errors.New("something is still live after Shutdown")
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "consumer:", err)
		os.Exit(1)
	}
	fmt.Println("consumer: ok")
}
