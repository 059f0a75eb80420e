// SPDX-License-Identifier: MIT

// Command browser clicks and searches in a flame graph of belay-prof as a person would, and
// looks at what the page shows then.
//
//	browser CHROMIUM FOLDER SVG SEARCH...
//
// It zooms into up to a hundred boxes that are wide enough to be hit, and back out, and
// searches each SEARCH. FOLDER is for the browser's profile.
package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A box of the graph as the page shows it.
type box struct {
	Name    string // whole, without the amount
	Text    string // as written into the box
	X, Y, W float64
	Depth   int
	Share   float64 // of all, when not zoomed
	Start   float64 // where it begins, in the same measure
	Shown   bool
	Found   bool
	Up      bool // an ancestor of the box that is zoomed into
}

const readBoxes = `[...document.querySelectorAll('g')].map(g => {
	const r = g.querySelector('rect').getBoundingClientRect();
	return {Name: g.querySelector('title').textContent.replace(/ \([^(]*%\)$/, ''),
		Text: g.querySelector('text').textContent, X: r.x, Y: r.y, W: r.width, Depth: +g.dataset.d,
		Share: +g.dataset.w, Start: +g.dataset.x, Shown: getComputedStyle(g).display !== 'none',
		Found: g.classList.contains('found'), Up: g.classList.contains('up')};
})`

const (
	graphWidth = 1200
	rowHeight  = 17
)

func (c *chrome) boxes() (boxes []box, err error) {
	for range 100 { // until the page is loaded
		if err = c.evaluate(readBoxes, &boxes); err != nil || len(boxes) > 0 && boxes[0].W > 0 {
			return boxes, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("the graph has no boxes")
}

// clickBox clicks on the middle of a box that is shown, and returns the boxes then.
func (c *chrome) clickBox(b box) ([]box, error) {
	if err := c.click(b.X+b.W/2, b.Y+rowHeight/2); err != nil {
		return nil, err
	}
	return c.boxes()
}

func near(a, b float64) bool { return math.Abs(a-b) < 0.5 }

// checkWhole expects the whole graph: each box in its place.
func checkWhole(boxes []box) error {
	for _, b := range boxes {
		if !b.Shown || b.Up || !near(b.X, b.Start*graphWidth) || !near(b.W, math.Max(b.Share*graphWidth, .1)) {
			return fmt.Errorf("not the whole graph: %+v", b)
		}
		if b.W > 40+8*float64(len(b.Name)) && b.Text != b.Name {
			return fmt.Errorf("a wide box says %q: %+v", b.Text, b)
		}
	}
	return nil
}

// checkZoom expects that `in` fills the width, with what it called above it and its callers below.
func checkZoom(boxes []box, in box) error {
	for _, b := range boxes {
		isCaller := b.Depth < in.Depth && b.Start <= in.Start+1e-6 && b.Start+b.Share >= in.Start+in.Share-1e-6
		isCalled := b.Depth >= in.Depth && b.Start >= in.Start-1e-6 && b.Start+b.Share <= in.Start+in.Share+1e-6
		switch {
		case isCaller && (!b.Shown || !b.Up || !near(b.X, 0) || !near(b.W, graphWidth)):
			return fmt.Errorf("zoomed into %s: its caller %+v", in.Name, b)
		case isCalled && (!b.Shown || b.Up || !near(b.X, (b.Start-in.Start)/in.Share*graphWidth) ||
			!near(b.W, b.Share/in.Share*graphWidth)):
			return fmt.Errorf("zoomed into %s: its part %+v", in.Name, b)
		case !isCaller && !isCalled && b.Shown:
			return fmt.Errorf("zoomed into %s: still shown: %+v", in.Name, b)
		}
	}
	return nil
}

// checkSearch expects the boxes with that text found, and their share of all told.
func (c *chrome) checkSearch(boxes []box, text string) error {
	share, found := 0.0, 0
	for _, b := range boxes {
		if b.Found != (text != "" && strings.Contains(b.Name, text)) {
			return fmt.Errorf("searched %q: %+v", text, b)
		}
		if !b.Found {
			continue
		}
		found++
		isCounted := false // a caller of it has that name, too
		for _, caller := range boxes {
			isCounted = isCounted || caller.Found && caller.Depth < b.Depth && caller.Start <= b.Start+1e-6 &&
				caller.Start+caller.Share >= b.Start+b.Share-1e-6
		}
		if !isCounted {
			share += b.Share
		}
	}
	want := fmt.Sprintf("%.2f %% matched", 100*share)
	if text == "" {
		want = ""
	} else if found == 0 {
		return fmt.Errorf("nothing has the name %s", text)
	}
	var said string
	if err := c.evaluate(`document.getElementById('sum').textContent`, &said); err != nil {
		return err
	}
	if said != want {
		return fmt.Errorf("searched %q: says %q, not %q", text, said, want)
	}
	return nil
}

func (c *chrome) search(text string) error {
	var field box
	err := c.evaluate(`(() => { const r = document.getElementById('q').getBoundingClientRect();
		return {X: r.x, Y: r.y, W: r.width}; })()`, &field)
	if err != nil {
		return err
	}
	if err := c.click(field.X+5, field.Y+5); err != nil {
		return err
	}
	// What is written there is marked, to be replaced.
	if err := c.evaluate(`document.getElementById('q').select()`, nil); err != nil {
		return err
	}
	if err := c.write(text); err != nil {
		return err
	}
	boxes, err := c.boxes()
	if err != nil {
		return err
	}
	return c.checkSearch(boxes, text)
}

// zoom clicks into a box and out again, by the lowest box, which is always there.
func (c *chrome) zoom(in box) error {
	boxes, err := c.clickBox(in)
	if err != nil {
		return err
	}
	if err := checkZoom(boxes, in); err != nil {
		return err
	}
	if boxes, err = c.clickBox(boxes[0]); err != nil {
		return err
	}
	return checkWhole(boxes)
}

func run(browser, folder, svg string, searches []string) error {
	path, err := filepath.Abs(svg)
	if err != nil {
		return err
	}
	c, err := start(browser, folder, "file://"+path, time.Minute)
	if err != nil {
		return err
	}
	defer c.stop()
	whole, err := c.boxes()
	if err != nil {
		return err
	}
	if err := checkWhole(whole); err != nil {
		return err
	}
	zooms, step := 0, len(whole)/100+1
	for i, b := range whole {
		if b.W < 2 || i%step != 0 {
			continue
		}
		if err := c.zoom(b); err != nil {
			return err
		}
		zooms++
	}
	for _, text := range searches {
		if err := c.search(text); err != nil {
			return err
		}
	}
	if zooms < 20 {
		return fmt.Errorf("only %d boxes were wide enough to be clicked on", zooms)
	}
	fmt.Printf("zoomed into %d boxes, searched %d names\n", zooms, len(searches))
	return nil
}

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: browser CHROMIUM FOLDER SVG SEARCH...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}
