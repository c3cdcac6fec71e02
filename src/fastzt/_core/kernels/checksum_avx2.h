/* The words of checksum.h on 256-bit registers: stores of a copy are aligned, as one that crosses a cache line costs
 * several, and what is left over at either end is one more load of 32 bytes of which a part counts. */
#ifndef FASTZT_CHECKSUM_AVX2_H
#define FASTZT_CHECKSUM_AVX2_H

#include "bytes.h"
#include "cpu.h"

#ifdef FT_X86
#include <immintrin.h>
#define FT_AVX2_TARGET FT_TARGET("avx2")

/* 32 bytes from ft_some + n on keep the last n bytes of a register, from ft_some + 64 - n on the first n. */
static const unsigned char ft_some[96] = {
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

FT_AVX2_TARGET FT_INLINE __m256i ft_mask_y(const unsigned char *p) { return _mm256_loadu_si256((const __m256i *)p); }

/* The eight words of a register as four sums. */
FT_AVX2_TARGET FT_INLINE __m256i ft_pairs_y(__m256i v) {
    return _mm256_add_epi64(_mm256_and_si256(v, _mm256_set1_epi64x(0xffffffff)), _mm256_srli_epi64(v, 32));
}

FT_AVX2_TARGET FT_INLINE uint64_t ft_total_y(__m256i v) {
    uint64_t part[4];
    _mm256_storeu_si256((__m256i *)part, v);
    return part[0] + part[1] + part[2] + part[3];
}

/* 32 bytes from p, also copied unless `to` is NULL. */
FT_AVX2_TARGET FT_INLINE __m256i ft_pass_y(unsigned char *to, const unsigned char *p) {
    __m256i v = _mm256_loadu_si256((const __m256i *)p);
    if (to != NULL) _mm256_storeu_si256((__m256i *)to, v);
    return v;
}

/* Words of n >= 64 bytes, also copied to where nothing of them lies; `copy` is a constant. */
FT_AVX2_TARGET FT_INLINE uint64_t ft_words_y(unsigned char *to, const unsigned char *p, size_t n, const int copy) {
    __m256i sum0 = _mm256_setzero_si256(), sum1 = sum0, last;
    size_t i, at = 0, end = n - 32, aligned = copy ? (0 - (size_t)to) & 30 : 0;
    uint64_t sum, rest;
    if (aligned > 0) {
        sum0 = ft_pairs_y(_mm256_and_si256(ft_pass_y(copy ? to : NULL, p), ft_mask_y(ft_some + 64 - aligned)));
        at = aligned;
    }
    for (; n - at >= 128; at += 128) {
        __m256i v[4];
        for (i = 0; i < 4; i++) v[i] = ft_pass_y(copy ? to + at + 32 * i : NULL, p + at + 32 * i);
        sum0 = _mm256_add_epi64(sum0, _mm256_add_epi64(ft_pairs_y(v[0]), ft_pairs_y(v[1])));
        sum1 = _mm256_add_epi64(sum1, _mm256_add_epi64(ft_pairs_y(v[2]), ft_pairs_y(v[3])));
    }
    for (; at <= end; at += 32) sum0 = _mm256_add_epi64(sum0, ft_pairs_y(ft_pass_y(copy ? to + at : NULL, p + at)));
    sum = ft_total_y(_mm256_add_epi64(sum0, sum1));
    if (at == n) return sum;
    /* What begins at an odd place has its bytes the other way round (RFC 1071 section 2.B). */
    last = _mm256_and_si256(ft_pass_y(copy ? to + end : NULL, p + end), ft_mask_y(ft_some + n - at));
    rest = ft_total_y(ft_pairs_y(last));
    return sum + (n & 1 ? rest << 8 : rest);
}
#endif

#endif
