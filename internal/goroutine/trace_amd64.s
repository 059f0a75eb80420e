// SPDX-License-Identifier: MIT

#include "textflag.h"

// A frame pointer points at the caller's frame pointer, with the return address
// above it. The compiler calls assembly directly, so that BP here is the frame
// of the caller and R14 is g, whose first two words bound the stack.

// STEP takes one return address and goes up one frame, if there is one.
#define STEP \
	ROLQ $13, DX; \
	XORQ 8(AX), DX; \
	MOVQ 0(AX), CX; \
	CMPQ CX, AX; \
	JLS  done; \
	CMPQ CX, R9; \
	JCC  done; \
	MOVQ CX, AX

// func TraceDeep() (hash uintptr)
TEXT ·TraceDeep(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ 8(R14), R9
	SUBQ $8, R9 // the last frame needs two words
	XORL DX, DX
	MOVQ BP, AX
	CMPQ AX, 0(R14)
	JLS  done
	CMPQ AX, R9
	JCC  done
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
	MOVQ DX, hash+0(FP)
	RET

// func TraceAll() (hash uintptr)
TEXT ·TraceAll(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ 8(R14), R9
	SUBQ $8, R9
	XORL DX, DX
	MOVL $64, BX
	MOVQ BP, AX
	CMPQ AX, 0(R14)
	JLS  done
	CMPQ AX, R9
	JCC  done
next:
	STEP
	DECL BX
	JNZ  next
done:
	MOVQ DX, hash+0(FP)
	RET

// func Addresses(into *[AddressesMax]uintptr) (count int)
TEXT ·Addresses(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ into+0(FP), DI
	MOVQ 8(R14), R9
	SUBQ $8, R9
	XORL BX, BX
	MOVQ BP, AX
	CMPQ AX, 0(R14)
	JLS  done
next:
	CMPQ AX, R9
	JCC  done
	MOVQ 8(AX), CX
	MOVQ CX, (DI)(BX*8)
	INCQ BX
	MOVQ 0(AX), CX
	CMPQ CX, AX
	JLS  done
	MOVQ CX, AX
	CMPQ BX, $64
	JCS  next
done:
	MOVQ BX, count+8(FP)
	RET

// func Identity() uintptr
TEXT ·Identity(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ R14, ret+0(FP)
	RET
