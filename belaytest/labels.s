// SPDX-License-Identifier: MIT

// Lets labels.go declare a function without a body.
