// SPDX-License-Identifier: MIT

//go:build !belay_noreports

package belay

// noReports builds the tracing of objects out: to measure what it costs.
const noReports = false
