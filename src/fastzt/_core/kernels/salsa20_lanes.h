/* Salsa20 with one block a lane: four lanes on SSE2 and NEON by compiler vectors, eight on AVX2.
 *
 * The quarter rounds stand one after another: fewer live temporaries, fewer spills. Between them is room for scalar
 * work (see salsa_poly.h). */
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
/* s1 .. s6: statements between the quarter rounds; each is given a word that was written just before. */
#define FT_DOUBLE_ROUND(x, s1, s2, s3, s4, s5, s6)    \
    FT_LANE_QUARTER(x[0], x[4], x[8], x[12])          \
    s1(x[0])                                          \
    FT_LANE_QUARTER(x[5], x[9], x[13], x[1])          \
    s2(x[5])                                          \
    FT_LANE_QUARTER(x[10], x[14], x[2], x[6])         \
    FT_LANE_QUARTER(x[15], x[3], x[7], x[11])         \
    s3(x[15])                                         \
    FT_LANE_QUARTER(x[0], x[1], x[2], x[3])           \
    s4(x[0])                                          \
    FT_LANE_QUARTER(x[5], x[6], x[7], x[4])           \
    s5(x[5])                                          \
    FT_LANE_QUARTER(x[10], x[11], x[8], x[9])         \
    FT_LANE_QUARTER(x[15], x[12], x[13], x[14])       \
    s6(x[15])
#define FT_NO_SLOT(x)

#define FT_WIDE(name) FT_JOIN(name, FT_LANES) /* the function or type of this width */

#if defined(FT_X86) || defined(FT_ARM)
#define FT_LANES4 1
#define FT_LANES4_TARGET
typedef uint32_t ft_v4 __attribute__((vector_size(16)));
typedef uint32_t ft_any4 __attribute__((vector_size(16), aligned(1), may_alias)); /* anywhere in memory */

#if defined(__clang__) || __GNUC__ >= 12
#define FT_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define FT_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, (ft_v4){i, j, k, l})
#endif

/* Four rows of four words into columns. */
FT_INLINE void ft_transpose4(const ft_v4 *x, ft_v4 *y) {
    ft_v4 a = FT_SHUFFLE4(x[0], x[1], 0, 4, 1, 5), b = FT_SHUFFLE4(x[2], x[3], 0, 4, 1, 5);
    ft_v4 c = FT_SHUFFLE4(x[0], x[1], 2, 6, 3, 7), d = FT_SHUFFLE4(x[2], x[3], 2, 6, 3, 7);
    y[0] = FT_SHUFFLE4(a, b, 0, 1, 4, 5);
    y[1] = FT_SHUFFLE4(a, b, 2, 3, 6, 7);
    y[2] = FT_SHUFFLE4(c, d, 0, 1, 4, 5);
    y[3] = FT_SHUFFLE4(c, d, 2, 3, 6, 7);
}

/* Words 0 .. 3 of rows[0] of each lane. */
FT_INLINE void ft_columns4(const ft_v4 *const *rows, ft_v4 *y) {
    ft_v4 x[4];
    int i;
    FT_EACH(i, 4) x[i] = *rows[i];
    ft_transpose4(x, y);
}

#define FT_LANES 4
#define FT_LANES_TARGET FT_LANES4_TARGET
#include "salsa20_width.h"
#undef FT_LANES
#undef FT_LANES_TARGET
#endif

#ifdef FT_X86
#define FT_LANES8_TARGET FT_TARGET("avx2,bmi2")
typedef uint32_t ft_v8 __attribute__((vector_size(32)));
typedef uint32_t ft_any8 __attribute__((vector_size(32), aligned(1), may_alias));

/* Pairs of 128-bit halves, each with four rows of four words, into columns. */
FT_LANES8_TARGET FT_INLINE void ft_transpose_halves(const ft_v8 *x, ft_v8 *y) {
    __m256i a = _mm256_unpacklo_epi32((__m256i)x[0], (__m256i)x[1]);
    __m256i b = _mm256_unpacklo_epi32((__m256i)x[2], (__m256i)x[3]);
    __m256i c = _mm256_unpackhi_epi32((__m256i)x[0], (__m256i)x[1]);
    __m256i d = _mm256_unpackhi_epi32((__m256i)x[2], (__m256i)x[3]);
    y[0] = (ft_v8)_mm256_unpacklo_epi64(a, b);
    y[1] = (ft_v8)_mm256_unpackhi_epi64(a, b);
    y[2] = (ft_v8)_mm256_unpacklo_epi64(c, d);
    y[3] = (ft_v8)_mm256_unpackhi_epi64(c, d);
}

/* Eight rows of eight words into columns. */
FT_LANES8_TARGET FT_INLINE void ft_transpose8(const ft_v8 *x, ft_v8 *y) {
    ft_v8 u[8];
    int i;
    ft_transpose_halves(x, u);
    ft_transpose_halves(x + 4, u + 4);
    FT_EACH(i, 4) {
        y[i] = (ft_v8)_mm256_permute2x128_si256((__m256i)u[i], (__m256i)u[i + 4], 0x20);
        y[i + 4] = (ft_v8)_mm256_permute2x128_si256((__m256i)u[i], (__m256i)u[i + 4], 0x31);
    }
}

FT_LANES8_TARGET FT_INLINE void ft_columns8(const ft_v4 *const *rows, ft_v8 *y) {
    ft_v8 x[4];
    int i;
    FT_EACH(i, 4) {
        x[i] = (ft_v8)_mm256_inserti128_si256(_mm256_castsi128_si256((__m128i)*rows[i]), (__m128i)*rows[i + 4], 1);
    }
    ft_transpose_halves(x, y);
}

#define FT_LANES 8
#define FT_LANES_TARGET FT_LANES8_TARGET
#include "salsa20_width.h"
#undef FT_LANES
#undef FT_LANES_TARGET
#endif

#endif
