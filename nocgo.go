// SPDX-License-Identifier: MIT

//go:build !cgo

package belay

// Belay is for programs that use C.
var _ = belay_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler
