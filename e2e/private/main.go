// SPDX-License-Identifier: MIT

// Private is a program of a module with a name that no one could fetch, without a dot, as
// `go mod init NAME` makes it: its packages are not taken for the standard library's.
package main

import (
	"fmt"
	"os"
	"strings"

	"belay.example/belay"
	"private/store"
)

func run() error {
	buffer, err := store.Open()
	if err != nil {
		return err
	}
	live := belay.Live()
	if len(live) != 1 || !strings.HasPrefix(live[0].Opened, "store.Open ") {
		return fmt.Errorf("open: %+v, not one buffer of store.Open", live)
	}
	return buffer.Close()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "private:", err)
		os.Exit(1)
	}
	fmt.Println("private: ok")
}
