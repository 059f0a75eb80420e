// SPDX-License-Identifier: MIT

//go:build !belay_noreports

package belay_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"belay.example/belay"
	"belay.example/belay/internal/testc"
)

// Goal: a report is on standard error once, or never where BELAY_STDERR=0 says
// so; a program with more rights than its caller does not listen to it. Method:
// this program again, which misuses one object; at last as a copy with setgid.
func TestStderr(t *testing.T) {
	if os.Getenv("BELAY_TEST_CHILD") == "stderr" {
		misuseOnStderr(t)
		return
	}
	secure := setgidCopy(t)
	plain := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "BELAY_")
	})
	for _, test := range []struct {
		program, setting string
		want             int
	}{
		{os.Args[0], "BELAY_TEST_UNSET=", 1}, {os.Args[0], "BELAY_STDERR=", 1},
		{os.Args[0], "BELAY_STDERR=1", 1}, {os.Args[0], "BELAY_STDERR=0", 0},
		{secure, "BELAY_STDERR=1", 1}, {secure, "BELAY_STDERR=0", 1},
	} {
		if test.program == "" {
			continue
		}
		command := exec.Command(test.program, "-test.run=^TestStderr$", "-test.v")
		command.Env = append(plain, "BELAY_TEST_CHILD=stderr", test.setting)
		output, err := command.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("an emulator: the system can't start this program again")
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", test.setting, err, output)
		}
		if test.program == secure && strings.Contains(string(output), "no more rights") {
			t.Log("left out: setgid means nothing here (nosuid, no_new_privs)")
			continue
		}
		if got := strings.Count(string(output), "belay: use-after-close"); got != test.want {
			t.Errorf("%s %s: %d times\n%s", test.program, test.setting, got, output)
		}
	}
}

func misuseOnStderr(t *testing.T) {
	if os.Getgid() == os.Getegid() {
		t.Log("no more rights than the caller")
	}
	o, _ := own(t, belay.NewType[*testc.Thing]("used late", belay.Destroy(endThing)))
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := misuse(o); !errors.Is(err, belay.ErrClosed) {
		t.Error(err)
	}
}

// setgidCopy copies this program to another group, with setgid. "": only root
// can, on Linux.
func setgidCopy(t *testing.T) string {
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Log("setgid left out: only root can give a file to any group")
		return ""
	}
	program, err := os.ReadFile(os.Args[0])
	path := filepath.Join(t.TempDir(), "setgid")
	err = errors.Join(err, os.WriteFile(path, program, 0o700), os.Chown(path, -1, os.Getegid()+1),
		os.Chmod(path, os.ModeSetgid|0o710))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
