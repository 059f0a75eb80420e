// SPDX-License-Identifier: MIT

package belay_test

import (
	"errors"
	"fmt"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// A wrapper's own type keeps an Owned inside.
type counter struct {
	owned belay.Owned[*testc.Thing]
}

var counterType = belay.NewType[*testc.Thing]("counter", belay.DestroyC(testc.DropEnd))

func newCounter() (counter, error) {
	owned, err := counterType.Own(testc.ThingNew(nil, nil))
	return counter{owned}, err
}

func (c counter) add() error {
	return c.owned.Do(func(p *testc.Thing) error {
		testc.ThingCall(p, 0)
		return nil
	})
}

func (c counter) value() (uint64, error) {
	b, err := c.owned.Borrow()
	if err != nil {
		return 0, err
	}
	defer b.Return()
	return testc.ThingPeek(b.Ptr()), nil
}

func (c counter) Close() error { return c.owned.Close() }

func Example() {
	c, err := newCounter()
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = c.add()
	_ = c.add()
	fmt.Println(c.value())
	fmt.Println(c.Close(), c.Close())
	fmt.Println(errors.Is(c.add(), belay.ErrClosed))
	// Output:
	// 2 <nil>
	// <nil> <nil>
	// true
}

func ExampleCloseInto() {
	use := func() (err error) {
		c, err := newCounter()
		if err != nil {
			return err
		}
		defer belay.CloseInto(&err, c)
		return c.add()
	}
	fmt.Println(use())
	// Output: <nil>
}

func ExampleChildOf() {
	parent, err := counterType.Own(testc.ThingNew(nil, nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	child, err := counterType.Own(testc.ThingNew(nil, nil), belay.ChildOf(parent))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(parent.Close(), child.IsOpen())
	// Output: <nil> false
}
