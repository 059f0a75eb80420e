// SPDX-License-Identifier: MIT

package belay

import "embed"

// The core's sources are embedded into nothing: naming them here makes them
// inputs of the build cache and keeps them in a vendored copy.
//
//go:embed core/src core/include
var _ embed.FS
