// SPDX-License-Identifier: MIT

//go:build belay_noreports

package belay

const noReports = true
