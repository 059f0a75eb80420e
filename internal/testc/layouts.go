// SPDX-License-Identifier: MIT

package testc

/*
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The fields that tests read begin with a capital, or Go would not show them to another package.
typedef struct { int32_t X, Y; } point;

typedef struct {
    char Name[16];
    unsigned char Address[6];
    signed char Small[3];
    double Weight;
    point Corners[2];
    struct { int A; struct { short B; } Deep; } Inside;
    enum { LAYOUT_RED, LAYOUT_GREEN } Color;
    _Bool IsOn;
    size_t Length;
} flat;

typedef struct { int kind; union { int32_t number; float real; } value; } with_union;
typedef union { double real; void *object; } bare_union;
typedef struct __attribute__((packed)) { char tag; void *object; int32_t number; } packed;
typedef struct { int32_t x; unsigned low : 3, high : 5; } bits;
typedef struct { double d; int32_t x; } tail_padded;
typedef struct { point p; const char *name; } with_pointer;
typedef struct { int rows; struct { void *cells[2]; } grid[3]; } with_deep_pointer;
typedef struct { int32_t N; int32_t data[]; } flexible;
typedef struct { int n; int (*compare)(int, int); } with_function;
typedef struct { union { int a; float b; } value; with_pointer deep; } mixed;

static flat *flat_create(void) {
    flat *f = calloc(1, sizeof *f);
    strcpy(f->Name, "sixteen bytes ok");
    memcpy(f->Address, "\x00\x1b\x2c\xff\x80\x01", 6);
    f->Small[2] = -3;
    f->Weight = 2.5;
    f->Corners[1].Y = 7;
    f->Inside.Deep.B = 12;
    f->Color = LAYOUT_GREEN;
    f->IsOn = 1;
    f->Length = SIZE_MAX;
    return f;
}

static with_union with_union_make(float real) {
    with_union u = {.kind = 1};
    u.value.real = real;
    return u;
}
static float with_union_real(const with_union *u) { return u->value.real; }
static bits bits_make(unsigned low, unsigned high) {
    bits b = {.x = 1, .low = low, .high = high};
    return b;
}
static unsigned bits_high(const bits *b) { return b->high; }

static point *points_create(int n) {
    point *points = malloc((size_t)n * sizeof *points);
    for (int i = 0; points && i < n; i++) {
        points[i] = (point){i, -i};
    }
    return points;
}
*/
import "C"

import "unsafe"

// C structs as cgo shows them, for the tests of Copy.
type (
	Point           = C.point
	Flat            = C.flat
	WithUnion       = C.with_union
	BareUnion       = C.bare_union
	Packed          = C.packed
	Bits            = C.bits
	TailPadded      = C.tail_padded
	WithPointer     = C.with_pointer
	WithDeepPointer = C.with_deep_pointer
	Flexible        = C.flexible
	WithFunction    = C.with_function
	Mixed           = C.mixed
)

// NewFlat returns a filled Flat in C memory; end it with Free.
func NewFlat() *Flat { return C.flat_create() }

// NewPoints returns n points (i, -i) in C memory; end them with Free.
func NewPoints(n int) *Point { return C.points_create(C.int(n)) }

// MakeWithUnion returns a struct whose union holds a float; WithUnionReal reads it, in C.
func MakeWithUnion(real float32) WithUnion { return C.with_union_make(C.float(real)) }

// WithUnionReal reads the float in the union.
func WithUnionReal(u *WithUnion) float32 { return float32(C.with_union_real(u)) }

// MakeBits returns a struct with bit fields; BitsHigh reads one of them, in C.
func MakeBits(low, high uint) Bits { return C.bits_make(C.uint(low), C.uint(high)) }

// BitsHigh reads the bit field high.
func BitsHigh(b *Bits) uint { return uint(C.bits_high(b)) }

// Free is C's free.
func Free[T any](p *T) { C.free(unsafe.Pointer(p)) }
