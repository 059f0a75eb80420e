/* SPDX-License-Identifier: MIT */
/* start.h - makes the core ready, once, at its first use. */
#ifndef BELAY__START_H
#define BELAY__START_H

void belay__start(void);

#endif
