// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"belay.example/belay/examples/sqlite/sqlite"
)

// crashVariable tells the child that it is the one to die.
const crashVariable = "BELAY_DEMO_CRASH"

// crashParent runs the program again, with its ledger in a file, sees it die, and has belay-top
// tell what was open.
func crashParent(ledger string) int {
	top, err := exec.LookPath("belay-top")
	keeps := ledger != ""
	if err != nil && !keeps {
		fmt.Fprintln(os.Stderr, "demo: no belay-top on the PATH (make build puts it into build/bin), nor --ledger FILE for later")
		return 1
	}
	scratch, err := temporary()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	defer os.RemoveAll(scratch) // with what the child leaves
	if !keeps {
		ledger = filepath.Join(scratch, "ledger")
	}
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	child := exec.Command(program, os.Args[1:]...)
	child.Env = append(os.Environ(), crashVariable+"=1", "BELAY_LEDGER="+ledger, "TMPDIR="+scratch)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	err = child.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		fmt.Fprintf(os.Stderr, "demo: the child should have died by SIGKILL, but: %v\n", err)
		return 1
	}
	fmt.Printf("\nkilled; what was open is in its ledger:\n$ belay-top --once %s\n", ledger)
	if top == "" {
		fmt.Println("(no belay-top on the PATH: make build puts it into build/bin)")
		return 0
	}
	reader := exec.Command(top, "--once", ledger)
	reader.Stdout, reader.Stderr = os.Stdout, os.Stderr
	if err := reader.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo: belay-top:", err)
		return 1
	}
	if keeps {
		fmt.Printf("\nthe ledger stays: %s\n", ledger)
	} else {
		fmt.Println("\nthat ledger was a temporary file and is removed; --ledger FILE keeps one")
	}
	return 0
}

// crash opens things, uses some of them, and dies with SIGKILL.
func (d *demo) crash() error {
	db, err := sqlite.Open(d.path)
	if err != nil {
		return err
	}
	idle := make([]sqlite.Stmt, 20)
	for i := range idle {
		if idle[i], err = db.Prepare("SELECT name FROM package"); err != nil {
			return err
		}
	}
	for range 3 {
		busy, err := openSet(d.path)
		if err != nil {
			return err
		}
		busy.startQuery()
		if err := busy.db.Close(); err != nil { // waits for its query
			return err
		}
	}
	fmt.Printf("   open: a database with %d idle statements, and 3 closed ones that wait for a running query\n", len(idle))
	time.Sleep(200 * time.Millisecond) // so that they have an age
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGKILL); err != nil {
		return err
	}
	select {}
}
