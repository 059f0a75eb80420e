// SPDX-License-Identifier: MIT

// Package core holds the sources of the C core, for the go command alone: packages
// that compile them import it, so that a change of the core is one of theirs, and a
// vendored copy has the files. No program has them in it: nothing refers to them.
package core

import "embed"

// sources makes the folders inputs of this package.
//
//lint:ignore U1000 the go command looks at what is embedded, nothing else does
//go:embed src include
var sources embed.FS
