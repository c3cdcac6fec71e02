/* The AVX-512 intrinsics that the kernels use, by SIMDe and, where it has none, in plain C; the rest is the compiler's. */
#ifndef EMULATED_IMMINTRIN_H
#define EMULATED_IMMINTRIN_H

#include_next <immintrin.h>

#include <simde/x86/avx512.h>
#include <simde/x86/clmul.h>
#include <string.h>

#define __m512i simde__m512i
#define __mmask8 simde__mmask8
#define __mmask16 simde__mmask16
#define __mmask64 simde__mmask64

#define EACH_BLOCK(name, instruction)                                  \
    static inline __m512i name(__m512i v, __m512i key) {               \
        __m128i blocks[4], keys[4];                                    \
        int i;                                                         \
        memcpy(blocks, &v, 64);                                        \
        memcpy(keys, &key, 64);                                        \
        for (i = 0; i < 4; i++) blocks[i] = instruction(blocks[i], keys[i]); \
        memcpy(&v, blocks, 64);                                        \
        return v;                                                      \
    }
EACH_BLOCK(emulated_aesenc, _mm_aesenc_si128)
EACH_BLOCK(emulated_aesenclast, _mm_aesenclast_si128)
EACH_BLOCK(emulated_aesdec, _mm_aesdec_si128)
EACH_BLOCK(emulated_aesdeclast, _mm_aesdeclast_si128)

/* c + the low or the high 52 bits of the 104-bit product of a and b. */
static inline __m512i emulated_madd52(__m512i c, __m512i a, __m512i b, int high) {
    const unsigned long long mask = ((unsigned long long)1 << 52) - 1;
    unsigned long long x[8], y[8], z[8];
    int i;
    memcpy(x, &a, 64);
    memcpy(y, &b, 64);
    memcpy(z, &c, 64);
    for (i = 0; i < 8; i++) {
        __extension__ unsigned __int128 product = (unsigned __int128)(x[i] & mask) * (y[i] & mask);
        z[i] += (unsigned long long)(high ? product >> 52 : product & mask);
    }
    memcpy(&c, z, 64);
    return c;
}

static inline __m512i emulated_masked_load(__mmask64 mask, const void *p) {
    unsigned char bytes[64] = {0};
    __m512i v;
    int i;
    for (i = 0; i < 64; i++)
        if (mask >> i & 1) bytes[i] = ((const unsigned char *)p)[i];
    memcpy(&v, bytes, 64);
    return v;
}

static inline void emulated_masked_store(void *p, __mmask64 mask, __m512i v) {
    unsigned char bytes[64];
    int i;
    memcpy(bytes, &v, 64);
    for (i = 0; i < 64; i++)
        if (mask >> i & 1) ((unsigned char *)p)[i] = bytes[i];
}

static inline long long emulated_reduce_add(__m512i v) {
    unsigned long long words[8], sum = 0;
    int i;
    memcpy(words, &v, 64);
    for (i = 0; i < 8; i++) sum += words[i];
    return (long long)sum;
}

static inline __m512i emulated_shuffle32(__m512i v, int order) {
    unsigned int from[16], to[16];
    int i;
    memcpy(from, &v, 64);
    for (i = 0; i < 16; i++) to[i] = from[(i & 12) | (order >> (2 * (i & 3)) & 3)];
    memcpy(&v, to, 64);
    return v;
}

#undef _mm512_add_epi32
#define _mm512_add_epi32 simde_mm512_add_epi32
#undef _mm512_add_epi64
#define _mm512_add_epi64 simde_mm512_add_epi64
#undef _mm512_and_si512
#define _mm512_and_si512 simde_mm512_and_si512
#undef _mm512_broadcast_i32x4
#define _mm512_broadcast_i32x4 simde_mm512_broadcast_i32x4
#undef _mm512_castsi512_si256
#define _mm512_castsi512_si256 simde_mm512_castsi512_si256
#undef _mm512_clmulepi64_epi128
#define _mm512_clmulepi64_epi128 simde_mm512_clmulepi64_epi128
#undef _mm512_extracti64x4_epi64
#define _mm512_extracti64x4_epi64 simde_mm512_extracti64x4_epi64
#undef _mm512_loadu_si512
#define _mm512_loadu_si512 simde_mm512_loadu_si512
#undef _mm512_mask_add_epi64
#define _mm512_mask_add_epi64 simde_mm512_mask_add_epi64
#undef _mm512_mask_blend_epi32
#define _mm512_mask_blend_epi32 simde_mm512_mask_blend_epi32
#undef _mm512_mask_blend_epi64
#define _mm512_mask_blend_epi64 simde_mm512_mask_blend_epi64
#undef _mm512_mask_permutexvar_epi32
#define _mm512_mask_permutexvar_epi32 simde_mm512_mask_permutexvar_epi32
#undef _mm512_mask_set1_epi8
#define _mm512_mask_set1_epi8 simde_mm512_mask_set1_epi8
#undef _mm512_maskz_set1_epi32
#define _mm512_maskz_set1_epi32 simde_mm512_maskz_set1_epi32
#undef _mm512_or_si512
#define _mm512_or_si512 simde_mm512_or_si512
#undef _mm512_permutexvar_epi64
#define _mm512_permutexvar_epi64 simde_mm512_permutexvar_epi64
#undef _mm512_rol_epi32
#define _mm512_rol_epi32 simde_mm512_rol_epi32
#undef _mm512_set1_epi64
#define _mm512_set1_epi64 simde_mm512_set1_epi64
#undef _mm512_setr_epi32
#define _mm512_setr_epi32 simde_mm512_setr_epi32
#undef _mm512_setzero_si512
#define _mm512_setzero_si512 simde_mm512_setzero_si512
#undef _mm512_shuffle_epi8
#define _mm512_shuffle_epi8 simde_mm512_shuffle_epi8
#undef _mm512_shuffle_i32x4
#define _mm512_shuffle_i32x4 simde_mm512_shuffle_i32x4
#undef _mm512_slli_epi64
#define _mm512_slli_epi64 simde_mm512_slli_epi64
#undef _mm512_srli_epi64
#define _mm512_srli_epi64 simde_mm512_srli_epi64
#undef _mm512_storeu_si512
#define _mm512_storeu_si512 simde_mm512_storeu_si512
#undef _mm512_unpackhi_epi64
#define _mm512_unpackhi_epi64 simde_mm512_unpackhi_epi64
#undef _mm512_unpacklo_epi64
#define _mm512_unpacklo_epi64 simde_mm512_unpacklo_epi64
#undef _mm512_xor_si512
#define _mm512_xor_si512 simde_mm512_xor_si512
#undef _mm512_aesdec_epi128
#define _mm512_aesdec_epi128 emulated_aesdec
#undef _mm512_aesdeclast_epi128
#define _mm512_aesdeclast_epi128 emulated_aesdeclast
#undef _mm512_aesenc_epi128
#define _mm512_aesenc_epi128 emulated_aesenc
#undef _mm512_aesenclast_epi128
#define _mm512_aesenclast_epi128 emulated_aesenclast
#undef _mm512_madd52hi_epu64
#define _mm512_madd52hi_epu64(c, a, b) emulated_madd52(c, a, b, 1)
#undef _mm512_madd52lo_epu64
#define _mm512_madd52lo_epu64(c, a, b) emulated_madd52(c, a, b, 0)
#undef _mm512_mask_storeu_epi8
#define _mm512_mask_storeu_epi8 emulated_masked_store
#undef _mm512_maskz_loadu_epi8
#define _mm512_maskz_loadu_epi8 emulated_masked_load
#undef _mm512_reduce_add_epi64
#define _mm512_reduce_add_epi64 emulated_reduce_add
#undef _mm512_shuffle_epi32
#define _mm512_shuffle_epi32(v, order) emulated_shuffle32(v, (int)(order))
#endif
