/* SPDX-License-Identifier: MIT */
/* zoo.h - functions of C++ and Rust names that allocate and never free. */
#ifndef ZOO_H
#define ZOO_H

#ifdef __cplusplus
extern "C" {
#endif

/* By new, in a method of a class template. */
void zoo_keep(int count);

/* In a function whose name is one that Rust gives. */
void zoo_rust(int count);

/* In a function with a short name that stands for an endless one. */
void zoo_endless(int count);

/* In a function with a name that takes for ever to write out. */
void zoo_slow(int count);

/* In a function with a name that stands for an empty one. */
void zoo_nameless(int count);

#ifdef __cplusplus
}
#endif

#endif
