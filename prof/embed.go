// SPDX-License-Identifier: MIT

package prof

import "embed"

// The C files below are inputs of the build only because they are embedded: without this,
// edits to them are not rebuilt and vendoring leaves them out.
//
//go:embed track/*.c track/*.h track/arch/*.c track/arch/*.h
//go:embed trace/trace.h trace/size.c trace/size.h trace/weight.c trace/weight.h
var _ embed.FS
