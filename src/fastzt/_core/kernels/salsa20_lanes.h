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

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__SSE2__) || (defined(__aarch64__) && defined(__AARCH64EL__)))
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

/* 256 bytes of stream: the blocks of four states, word i of all four in words[i]. */
FT_INLINE void ft_lanes4_blocks(const uint32_t (*words)[4], int rounds, unsigned char *stream) {
    ft_v4 x[16], initial, t;
    int i;
    for (i = 0; i < 16; i++) memcpy(&x[i], words[i], 16);
    for (i = 0; i < rounds; i += 2) {
        FT_DOUBLE_ROUND(x)
    }
    for (i = 0; i < 16; i++) {
        memcpy(&initial, words[i], 16);
        x[i] += initial;
    }
    for (i = 0; i < 16; i += 4) ft_lanes4_store(x + i, i, stream);
}

static void ft_salsa20_lanes4(const uint32_t *state, int rounds, const unsigned char *in, unsigned char *out,
                              size_t n) {
    unsigned char stream[256];
    uint32_t words[16][4];
    uint64_t counter = ((uint64_t)state[9] << 32) | state[8];
    int i, j;
    for (i = 0; i < 16; i++)
        for (j = 0; j < 4; j++) words[i][j] = state[i];
    while (n > 0) {
        size_t at, step = n < 256 ? n : 256, whole = step & ~(size_t)15;
        ft_v4 a, b;
        for (j = 0; j < 4; j++, counter++) {
            words[8][j] = (uint32_t)counter;
            words[9][j] = (uint32_t)(counter >> 32);
        }
        ft_lanes4_blocks((const uint32_t(*)[4])words, rounds, stream);
        for (at = 0; at < whole; at += 16) {
            memcpy(&a, stream + at, 16);
            if (in != NULL) {
                memcpy(&b, in + at, 16);
                a ^= b;
            }
            memcpy(out + at, &a, 16);
        }
        ft_xor_tail(stream + whole, in == NULL ? NULL : in + whole, out + whole, step - whole);
        out += step;
        if (in != NULL) in += step;
        n -= step;
    }
    ft_wipe(stream, sizeof stream);
    ft_wipe(words, sizeof words);
}

/* The blocks of `count` states, each with its counter, at 12 rounds. */
static void ft_salsa20_many4(const uint32_t (*states)[16], size_t count, unsigned char *out) {
    unsigned char stream[256];
    uint32_t words[16][4];
    while (count > 0) {
        size_t n = count < 4 ? count : 4, i, j;
        for (j = 0; j < 4; j++)
            for (i = 0; i < 16; i++) words[i][j] = states[j < n ? j : 0][i];
        ft_lanes4_blocks((const uint32_t(*)[4])words, 12, stream);
        memcpy(out, stream, 64 * n);
        states += n;
        out += 64 * n;
        count -= n;
    }
    ft_wipe(stream, sizeof stream);
    ft_wipe(words, sizeof words);
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

FT_AVX2_TARGET FT_INLINE void ft_lanes8_blocks(const uint32_t (*words)[8], int rounds, unsigned char *stream) {
    ft_v8 x[16], initial, t;
    int i;
    for (i = 0; i < 16; i++) memcpy(&x[i], words[i], 32);
    for (i = 0; i < rounds; i += 2) {
        FT_DOUBLE_ROUND(x)
    }
    for (i = 0; i < 16; i++) {
        memcpy(&initial, words[i], 32);
        x[i] += initial;
    }
    ft_lanes8_store(x, 0, stream);
    ft_lanes8_store(x + 8, 8, stream);
}

FT_AVX2_TARGET static void ft_salsa20_avx2(const uint32_t *state, int rounds, const unsigned char *in,
                                           unsigned char *out, size_t n) {
    unsigned char stream[512];
    uint32_t words[16][8];
    uint64_t counter = ((uint64_t)state[9] << 32) | state[8];
    int i, j;
    for (i = 0; i < 16; i++)
        for (j = 0; j < 8; j++) words[i][j] = state[i];
    while (n > 0) {
        size_t at, step = n < 512 ? n : 512, whole = step & ~(size_t)31;
        for (j = 0; j < 8; j++, counter++) {
            words[8][j] = (uint32_t)counter;
            words[9][j] = (uint32_t)(counter >> 32);
        }
        ft_lanes8_blocks((const uint32_t(*)[8])words, rounds, stream);
        for (at = 0; at < whole; at += 32) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(stream + at));
            if (in != NULL) v = _mm256_xor_si256(v, _mm256_loadu_si256((const __m256i *)(in + at)));
            _mm256_storeu_si256((__m256i *)(out + at), v);
        }
        ft_xor_tail(stream + whole, in == NULL ? NULL : in + whole, out + whole, step - whole);
        out += step;
        if (in != NULL) in += step;
        n -= step;
    }
    ft_wipe(stream, sizeof stream);
    ft_wipe(words, sizeof words);
}

/* The blocks of `count` states, each with its counter, at 12 rounds. */
FT_AVX2_TARGET static void ft_salsa20_many8(const uint32_t (*states)[16], size_t count, unsigned char *out) {
    unsigned char stream[512];
    uint32_t words[16][8];
    while (count > 0) {
        size_t n = count < 8 ? count : 8, i, j;
        for (j = 0; j < 8; j++)
            for (i = 0; i < 16; i++) words[i][j] = states[j < n ? j : 0][i];
        ft_lanes8_blocks((const uint32_t(*)[8])words, 12, stream);
        memcpy(out, stream, 64 * n);
        states += n;
        out += 64 * n;
        count -= n;
    }
    ft_wipe(stream, sizeof stream);
    ft_wipe(words, sizeof words);
}
#endif

#endif
