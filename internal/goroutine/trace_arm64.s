// SPDX-License-Identifier: MIT

#include "textflag.h"

// As trace_amd64.s; the frame pointer is R29.

#define STEP \
	ROR  $51, R3, R3; \
	MOVD 8(R1), R6; \
	EOR  R6, R3, R3; \
	MOVD 0(R1), R2; \
	CMP  R1, R2; \
	BLS  done; \
	CMP  R5, R2; \
	BHS  done; \
	MOVD R2, R1

// func trace() (hash uintptr)
TEXT ·trace(SB), NOSPLIT|NOFRAME, $0-8
	MOVD 8(g), R5
	SUB  $8, R5
	MOVD ZR, R3
	MOVD R29, R1
	MOVD 0(g), R6
	CMP  R6, R1
	BLS  done
	CMP  R5, R1
	BHS  done
	STEP
	STEP
done:
	MOVD R3, hash+0(FP)
	RET

// func TraceDeep() (hash uintptr)
TEXT ·TraceDeep(SB), NOSPLIT|NOFRAME, $0-8
	MOVD 8(g), R5
	SUB  $8, R5
	MOVD ZR, R3
	MOVD R29, R1
	MOVD 0(g), R6
	CMP  R6, R1
	BLS  done
	CMP  R5, R1
	BHS  done
	STEP
	STEP
	STEP
	STEP
	STEP
	STEP
	STEP
	STEP
	STEP
	STEP
done:
	MOVD R3, hash+0(FP)
	RET

// func TraceAll() (hash uintptr)
TEXT ·TraceAll(SB), NOSPLIT|NOFRAME, $0-8
	MOVD 8(g), R5
	SUB  $8, R5
	MOVD ZR, R3
	MOVD $64, R7
	MOVD R29, R1
	MOVD 0(g), R6
	CMP  R6, R1
	BLS  done
	CMP  R5, R1
	BHS  done
next:
	STEP
	SUBS $1, R7
	BNE  next
done:
	MOVD R3, hash+0(FP)
	RET

// func Addresses(into *[AddressesMax]uintptr) (count int)
TEXT ·Addresses(SB), NOSPLIT|NOFRAME, $0-16
	MOVD into+0(FP), R8
	MOVD 8(g), R5
	SUB  $8, R5
	MOVD ZR, R7
	MOVD R29, R1
	MOVD 0(g), R6
	CMP  R6, R1
	BLS  done
next:
	CMP  R5, R1
	BHS  done
	MOVD 8(R1), R6
	MOVD R6, (R8)(R7<<3)
	ADD  $1, R7
	MOVD 0(R1), R2
	CMP  R1, R2
	BLS  done
	MOVD R2, R1
	CMP  $64, R7
	BLO  next
done:
	MOVD R7, count+8(FP)
	RET

// func Identity() uintptr
TEXT ·Identity(SB), NOSPLIT|NOFRAME, $0-8
	MOVD g, ret+0(FP)
	RET
