/* AES-GMAC-SIV's operations on 256-bit registers: VAES and VPCLMULQDQ without AVX-512, two blocks at a time. */
#ifndef FASTZT_SIV_VAES256_H
#define FASTZT_SIV_VAES256_H

#include "siv_fast.h"

#ifdef FT_X86
#define FT_VAES256_TARGET FT_TARGET("avx2,vaes,vpclmulqdq,aes,pclmul")

typedef __m256i ft_reg_y;
#define ft_load_y(p) _mm256_loadu_si256((const __m256i *)(p))
#define ft_store_y(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define ft_key_y(p) _mm256_broadcastsi128_si256(ft_load_x(p))
#define ft_xor_y _mm256_xor_si256
#define ft_add_y _mm256_add_epi32
#define ft_halves_y(x) _mm256_shuffle_epi32(x, 0x4e)
#define ft_aes_begin_y(v, schedule) ft_xor_y(v, ft_key_y(schedule))
#define ft_aes_key_y ft_aes_key_x
#define ft_aes_round_y _mm256_aesenc_epi128
#define ft_aes_end_y(v, schedule) _mm256_aesenclast_epi128(v, ft_key_y((schedule) + 224))
#define ft_counters_y(n) _mm256_set_epi32(0, 0, 0, n, 0, 0, 0, n)

FT_VAES256_TARGET FT_INLINE __m256i ft_swap_y(__m256i v) {
    const __m128i places = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(places));
}

FT_VAES256_TARGET FT_INLINE __m256i ft_first_counter_y(const unsigned char *counter) {
    __m256i both = ft_swap_y(_mm256_broadcastsi128_si256(ft_load_x(counter)));
    return _mm256_add_epi32(both, _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0));
}

/* The end of a message, 0 < n < 32 bytes, each block byte-reversed; the 16 bytes before q + n are readable. */
FT_VAES256_TARGET FT_INLINE __m256i ft_end_y(const unsigned char *q, size_t n) {
    const __m256i zero = _mm256_setzero_si256();
    if (n < 16) return _mm256_inserti128_si256(zero, ft_end_x(q, n), 0);
    if (n == 16) return _mm256_inserti128_si256(zero, ft_swap_x(ft_load_x(q)), 0);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(ft_swap_x(ft_load_x(q))), ft_end_x(q + 16, n - 16), 1);
}

typedef struct {
    __m256i low, high, middle;
} ft_sum_y;

/* sum += x power[j] and power[j + 1]. */
FT_VAES256_TARGET FT_INLINE void ft_sum_add_y(ft_sum_y *sum, const ft_siv_fast *s, size_t j, __m256i x) {
    __m256i power = ft_load_y(s->powers + 16 * j), folded = ft_load_y(s->folded + 16 * j);
    sum->low = ft_xor_y(sum->low, _mm256_clmulepi64_epi128(x, power, 0));
    sum->high = ft_xor_y(sum->high, _mm256_clmulepi64_epi128(x, power, 0x11));
    sum->middle = ft_xor_y(sum->middle, _mm256_clmulepi64_epi128(ft_xor_y(x, ft_halves_y(x)), folded, 0));
}

#define FT_FOLD(v) _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1))
#define ft_sum_fold_y(sum) \
    (ft_sum_x) { FT_FOLD((sum)->low), FT_FOLD((sum)->high), FT_FOLD((sum)->middle) }
#define FT_WIDEN(v) _mm256_inserti128_si256(_mm256_setzero_si256(), v, 0)
#define ft_sum_widen_y(sum) \
    (ft_sum_y) { FT_WIDEN((sum)->low), FT_WIDEN((sum)->high), FT_WIDEN((sum)->middle) }

#define FT_W(name) FT_JOIN(name, _y)
#define FT_PER 2
#define FT_REG(name) FT_JOIN(name, _vaes256)
#define FT_REG_TARGET FT_VAES256_TARGET
#include "siv_width.h"
#undef FT_W
#undef FT_PER
#undef FT_REG
#undef FT_REG_TARGET

static const ft_siv_ops ft_siv_vaes256 = {ft_fast_init, ft_fast_blocks,
                                            ft_hash_vaes256, ft_ctr_vaes256, ft_both_vaes256};
#endif

#endif
