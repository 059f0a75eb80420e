// SPDX-License-Identifier: MIT

// Package dpkg reads the status database of Debian's package manager.
package dpkg

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Status is where every Debian machine keeps the database.
const Status = "/var/lib/dpkg/status"

// A Package is one entry of the database.
type Package struct {
	Name, Version, Architecture, Section string
	SizeKiB                              int64    // as installed
	Depends                              []string // names, the first of each list of alternatives
}

// Read returns the installed packages.
func Read(path string) ([]Package, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("no package database: %w (name another one with --status)", err)
	}
	defer file.Close()
	var packages []Package
	fields := map[string]string{}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if line == "" {
			packages = appendInstalled(packages, fields)
			clear(fields)
		} else if name, value, ok := strings.Cut(line, ":"); ok && line[0] != ' ' && line[0] != '\t' {
			fields[name] = strings.TrimSpace(value)
		}
	}
	packages = appendInstalled(packages, fields)
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("%s: no installed package in it", path)
	}
	return packages, nil
}

func appendInstalled(packages []Package, fields map[string]string) []Package {
	if fields["Package"] == "" || !strings.HasSuffix(fields["Status"], " installed") {
		return packages
	}
	size, _ := strconv.ParseInt(fields["Installed-Size"], 10, 64) // absent: 0
	return append(packages, Package{
		Name:         fields["Package"],
		Version:      fields["Version"],
		Architecture: fields["Architecture"],
		Section:      fields["Section"],
		SizeKiB:      size,
		Depends:      append(names(fields["Pre-Depends"]), names(fields["Depends"])...),
	})
}

// names turns "libc6 (>= 2.36), a | b" into libc6 and a.
func names(list string) []string {
	var found []string
	for _, item := range strings.Split(list, ",") {
		if words := strings.Fields(item); len(words) > 0 {
			name, _, _ := strings.Cut(words[0], ":") // perl:any
			found = append(found, name)
		}
	}
	return found
}
