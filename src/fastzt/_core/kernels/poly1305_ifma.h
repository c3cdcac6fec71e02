/* Poly1305 on AVX-512 IFMA: eight blocks a step in limbs of 44, 44 and 42 bits, up to three messages side by side.
 *
 * Zero blocks without their 2^128 go in front, so that every message is whole groups of eight and the last multiply
 * is always by r^8 .. r^1. Two 64-byte loads unpacked into words put the blocks into lanes in the order 0 4 1 5 2 6
 * 3 7. Loads of the padding are masked off, they may point before the message. */
#ifndef FASTZT_POLY1305_IFMA_H
#define FASTZT_POLY1305_IFMA_H

#include "poly1305_64.h"

#if defined(FT_X86) && defined(__SIZEOF_INT128__)
#define FT_IFMA 1
#define FT_IFMA_TARGET FT_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512ifma")
#define FT_MASK44 0xfffffffffffULL
#define FT_MASK42 0x3ffffffffffULL

typedef struct {
    __m512i l0, l1, l2;
} ft_limbs;

typedef struct {
    ft_limbs r;
    __m512i s1, s2; /* 20 r1, 20 r2: 2^132 = 20 */
} ft_factor;

FT_IFMA_TARGET FT_INLINE ft_factor ft_ifma_factor(ft_limbs r) {
    ft_factor f;
    f.r = r;
    f.s1 = _mm512_add_epi64(_mm512_slli_epi64(r.l1, 4), _mm512_slli_epi64(r.l1, 2));
    f.s2 = _mm512_add_epi64(_mm512_slli_epi64(r.l2, 4), _mm512_slli_epi64(r.l2, 2));
    return f;
}

/* h f in each lane: limbs of h below 2^50, of the result a little above 2^44 at most. */
FT_IFMA_TARGET FT_INLINE ft_limbs ft_ifma_multiply(ft_limbs h, const ft_factor *f) {
    const __m512i zero = _mm512_setzero_si512(), mask44 = _mm512_set1_epi64(FT_MASK44);
    __m512i a, b, c, x, y, z, carry;
#define FT_LOW(to, p, q) to = _mm512_madd52lo_epu64(to, p, q)
#define FT_HIGH(to, p, q) to = _mm512_madd52hi_epu64(to, p, q)
    a = b = c = x = y = z = zero;
    FT_LOW(a, h.l0, f->r.l0);
    FT_LOW(b, h.l0, f->r.l1);
    FT_LOW(c, h.l0, f->r.l2);
    FT_HIGH(x, h.l0, f->r.l0);
    FT_HIGH(y, h.l0, f->r.l1);
    FT_HIGH(z, h.l0, f->r.l2);
    FT_LOW(a, h.l1, f->s2);
    FT_LOW(b, h.l1, f->r.l0);
    FT_LOW(c, h.l1, f->r.l1);
    FT_HIGH(x, h.l1, f->s2);
    FT_HIGH(y, h.l1, f->r.l0);
    FT_HIGH(z, h.l1, f->r.l1);
    FT_LOW(a, h.l2, f->s1);
    FT_LOW(b, h.l2, f->s2);
    FT_LOW(c, h.l2, f->r.l0);
    FT_HIGH(x, h.l2, f->s1);
    FT_HIGH(y, h.l2, f->s2);
    FT_HIGH(z, h.l2, f->r.l0);
#undef FT_LOW
#undef FT_HIGH
    /* The high halves weigh 2^52: 8 bits above the next limb, 10 above 2^130. */
    carry = _mm512_add_epi64(_mm512_srli_epi64(a, 44), _mm512_slli_epi64(x, 8));
    h.l0 = _mm512_and_si512(a, mask44);
    b = _mm512_add_epi64(b, carry);
    carry = _mm512_add_epi64(_mm512_srli_epi64(b, 44), _mm512_slli_epi64(y, 8));
    h.l1 = _mm512_and_si512(b, mask44);
    c = _mm512_add_epi64(c, carry);
    carry = _mm512_add_epi64(_mm512_srli_epi64(c, 42), _mm512_slli_epi64(z, 10));
    h.l2 = _mm512_and_si512(c, _mm512_set1_epi64(FT_MASK42));
    h.l0 = _mm512_add_epi64(h.l0, _mm512_add_epi64(carry, _mm512_slli_epi64(carry, 2)));
    h.l1 = _mm512_add_epi64(h.l1, _mm512_srli_epi64(h.l0, 44));
    h.l0 = _mm512_and_si512(h.l0, mask44);
    return h;
}

FT_IFMA_TARGET FT_INLINE ft_limbs ft_ifma_blend(__mmask8 mask, ft_limbs a, ft_limbs b) {
    a.l0 = _mm512_mask_blend_epi64(mask, a.l0, b.l0);
    a.l1 = _mm512_mask_blend_epi64(mask, a.l1, b.l1);
    a.l2 = _mm512_mask_blend_epi64(mask, a.l2, b.l2);
    return a;
}

FT_IFMA_TARGET FT_INLINE ft_limbs ft_ifma_lane(ft_limbs a, int lane) {
    const __m512i which = _mm512_set1_epi64(lane);
    a.l0 = _mm512_permutexvar_epi64(which, a.l0);
    a.l1 = _mm512_permutexvar_epi64(which, a.l1);
    a.l2 = _mm512_permutexvar_epi64(which, a.l2);
    return a;
}

/* each: r^8 in all lanes. last: lane pairs (r^8 r^4) (r^7 r^3) (r^6 r^2) (r^5 r^1). */
FT_IFMA_TARGET FT_INLINE void ft_ifma_powers(const unsigned char *key, ft_factor *each, ft_factor *last) {
    uint64_t low = ft_le64(key) & 0x0ffffffc0fffffffULL, high = ft_le64(key + 8) & 0x0ffffffc0ffffffcULL;
    ft_limbs r, one, square, y, z;
    ft_factor f;
    r.l0 = _mm512_set1_epi64((long long)(low & FT_MASK44));
    r.l1 = _mm512_set1_epi64((long long)(((low >> 44) | (high << 20)) & FT_MASK44));
    r.l2 = _mm512_set1_epi64((long long)(high >> 24));
    one.l0 = _mm512_set1_epi64(1);
    one.l1 = one.l2 = _mm512_setzero_si512();
    f = ft_ifma_factor(r);
    square = ft_ifma_multiply(r, &f);
    f = ft_ifma_factor(ft_ifma_blend(0x0f, one, square));
    y = ft_ifma_multiply(ft_ifma_blend(0x33, r, square), &f);
    f = ft_ifma_factor(ft_ifma_lane(y, 0));
    z = ft_ifma_multiply(y, &f);
    *each = ft_ifma_factor(ft_ifma_lane(z, 0));
    *last = ft_ifma_factor(ft_ifma_blend(0x55, y, z));
}

/* Which bytes of a group of 128 belong to the message, and what its last block needs. */
typedef struct {
    __mmask64 first, second;
    __mmask8 tops;   /* lanes of whole blocks, which get 2^128 */
    __mmask64 ending; /* byte of the second half that is set to 1 behind a short block */
} ft_group_mask;

FT_IFMA_TARGET FT_INLINE ft_group_mask ft_ifma_mask(size_t skip, size_t rest) {
    static const unsigned char lane[8] = {0, 2, 4, 6, 1, 3, 5, 7};
    ft_group_mask mask = {~(__mmask64)0, ~(__mmask64)0, 0xff, 0};
    size_t i;
    if (skip >= 4) {
        mask.first = 0;
        mask.second = ~(__mmask64)0 << (16 * (skip - 4));
    } else {
        mask.first = ~(__mmask64)0 << (16 * skip);
    }
    for (i = 0; i < skip; i++) mask.tops &= (__mmask8)~(1 << lane[i]);
    if (rest != 0) {
        mask.second &= ~(__mmask64)0 >> (16 - rest);
        mask.tops &= 0x7f;
        mask.ending = (__mmask64)1 << (48 + rest);
    }
    return mask;
}

FT_IFMA_TARGET FT_INLINE ft_limbs ft_ifma_add(ft_limbs h, __m512i x, __m512i y, __mmask8 tops) {
    const __m512i mask44 = _mm512_set1_epi64(FT_MASK44);
    __m512i low = _mm512_unpacklo_epi64(x, y), high = _mm512_unpackhi_epi64(x, y);
    __m512i middle = _mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20));
    h.l0 = _mm512_add_epi64(h.l0, _mm512_and_si512(low, mask44));
    h.l1 = _mm512_add_epi64(h.l1, _mm512_and_si512(middle, mask44));
    h.l2 = _mm512_add_epi64(h.l2, _mm512_srli_epi64(high, 24));
    h.l2 = _mm512_mask_add_epi64(h.l2, tops, h.l2, _mm512_set1_epi64((long long)1 << 40));
    return h;
}

FT_IFMA_TARGET FT_INLINE ft_limbs ft_ifma_masked(ft_limbs h, const unsigned char *m, const ft_group_mask *mask) {
    __m512i x = _mm512_maskz_loadu_epi8(mask->first, m), y = _mm512_maskz_loadu_epi8(mask->second, m + 64);
    return ft_ifma_add(h, x, _mm512_mask_set1_epi8(y, mask->ending, 1), mask->tops);
}

/* The lanes' sum, carried into the scalar form, and the tag. */
FT_IFMA_TARGET FT_INLINE void ft_ifma_finish(ft_limbs h, unsigned char *tag, const unsigned char *key) {
    uint64_t l0 = (uint64_t)_mm512_reduce_add_epi64(h.l0), l1 = (uint64_t)_mm512_reduce_add_epi64(h.l1);
    uint64_t l2 = (uint64_t)_mm512_reduce_add_epi64(h.l2);
    ft_poly64 s;
    int i;
    for (i = 0; i < 2; i++) {
        l1 += l0 >> 44;
        l0 &= FT_MASK44;
        l2 += l1 >> 44;
        l1 &= FT_MASK44;
        l0 += 5 * (l2 >> 42);
        l2 &= FT_MASK42;
    }
    l1 += l0 >> 44;
    l0 &= FT_MASK44;
    s.h0 = l0 | (l1 << 44);
    s.h1 = (l1 >> 20) + (l2 << 24);
    s.h2 = (l2 >> 40) + (s.h1 < (l2 << 24));
    ft_poly64_finish(&s, tag, key);
}

/* Tags of `k` messages of n > 0 bytes, m[i] under keys[i]; tag i at tags + 16 i. */
FT_IFMA_TARGET FT_INLINE void ft_ifma_run(unsigned char *tags, const unsigned char *const *m, size_t n,
                                          const unsigned char *const *keys, const int k) {
    size_t blocks = (n + 15) / 16, groups = (blocks + 7) / 8, skip = 8 * groups - blocks, g, at;
    ft_factor each[3], last[3];
    ft_limbs h[3];
    ft_group_mask mask;
    int i;
    for (i = 0; i < k; i++) {
        ft_ifma_powers(keys[i], &each[i], &last[i]);
        h[i].l0 = h[i].l1 = h[i].l2 = _mm512_setzero_si512();
    }
    mask = ft_ifma_mask(skip, groups == 1 ? n % 16 : 0);
    _Pragma("GCC unroll 3") for (i = 0; i < k; i++) h[i] = ft_ifma_masked(h[i], m[i] - 16 * skip, &mask);
    at = 128 - 16 * skip;
    for (g = 1; g + 1 < groups; g++, at += 128) {
        _Pragma("GCC unroll 3") for (i = 0; i < k; i++) {
            h[i] = ft_ifma_multiply(h[i], &each[i]);
            h[i] = ft_ifma_add(h[i], _mm512_loadu_si512(m[i] + at), _mm512_loadu_si512(m[i] + at + 64), 0xff);
        }
    }
    if (groups > 1) {
        mask = ft_ifma_mask(0, n % 16);
        _Pragma("GCC unroll 3") for (i = 0; i < k; i++) {
            h[i] = ft_ifma_multiply(h[i], &each[i]);
            h[i] = ft_ifma_masked(h[i], m[i] + at, &mask);
        }
    }
    _Pragma("GCC unroll 3") for (i = 0; i < k; i++) {
        h[i] = ft_ifma_multiply(h[i], &last[i]);
        ft_ifma_finish(h[i], tags + 16 * i, keys[i]);
    }
}

#define FT_IFMA_LEAST 192 /* bytes; below, the scalar version is faster than the powers of r */

FT_IFMA_TARGET static void ft_poly1305_ifma(unsigned char *tag, const unsigned char *m, size_t n,
                                            const unsigned char *key) {
    if (n < FT_IFMA_LEAST)
        ft_poly1305_64(tag, m, n, key);
    else
        ft_ifma_run(tag, &m, n, &key, 1);
}

FT_IFMA_TARGET static void ft_poly1305_ifma3(unsigned char *tags, const unsigned char *const *m, size_t n,
                                             const unsigned char *const *keys) {
    ft_ifma_run(tags, m, n, keys, 3);
}
#endif

#endif
