// SPDX-License-Identifier: MIT

// Command sqlite loads the machine's package database into the real SQLite through Belay, makes
// every mistake a program can make with it, and shows that nothing is lost. Exit code 1:
// something was.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"belay.example/belay"
	"belay.example/belay/examples/sqlite/dpkg"
	"belay.example/belay/examples/sqlite/sqlite"
)

// A demo is one run: what it works on, and what went wrong so far.
type demo struct {
	packages []dpkg.Package
	path     string // of the database file
	reports  *reports
	wrong    int
}

func main() {
	status := flag.String("status", dpkg.Status, "the package database to load")
	crash := flag.Bool("crash", false, "kill a child process mid-way and read its ledger")
	ledger := flag.String("ledger", "", "with --crash: where the ledger goes and stays (default: a temporary file)")
	flag.Parse()
	if *crash && os.Getenv(crashVariable) == "" {
		os.Exit(crashParent(*ledger))
	}
	folder, err := temporary()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	d := demo{path: filepath.Join(folder, "packages.db"), reports: listen()}
	err = d.run(*status, *crash)
	os.RemoveAll(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	if d.wrong > 0 {
		fmt.Printf("\n%d of the checks failed\n", d.wrong)
		os.Exit(1)
	}
	fmt.Println("\nall good: nothing lost, every mistake named")
}

// temporary makes a folder for the caller to remove; an interrupt does it as well.
func temporary() (string, error) {
	folder, err := os.MkdirTemp("", "belay-demo-")
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-interrupts
		os.RemoveAll(folder)
		os.Exit(130)
	}()
	return folder, err
}

func (d *demo) run(status string, crash bool) error {
	var err error
	if d.packages, err = dpkg.Read(status); err != nil {
		return err
	}
	fmt.Printf("SQLite %s, %d packages from %s\n", sqlite.Version(), len(d.packages), status)
	steps := []struct {
		title string
		run   func() error
	}{
		{"load the packages", d.load},
		{"copy rows into Go", d.copyRows},
		{"close in every order, from 8 goroutines", d.closeInEveryOrder},
		{"make mistakes", d.makeMistakes},
		{"forget 10,000 statements", d.forget},
		{"shut down", d.shutDown},
	}
	if crash {
		steps = append(steps[:2], struct {
			title string
			run   func() error
		}{"die with objects open", d.crash})
	}
	for i, step := range steps {
		fmt.Printf("\n%d. %s\n", i+1, step.title)
		start := time.Now()
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
		fmt.Printf("   %.0f ms\n", time.Since(start).Seconds()*1000)
	}
	return nil
}

// check prints a line, marked when it is not as it should be.
func (d *demo) check(ok bool, format string, args ...any) {
	mark := "ok   "
	if !ok {
		mark = "WRONG"
		d.wrong++
	}
	fmt.Printf("   %s %s\n", mark, fmt.Sprintf(format, args...))
}

func (d *demo) shutDown() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := belay.Shutdown(ctx)
	d.check(err == nil, "belay.Shutdown: %v", err)
	fmt.Printf("\n   %-14s %8s %8s %8s %8s %8s %8s\n", "type", "opened", "closed", "rescued", "disowned", "leaked", "live")
	for _, row := range belay.ReadStats().Types {
		fmt.Printf("   %-14s %8d %8d %8d %8d %8d %8d\n",
			row.Name, row.Opened, row.Closed, row.Rescued, row.Disowned, row.Leaked, row.Live)
		if row.Live != 0 || row.Leaked != 0 || row.Opened != row.Closed+row.Rescued+row.Disowned {
			d.check(false, "%s does not add up", row.Name)
		}
	}
	fmt.Println()
	used := sqlite.MemoryUsed()
	d.check(used == 0, "sqlite3_memory_used() = %d", used)
	return nil
}
