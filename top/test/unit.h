/* SPDX-License-Identifier: MIT */
/* unit.h - cmocka with what it wants included first. */
#ifndef TOP_TEST_UNIT_H
#define TOP_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
