/* Salsa20 with one block a lane: four lanes on SSE2 and NEON by compiler vectors, eight on AVX2.
 *
 * The quarter rounds stand one after another: fewer live temporaries, fewer spills. */
#ifndef FASTZT_SALSA20_LANES_H
#define FASTZT_SALSA20_LANES_H

#include "bytes.h"
#include "cpu.h"

#define FT_ROTATE(v, n) (((v) << (n)) | ((v) >> (32 - (n))))
#define FT_LANE_QUARTER(a, b, c, d)   \
    t = a + d;                        \
    b ^= FT_ROTATE(t, 7);             \
    t = b + a;                        \
    c ^= FT_ROTATE(t, 9);             \
    t = c + b;                        \
    d ^= FT_ROTATE(t, 13);            \
    t = d + c;                        \
    a ^= FT_ROTATE(t, 18);
#define FT_DOUBLE_ROUND(x)                              \
    FT_LANE_QUARTER(x[0], x[4], x[8], x[12])            \
    FT_LANE_QUARTER(x[5], x[9], x[13], x[1])            \
    FT_LANE_QUARTER(x[10], x[14], x[2], x[6])           \
    FT_LANE_QUARTER(x[15], x[3], x[7], x[11])           \
    FT_LANE_QUARTER(x[0], x[1], x[2], x[3])             \
    FT_LANE_QUARTER(x[5], x[6], x[7], x[4])             \
    FT_LANE_QUARTER(x[10], x[11], x[8], x[9])           \
    FT_LANE_QUARTER(x[15], x[12], x[13], x[14])

/* out = in XOR stream for n <= 64 bytes; in may be NULL. */
static void ft_xor_tail(const unsigned char *stream, const unsigned char *in, unsigned char *out, size_t n) {
    size_t i;
    for (i = 0; i < n; i++) out[i] = in == NULL ? stream[i] : (unsigned char)(in[i] ^ stream[i]);
}

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__SSE2__) || defined(__aarch64__))
#define FT_LANES4 1
typedef uint32_t ft_v4 __attribute__((vector_size(16)));

#if defined(__clang__) || __GNUC__ >= 12
#define FT_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define FT_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, (ft_v4){i, j, k, l})
#endif

/* Words `row` .. `row` + 3 of four blocks, from lane order to block order, into stream + 64 block + 4 row. */
FT_INLINE void ft_lanes4_store(const ft_v4 *x, int row, unsigned char *stream) {
    ft_v4 a = FT_SHUFFLE4(x[0], x[1], 0, 4, 1, 5), b = FT_SHUFFLE4(x[2], x[3], 0, 4, 1, 5);
    ft_v4 c = FT_SHUFFLE4(x[0], x[1], 2, 6, 3, 7), d = FT_SHUFFLE4(x[2], x[3], 2, 6, 3, 7), v;
    v = FT_SHUFFLE4(a, b, 0, 1, 4, 5);
    memcpy(stream + 4 * row, &v, 16);
    v = FT_SHUFFLE4(a, b, 2, 3, 6, 7);
    memcpy(stream + 64 + 4 * row, &v, 16);
    v = FT_SHUFFLE4(c, d, 0, 1, 4, 5);
    memcpy(stream + 128 + 4 * row, &v, 16);
    v = FT_SHUFFLE4(c, d, 2, 3, 6, 7);
    memcpy(stream + 192 + 4 * row, &v, 16);
}

/* 256 bytes of stream: the blocks of four counters. */
static void ft_lanes4_blocks(const uint32_t *state, int rounds, uint64_t counter, unsigned char *stream) {
    ft_v4 x[16], initial[16], t;
    uint32_t low[4], high[4];
    int i;
    for (i = 0; i < 16; i++) initial[i] = (ft_v4){state[i], state[i], state[i], state[i]};
    for (i = 0; i < 4; i++) {
        low[i] = (uint32_t)(counter + (uint64_t)i);
        high[i] = (uint32_t)((counter + (uint64_t)i) >> 32);
    }
    memcpy(&initial[8], low, 16);
    memcpy(&initial[9], high, 16);
    for (i = 0; i < 16; i++) x[i] = initial[i];
    for (i = 0; i < rounds; i += 2) {
        FT_DOUBLE_ROUND(x)
    }
    for (i = 0; i < 16; i++) x[i] += initial[i];
    for (i = 0; i < 16; i += 4) ft_lanes4_store(x + i, i, stream);
}

static void ft_salsa20_lanes4(const uint32_t *state, int rounds, const unsigned char *in, unsigned char *out,
                              size_t n) {
    unsigned char stream[256];
    uint64_t counter = ((uint64_t)state[9] << 32) | state[8];
    while (n > 0) {
        size_t i, step = n < 256 ? n : 256, whole = step & ~(size_t)15;
        ft_v4 a, b;
        ft_lanes4_blocks(state, rounds, counter, stream);
        for (i = 0; i < whole; i += 16) {
            memcpy(&a, stream + i, 16);
            if (in != NULL) {
                memcpy(&b, in + i, 16);
                a ^= b;
            }
            memcpy(out + i, &a, 16);
        }
        ft_xor_tail(stream + whole, in == NULL ? NULL : in + whole, out + whole, step - whole);
        counter += 4;
        out += step;
        if (in != NULL) in += step;
        n -= step;
    }
    ft_wipe(stream, sizeof stream);
}
#endif

#ifdef FT_X86
typedef uint32_t ft_v8 __attribute__((vector_size(32)));
#define FT_AVX2_TARGET FT_TARGET("avx2")

/* Words `row` .. `row` + 7 of eight blocks, transposed: stream + 64 block + 4 row. */
FT_AVX2_TARGET FT_INLINE void ft_lanes8_store(const ft_v8 *x, int row, unsigned char *stream) {
    __m256i u[8], v[8];
    int i;
    for (i = 0; i < 8; i += 2) {
        u[i] = _mm256_unpacklo_epi32((__m256i)x[i], (__m256i)x[i + 1]);
        u[i + 1] = _mm256_unpackhi_epi32((__m256i)x[i], (__m256i)x[i + 1]);
    }
    for (i = 0; i < 8; i += 4) {
        v[i] = _mm256_unpacklo_epi64(u[i], u[i + 2]);
        v[i + 1] = _mm256_unpackhi_epi64(u[i], u[i + 2]);
        v[i + 2] = _mm256_unpacklo_epi64(u[i + 1], u[i + 3]);
        v[i + 3] = _mm256_unpackhi_epi64(u[i + 1], u[i + 3]);
    }
    for (i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(stream + 64 * i + 4 * row), _mm256_permute2x128_si256(v[i], v[i + 4], 0x20));
        _mm256_storeu_si256((__m256i *)(stream + 64 * (i + 4) + 4 * row),
                            _mm256_permute2x128_si256(v[i], v[i + 4], 0x31));
    }
}

FT_AVX2_TARGET static void ft_lanes8_blocks(const uint32_t *state, int rounds, uint64_t counter,
                                            unsigned char *stream) {
    ft_v8 x[16], initial[16], t;
    uint32_t low[8], high[8];
    int i;
    for (i = 0; i < 16; i++) initial[i] = (ft_v8)_mm256_set1_epi32((int)state[i]);
    for (i = 0; i < 8; i++) {
        low[i] = (uint32_t)(counter + (uint64_t)i);
        high[i] = (uint32_t)((counter + (uint64_t)i) >> 32);
    }
    memcpy(&initial[8], low, 32);
    memcpy(&initial[9], high, 32);
    for (i = 0; i < 16; i++) x[i] = initial[i];
    for (i = 0; i < rounds; i += 2) {
        FT_DOUBLE_ROUND(x)
    }
    for (i = 0; i < 16; i++) x[i] += initial[i];
    ft_lanes8_store(x, 0, stream);
    ft_lanes8_store(x + 8, 8, stream);
}

FT_AVX2_TARGET static void ft_salsa20_avx2(const uint32_t *state, int rounds, const unsigned char *in,
                                           unsigned char *out, size_t n) {
    unsigned char stream[512];
    uint64_t counter = ((uint64_t)state[9] << 32) | state[8];
    while (n > 0) {
        size_t i, step = n < 512 ? n : 512, whole = step & ~(size_t)31;
        ft_lanes8_blocks(state, rounds, counter, stream);
        for (i = 0; i < whole; i += 32) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(stream + i));
            if (in != NULL) v = _mm256_xor_si256(v, _mm256_loadu_si256((const __m256i *)(in + i)));
            _mm256_storeu_si256((__m256i *)(out + i), v);
        }
        ft_xor_tail(stream + whole, in == NULL ? NULL : in + whole, out + whole, step - whole);
        counter += 8;
        out += step;
        if (in != NULL) in += step;
        n -= step;
    }
    ft_wipe(stream, sizeof stream);
}
#endif

#endif
