/* Salsa20 on AVX-512, a block in each 128-bit lane: four blocks a group, six groups in flight (24 blocks, a packet).
 *
 * A group is the four diagonals of the state, (0 5 10 15) (4 9 14 3) (8 13 2 7) (12 1 6 11), one register each. Three
 * dword shuffles turn columns into rows. Sixteen lanes of one block each would be a few long chains that wait for
 * themselves; six groups are not. */
#ifndef FASTZT_SALSA20_AVX512_H
#define FASTZT_SALSA20_AVX512_H

#include "bytes.h"
#include "cpu.h"

#ifdef FT_X86
#define FT_AVX512_TARGET FT_TARGET("avx512f,avx512bw,avx512vl,avx512dq")

typedef struct {
    __m512i a, b, c, d;
} ft_group;

FT_AVX512_TARGET FT_INLINE __m512i ft_rows_diagonal(const uint32_t *x, int i, int j, int k, int l) {
    return _mm512_broadcast_i32x4(_mm_setr_epi32((int)x[i], (int)x[j], (int)x[k], (int)x[l]));
}

FT_AVX512_TARGET FT_INLINE ft_group ft_rows_load(const uint32_t *x) {
    ft_group g;
    g.a = ft_rows_diagonal(x, 0, 5, 10, 15);
    g.b = ft_rows_diagonal(x, 4, 9, 14, 3);
    g.c = ft_rows_diagonal(x, 8, 13, 2, 7);
    g.d = ft_rows_diagonal(x, 12, 1, 6, 11);
    return g;
}

#define FT_ROWS_STEP(to, p, q, n)                                                                      \
    _Pragma("GCC unroll 8") for (i = 0; i < groups; i++)                                               \
        g[i].to = _mm512_xor_si512(g[i].to, _mm512_rol_epi32(_mm512_add_epi32(g[i].p, g[i].q), n));

#define FT_ROWS_TURN(first, third)                                                                     \
    _Pragma("GCC unroll 8") for (i = 0; i < groups; i++) {                                             \
        g[i].first = _mm512_shuffle_epi32(g[i].first, 0x39);                                           \
        g[i].c = _mm512_shuffle_epi32(g[i].c, 0x4e);                                                   \
        g[i].third = _mm512_shuffle_epi32(g[i].third, 0x93);                                           \
    }

FT_AVX512_TARGET FT_INLINE void ft_rows_rounds(ft_group *g, const int groups, int rounds) {
    int round, i;
    for (round = 0; round < rounds; round += 2) {
        FT_ROWS_STEP(b, a, d, 7)
        FT_ROWS_STEP(c, b, a, 9)
        FT_ROWS_STEP(d, c, b, 13)
        FT_ROWS_STEP(a, d, c, 18)
        FT_ROWS_TURN(d, b)
        FT_ROWS_STEP(d, a, b, 7)
        FT_ROWS_STEP(c, d, a, 9)
        FT_ROWS_STEP(b, c, d, 13)
        FT_ROWS_STEP(a, b, c, 18)
        FT_ROWS_TURN(b, d)
    }
}

/* From diagonals to four whole blocks: blends bring the words into rows, 128-bit shuffles the rows into blocks. */
FT_AVX512_TARGET FT_INLINE void ft_rows_blocks(ft_group g, __m512i *block) {
    __m512i ad = _mm512_mask_blend_epi32(0xaaaa, g.a, g.d), cb = _mm512_mask_blend_epi32(0xaaaa, g.c, g.b);
    __m512i ba = _mm512_mask_blend_epi32(0xaaaa, g.b, g.a), dc = _mm512_mask_blend_epi32(0xaaaa, g.d, g.c);
    __m512i r0 = _mm512_mask_blend_epi32(0xcccc, ad, cb), r1 = _mm512_mask_blend_epi32(0xcccc, ba, dc);
    __m512i r2 = _mm512_mask_blend_epi32(0xcccc, cb, ad), r3 = _mm512_mask_blend_epi32(0xcccc, dc, ba);
    __m512i s = _mm512_shuffle_i32x4(r0, r1, 0x44), t = _mm512_shuffle_i32x4(r2, r3, 0x44);
    __m512i u = _mm512_shuffle_i32x4(r0, r1, 0xee), v = _mm512_shuffle_i32x4(r2, r3, 0xee);
    block[0] = _mm512_shuffle_i32x4(s, t, 0x88);
    block[1] = _mm512_shuffle_i32x4(s, t, 0xdd);
    block[2] = _mm512_shuffle_i32x4(u, v, 0x88);
    block[3] = _mm512_shuffle_i32x4(u, v, 0xdd);
}

FT_AVX512_TARGET FT_INLINE __mmask64 ft_bytes_mask(size_t n) {
    return n >= 64 ? ~(__mmask64)0 : (((__mmask64)1 << n) - 1);
}

/* One pass of 4 `groups` blocks from the state's counter on, whose low word does not wrap. */
FT_AVX512_TARGET FT_INLINE void ft_rows_pass(const uint32_t *state, int rounds, const unsigned char *in,
                                             unsigned char *out, size_t n, const int groups) {
    ft_group start = ft_rows_load(state), g[6];
    const __m512i ones = _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
    const __m512i fours = _mm512_maskz_set1_epi32(0x1111, 4);
    __m512i counter = _mm512_add_epi32(start.c, ones), block[4];
    int i, j;
    _Pragma("GCC unroll 8") for (i = 0; i < groups; i++) {
        g[i] = start;
        g[i].c = counter;
        counter = _mm512_add_epi32(counter, fours);
    }
    ft_rows_rounds(g, groups, rounds);
    counter = _mm512_add_epi32(start.c, ones);
    _Pragma("GCC unroll 8") for (i = 0; i < groups; i++) {
        g[i].a = _mm512_add_epi32(g[i].a, start.a);
        g[i].b = _mm512_add_epi32(g[i].b, start.b);
        g[i].c = _mm512_add_epi32(g[i].c, counter);
        g[i].d = _mm512_add_epi32(g[i].d, start.d);
        counter = _mm512_add_epi32(counter, fours);
        ft_rows_blocks(g[i], block);
        for (j = 0; j < 4; j++) {
            size_t at = (size_t)(64 * (4 * i + j));
            __mmask64 mask = at >= n ? 0 : ft_bytes_mask(n - at);
            if (mask == 0) return;
            if (in != NULL) block[j] = _mm512_xor_si512(block[j], _mm512_maskz_loadu_epi8(mask, in + at));
            _mm512_mask_storeu_epi8(out + at, mask, block[j]);
        }
    }
}

FT_AVX512_TARGET static void ft_rows_pass24(const uint32_t *state, int rounds, const unsigned char *in,
                                            unsigned char *out, size_t n) {
    ft_rows_pass(state, rounds, in, out, n, 6);
}

FT_AVX512_TARGET static void ft_rows_pass8(const uint32_t *state, int rounds, const unsigned char *in,
                                           unsigned char *out, size_t n) {
    ft_rows_pass(state, rounds, in, out, n, 2);
}

FT_AVX512_TARGET static void ft_salsa20_avx512(const uint32_t *state, int rounds, const unsigned char *in,
                                               unsigned char *out, size_t n) {
    uint32_t x[16];
    if (n / 64 + 24 > 0xffffffffu - state[8]) {
        ft_salsa20_portable(state, rounds, in, out, n);
        return;
    }
    memcpy(x, state, sizeof x);
    while (n > 0) {
        size_t room = n > 512 ? 1536 : 512, step = n < room ? n : room;
        if (room == 512)
            ft_rows_pass8(x, rounds, in, out, step);
        else
            ft_rows_pass24(x, rounds, in, out, step);
        x[8] += (uint32_t)(room / 64);
        out += step;
        if (in != NULL) in += step;
        n -= step;
    }
    ft_wipe(x, sizeof x);
}

/* Sixteen words of four states into diagonals: word i of state j in element 4 (i's place) + j's lane. */
FT_AVX512_TARGET FT_INLINE ft_group ft_rows_gather(const uint32_t (*states)[16], size_t count) {
    const __m512i a = _mm512_setr_epi32(0, 5, 10, 15, 0, 5, 10, 15, 0, 5, 10, 15, 0, 5, 10, 15);
    const __m512i b = _mm512_setr_epi32(4, 9, 14, 3, 4, 9, 14, 3, 4, 9, 14, 3, 4, 9, 14, 3);
    const __m512i c = _mm512_setr_epi32(8, 13, 2, 7, 8, 13, 2, 7, 8, 13, 2, 7, 8, 13, 2, 7);
    const __m512i d = _mm512_setr_epi32(12, 1, 6, 11, 12, 1, 6, 11, 12, 1, 6, 11, 12, 1, 6, 11);
    ft_group g;
    size_t j;
    g.a = g.b = g.c = g.d = _mm512_setzero_si512();
    for (j = 0; j < 4 && j < count; j++) {
        __m512i state = _mm512_loadu_si512(states[j]);
        __mmask16 lane = (__mmask16)(0xf << (4 * j));
        g.a = _mm512_mask_permutexvar_epi32(g.a, lane, a, state);
        g.b = _mm512_mask_permutexvar_epi32(g.b, lane, b, state);
        g.c = _mm512_mask_permutexvar_epi32(g.c, lane, c, state);
        g.d = _mm512_mask_permutexvar_epi32(g.d, lane, d, state);
    }
    return g;
}

FT_AVX512_TARGET FT_INLINE void ft_rows_many(const uint32_t (*states)[16], size_t count, unsigned char *out,
                                             const int groups) {
    ft_group g[4], start[4];
    __m512i block[4];
    int i, j;
    _Pragma("GCC unroll 8") for (i = 0; i < groups; i++)
        g[i] = start[i] = ft_rows_gather(states + 4 * i, count > (size_t)(4 * i) ? count - (size_t)(4 * i) : 0);
    ft_rows_rounds(g, groups, 12);
    _Pragma("GCC unroll 8") for (i = 0; i < groups; i++) {
        g[i].a = _mm512_add_epi32(g[i].a, start[i].a);
        g[i].b = _mm512_add_epi32(g[i].b, start[i].b);
        g[i].c = _mm512_add_epi32(g[i].c, start[i].c);
        g[i].d = _mm512_add_epi32(g[i].d, start[i].d);
        ft_rows_blocks(g[i], block);
        for (j = 0; j < 4 && (size_t)(4 * i + j) < count; j++) _mm512_storeu_si512(out + 64 * (4 * i + j), block[j]);
    }
}

/* The blocks of `count` states, each with its counter, at 12 rounds. */
FT_AVX512_TARGET static void ft_salsa20_many16(const uint32_t (*states)[16], size_t count, unsigned char *out) {
    while (count > 0) {
        size_t n = count < 16 ? count : 16;
        if (n <= 4)
            ft_rows_many(states, n, out, 1);
        else if (n <= 8)
            ft_rows_many(states, n, out, 2);
        else
            ft_rows_many(states, n, out, 4);
        states += n;
        out += 64 * n;
        count -= n;
    }
}
#endif

#endif
