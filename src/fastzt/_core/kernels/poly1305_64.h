/* Poly1305 in radix 2^64 with a 128-bit product: the scalar version of 64-bit processors. */
#ifndef FASTZT_POLY1305_64_H
#define FASTZT_POLY1305_64_H

#include "bytes.h"
#include "cpu.h"

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 ft_u128;

typedef struct {
    uint64_t r0, r1, s1, h0, h1, h2; /* s1 = 5 r1 / 4: r1 is a multiple of 4 */
} ft_poly64;

/* to = from, word by word: stores of one word do not forward to loads of two, which the compiler likes to make. */
FT_INLINE void ft_poly64_move(ft_poly64 *to, const ft_poly64 *from) {
    uint64_t r0 = from->r0, r1 = from->r1, s1 = from->s1, h0 = from->h0, h1 = from->h1, h2 = from->h2;
    FT_SCALAR(r0);
    FT_SCALAR(r1);
    FT_SCALAR(s1);
    FT_SCALAR(h0);
    FT_SCALAR(h1);
    FT_SCALAR(h2);
    to->r0 = r0;
    to->r1 = r1;
    to->s1 = s1;
    to->h0 = h0;
    to->h1 = h1;
    to->h2 = h2;
}

FT_INLINE void ft_poly64_start(ft_poly64 *s, const unsigned char *key) {
    s->r0 = ft_le64(key) & 0x0ffffffc0fffffffULL;
    s->r1 = ft_le64(key + 8) & 0x0ffffffc0ffffffcULL;
    s->s1 = s->r1 + (s->r1 >> 2);
    s->h0 = s->h1 = s->h2 = 0;
}

/* h = (h + low + 2^64 high + 2^128 top) r, partly reduced: h2 stays below 8. */
FT_INLINE void ft_poly64_add(ft_poly64 *s, uint64_t low, uint64_t high, uint64_t top) {
    ft_u128 a = (ft_u128)s->h0 + low, b = (ft_u128)s->h1 + high + (uint64_t)(a >> 64), d0, d1;
    uint64_t h0 = (uint64_t)a, h1 = (uint64_t)b, h2 = s->h2 + top + (uint64_t)(b >> 64), carry;
    d0 = (ft_u128)h0 * s->r0 + (ft_u128)h1 * s->s1;
    d1 = (ft_u128)h0 * s->r1 + (ft_u128)h1 * s->r0 + (ft_u128)(h2 * s->s1) + (uint64_t)(d0 >> 64);
    h2 = h2 * s->r0 + (uint64_t)(d1 >> 64);
    carry = (h2 & ~(uint64_t)3) + (h2 >> 2); /* 2^130 = 5 */
    a = (ft_u128)(uint64_t)d0 + carry;
    b = (ft_u128)(uint64_t)d1 + (uint64_t)(a >> 64);
    s->h0 = (uint64_t)a;
    s->h1 = (uint64_t)b;
    s->h2 = (h2 & 3) + (uint64_t)(b >> 64);
}

#ifdef __x86_64__
/* ft_poly64_add of a whole block: the compiler's own 128-bit products spill when there is much vector code around.
 * d0 is in h0 and t1, d1 in t2 and t3; t2 ends as h1. */
#define FT_POLY64_LOAD "add %[low], %[h0]\n\tadc %[high], %[h1]\n\tadc $1, %[h2]\n\t"
#define FT_POLY64_REDUCE                                                             \
    "mov %[h2], %[a]\n\timul %[s1], %[a]\n\tadd %[a], %[t2]\n\tadc $0, %[t3]\n\t"    \
    "imul %[r0], %[h2]\n\tadd %[t1], %[t2]\n\tadc %[h2], %[t3]\n\t"                  \
    "mov %[t3], %[h2]\n\tshr $2, %[t3]\n\tand $3, %[h2]\n\t"                        \
    "lea (%[t3], %[t3], 4), %[t3]\n\tadd %[t3], %[h0]\n\tadc $0, %[t2]\n\tadc $0, %[h2]\n\t"
#define FT_POLY64_STATE                                                                        \
    [h0] "+&r"(s->h0), [h1] "+&r"(s->h1), [h2] "+&r"(s->h2), [t1] "=&r"(t1), [t2] "=&r"(t2),   \
        [t3] "=&r"(t3)
#define FT_POLY64_INPUT                                                                        \
    [r0] "rm"(s->r0), [r1] "rm"(s->r1), [s1] "rm"(s->s1), [low] "m"(*(const ft_word *)m),      \
        [high] "m"(*(const ft_word *)(m + 8))
typedef uint64_t ft_word __attribute__((aligned(1), may_alias));

FT_INLINE void ft_poly64_block(ft_poly64 *s, const unsigned char *m) {
    uint64_t t1, t2, t3, a, d;
    __asm__(FT_POLY64_LOAD
            "mov %[r1], %[a]\n\tmul %[h0]\n\tmov %[a], %[t2]\n\tmov %[d], %[t3]\n\t"
            "mov %[r0], %[a]\n\tmul %[h0]\n\tmov %[a], %[h0]\n\tmov %[d], %[t1]\n\t"
            "mov %[s1], %[a]\n\tmul %[h1]\n\tadd %[a], %[h0]\n\tadc %[d], %[t1]\n\t"
            "mov %[r0], %[a]\n\tmul %[h1]\n\tadd %[a], %[t2]\n\tadc %[d], %[t3]\n\t" FT_POLY64_REDUCE
            : FT_POLY64_STATE, [a] "=&a"(a), [d] "=&d"(d)
            : FT_POLY64_INPUT
            : "cc");
    s->h1 = t2;
}

/* The same by MULX (BMI2). */
FT_INLINE void ft_poly64_block_mulx(ft_poly64 *s, const unsigned char *m) {
    uint64_t t1, t2, t3, a, d;
    __asm__(FT_POLY64_LOAD
            "mov %[h0], %[d]\n\tmulx %[r1], %[t2], %[t3]\n\tmulx %[r0], %[h0], %[t1]\n\t"
            "mov %[h1], %[d]\n\tmulx %[s1], %[a], %[h1]\n\tadd %[a], %[h0]\n\tadc %[h1], %[t1]\n\t"
            "mulx %[r0], %[a], %[h1]\n\tadd %[a], %[t2]\n\tadc %[h1], %[t3]\n\t" FT_POLY64_REDUCE
            : FT_POLY64_STATE, [a] "=&r"(a), [d] "=&d"(d)
            : FT_POLY64_INPUT
            : "cc");
    s->h1 = t2;
}
#else
FT_INLINE void ft_poly64_block(ft_poly64 *s, const unsigned char *m) {
    ft_poly64_add(s, ft_le64(m), ft_le64(m + 8), 1);
}
#endif

/* The last block of 0 < n < 16 bytes and a 1 behind them; the 16 bytes before m + n are readable. */
FT_INLINE void ft_poly64_tail(ft_poly64 *s, const unsigned char *m, size_t n) {
    uint64_t low = ft_le64(m + n - 16), high = ft_le64(m + n - 8), one = (uint64_t)1 << 8 * (n % 8);
    if (n < 8)
        ft_poly64_add(s, (high >> (64 - 8 * n)) | one, 0, 0);
    else if (n == 8)
        ft_poly64_add(s, high, 1, 0);
    else
        ft_poly64_add(s, (low >> (128 - 8 * n)) | (high << (8 * n - 64)), (high >> (128 - 8 * n)) | one, 0);
}

/* tag = (h mod 2^130 - 5 + key[16:32]) mod 2^128, without a branch on h. */
FT_INLINE void ft_poly64_finish(ft_poly64 *s, unsigned char *tag, const unsigned char *key) {
    ft_u128 a = (ft_u128)s->h0 + 5, b = (ft_u128)s->h1 + (uint64_t)(a >> 64);
    uint64_t over = (s->h2 + (uint64_t)(b >> 64)) >> 2, mask = 0 - (over & 1);
    uint64_t h0 = (s->h0 & ~mask) | ((uint64_t)a & mask), h1 = (s->h1 & ~mask) | ((uint64_t)b & mask);
    a = (ft_u128)h0 + ft_le64(key + 16);
    b = (ft_u128)h1 + ft_le64(key + 24) + (uint64_t)(a >> 64);
    ft_put_le64(tag, (uint64_t)a);
    ft_put_le64(tag + 8, (uint64_t)b);
}

static void ft_poly1305_64(unsigned char *tag, const unsigned char *m, size_t n, const unsigned char *key) {
    ft_poly64 s;
    unsigned char last[16];
    ft_poly64_start(&s, key);
    for (; n >= 16; m += 16, n -= 16) ft_poly64_block(&s, m);
    if (n > 0) {
        ft_poly1305_pad(last, m, n);
        ft_poly64_add(&s, ft_le64(last), ft_le64(last + 8), 0);
    }
    ft_poly64_finish(&s, tag, key);
    ft_wipe(&s, sizeof s);
}
#endif

#endif
