// SPDX-License-Identifier: MIT

//go:build asan

package belay

// asanEnabled: the address sanitizer looks on.
const asanEnabled = true
