/* SPDX-License-Identifier: MIT */
/* export.h - what leaves the library, and the attributes its headers use. */
#ifndef BELAY_EXPORT_H
#define BELAY_EXPORT_H

#if defined(_WIN32)
#error "belay: Windows is not supported; Linux is, macOS compiles"
#endif

#define BELAY_VERSION "0.1.0"

/* Renamed at each incompatible change of the interface, so that objects built against
 * another version fail to link instead of failing later. */
#define BELAY_LINK_VERSION belay_abi_v1

#define BELAY_API __attribute__((visibility("default")))
#define BELAY_CHECK_RESULT __attribute__((warn_unused_result))

#ifdef __cplusplus
extern "C" {
#endif
BELAY_API extern const int BELAY_LINK_VERSION;
#ifdef __cplusplus
}
#endif

#endif
