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

static void ft_poly64_start(ft_poly64 *s, const unsigned char *key) {
    s->r0 = ft_le64(key) & 0x0ffffffc0fffffffULL;
    s->r1 = ft_le64(key + 8) & 0x0ffffffc0ffffffcULL;
    s->s1 = s->r1 + (s->r1 >> 2);
    s->h0 = s->h1 = s->h2 = 0;
}

/* h = (h + m + top 2^128) r, partly reduced: h2 stays below 8. */
FT_INLINE void ft_poly64_block(ft_poly64 *s, const unsigned char *m, uint64_t top) {
    ft_u128 a = (ft_u128)s->h0 + ft_le64(m), b = (ft_u128)s->h1 + ft_le64(m + 8) + (uint64_t)(a >> 64), d0, d1;
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

/* tag = (h mod 2^130 - 5 + key[16:32]) mod 2^128, without a branch on h. */
static void ft_poly64_finish(ft_poly64 *s, unsigned char *tag, const unsigned char *key) {
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
    unsigned char last[17];
    ft_poly64_start(&s, key);
    for (; n >= 16; m += 16, n -= 16) ft_poly64_block(&s, m, 1);
    if (n > 0) {
        ft_poly1305_pad(last, m, n);
        ft_poly64_block(&s, last, 0);
    }
    ft_poly64_finish(&s, tag, key);
    ft_wipe(&s, sizeof s);
}
#endif

#endif
