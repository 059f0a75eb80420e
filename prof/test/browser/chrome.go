// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// A chrome is a headless browser with one page, driven through its debugging pipe: JSON
// messages, each ended by a zero byte.
type chrome struct {
	command *exec.Cmd
	to      *os.File
	from    *bufio.Reader
	session string
	last    int
}

type message struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// start runs the browser at path with a fresh profile in folder and opens a page at url. The
// browser ends when the time is over, and every call fails then.
func start(path, folder, url string, limit time.Duration) (*chrome, error) {
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &chrome{to: commandsIn, from: bufio.NewReader(answersOut)}
	c.command = exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
		"--user-data-dir="+folder, "--window-size=1300,4000", "about:blank")
	c.command.ExtraFiles = []*os.File{commandsOut, answersIn} // its descriptors 3 and 4
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	commandsOut.Close()
	answersIn.Close()
	time.AfterFunc(limit, func() { _ = c.command.Process.Kill() })
	var target struct{ TargetID string }
	if err := c.call("Target.createTarget", map[string]any{"url": url}, &target); err != nil {
		return nil, err
	}
	var attached struct{ SessionID string }
	err = c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	return c, err
}

// call sends one command and waits for its answer; events that come before it are dropped.
func (c *chrome) call(method string, parameters map[string]any, result any) error {
	c.last++
	command := map[string]any{"id": c.last, "method": method, "params": parameters}
	if c.session != "" {
		command["sessionId"] = c.session
	}
	text, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if _, err := c.to.Write(append(text, 0)); err != nil {
		return err
	}
	for {
		text, err := c.from.ReadBytes(0)
		if err != nil {
			return fmt.Errorf("%s: the browser is gone: %w", method, err)
		}
		var answer message
		if err := json.Unmarshal(text[:len(text)-1], &answer); err != nil {
			return err
		}
		if answer.ID != c.last {
			continue
		}
		if answer.Error != nil {
			return fmt.Errorf("%s: %s", method, answer.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(answer.Result, result)
	}
}

// evaluate runs a script in the page and takes its value, unless result is nil.
func (c *chrome) evaluate(script string, result any) error {
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	err := c.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &answer)
	if err != nil {
		return err
	}
	if answer.ExceptionDetails != nil {
		return fmt.Errorf("in the page: %s", answer.ExceptionDetails)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result.Value, result)
}

// click presses and releases the left button at a point of the page.
func (c *chrome) click(x, y float64) error {
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		err := c.call("Input.dispatchMouseEvent",
			map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// write enters text where the cursor is.
func (c *chrome) write(text string) error {
	return c.call("Input.insertText", map[string]any{"text": text}, nil)
}

// stop ends the browser.
func (c *chrome) stop() {
	_ = c.command.Process.Kill()
	_ = c.command.Wait()
}
