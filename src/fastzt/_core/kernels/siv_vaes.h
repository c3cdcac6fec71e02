/* AES-GMAC-SIV's operations on 512-bit registers: VAES and VPCLMULQDQ, four blocks at a time (see siv_fast.h). */
#ifndef FASTZT_SIV_VAES_H
#define FASTZT_SIV_VAES_H

#include "siv_fast.h"

#ifdef FT_X86
#define FT_VAES_TARGET FT_TARGET("avx512f,avx512bw,avx512vl,avx512dq,vaes,vpclmulqdq,aes,pclmul")

FT_VAES_TARGET FT_INLINE __m512i ft_vaes_swap(__m512i v) {
    return _mm512_shuffle_epi8(
        v, _mm512_broadcast_i32x4(_mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));
}

FT_VAES_TARGET FT_INLINE __m512i ft_vaes_key(const unsigned char *schedule, int round) {
    return _mm512_broadcast_i32x4(ft_load_x(schedule + 16 * round));
}

FT_VAES_TARGET FT_INLINE __mmask64 ft_vaes_mask(size_t n) {
    return n >= 64 ? ~(__mmask64)0 : (((__mmask64)1 << n) - 1);
}

FT_VAES_TARGET FT_INLINE void ft_vaes_encrypt(const unsigned char *schedule, __m512i *b, const int count) {
    __m512i key = ft_vaes_key(schedule, 0);
    int round, i;
    _Pragma("GCC unroll 12") for (i = 0; i < count; i++) b[i] = _mm512_xor_si512(b[i], key);
    for (round = 1; round < 14; round++) {
        key = ft_vaes_key(schedule, round);
        _Pragma("GCC unroll 12") for (i = 0; i < count; i++) b[i] = _mm512_aesenc_epi128(b[i], key);
    }
    key = ft_vaes_key(schedule, 14);
    _Pragma("GCC unroll 12") for (i = 0; i < count; i++) b[i] = _mm512_aesenclast_epi128(b[i], key);
}

FT_VAES_TARGET FT_INLINE void ft_vaes_decrypt(const unsigned char *schedule, __m512i *b, const int count) {
    __m512i key = ft_vaes_key(schedule, 0);
    int round, i;
    _Pragma("GCC unroll 12") for (i = 0; i < count; i++) b[i] = _mm512_xor_si512(b[i], key);
    for (round = 1; round < 14; round++) {
        key = ft_vaes_key(schedule, round);
        _Pragma("GCC unroll 12") for (i = 0; i < count; i++) b[i] = _mm512_aesdec_epi128(b[i], key);
    }
    key = ft_vaes_key(schedule, 14);
    _Pragma("GCC unroll 12") for (i = 0; i < count; i++) b[i] = _mm512_aesdeclast_epi128(b[i], key);
}

/* Sixteen blocks side by side. */
FT_VAES_TARGET static void ft_vaes_blocks(const ft_siv_key *s, int which, unsigned char *blocks, size_t count) {
    __m512i b[4];
    int i;
    if (count == 1) {
        ft_fast_blocks(s, which, blocks, count);
        return;
    }
    while (count > 0) {
        size_t n = count < 16 ? count : 16;
        for (i = 0; i < 4; i++) {
            size_t at = (size_t)(64 * i);
            b[i] = _mm512_maskz_loadu_epi8(at < 16 * n ? ft_vaes_mask(16 * n - at) : 0, blocks + at);
        }
        if (which == FT_DECRYPT1)
            ft_vaes_decrypt(s->fast.inverse1, b, 4);
        else
            ft_vaes_encrypt(which == FT_ENCRYPT0 ? s->fast.key0 : s->fast.key1, b, 4);
        for (i = 0; i < 4; i++) {
            size_t at = (size_t)(64 * i);
            _mm512_mask_storeu_epi8(blocks + at, at < 16 * n ? ft_vaes_mask(16 * n - at) : 0, b[i]);
        }
        blocks += 16 * n;
        count -= n;
    }
}

/* 64 `regs` bytes or fewer of counter mode; returns the counters that follow. */
FT_VAES_TARGET FT_INLINE __m512i ft_vaes_pass(const unsigned char *schedule, __m512i next, unsigned char *p, size_t n,
                                              const int regs) {
    const __m512i four = _mm512_maskz_set1_epi32(0x1111, 4);
    __m512i b[11];
    int i;
    _Pragma("GCC unroll 12") for (i = 0; i < regs; i++) {
        b[i] = ft_vaes_swap(next);
        next = _mm512_add_epi32(next, four);
    }
    ft_vaes_encrypt(schedule, b, regs);
    _Pragma("GCC unroll 12") for (i = 0; i < regs; i++) {
        size_t at = (size_t)(64 * i);
        if (n >= at + 64) {
            _mm512_storeu_si512(p + at, _mm512_xor_si512(b[i], _mm512_loadu_si512(p + at)));
        } else if (n > at) {
            __mmask64 mask = ft_vaes_mask(n - at);
            _mm512_mask_storeu_epi8(p + at, mask, _mm512_xor_si512(b[i], _mm512_maskz_loadu_epi8(mask, p + at)));
        }
    }
    return next;
}

FT_VAES_TARGET static void ft_vaes_ctr(const ft_siv_key *key, const unsigned char *counter, unsigned char *p,
                                       size_t n) {
    const unsigned char *schedule = key->fast.key1;
    const __m512i places = _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
    __m512i next = _mm512_add_epi32(ft_vaes_swap(_mm512_broadcast_i32x4(ft_load_x(counter))), places);
    while (n > 256) {
        size_t step = n < 704 ? n : 704;
        next = ft_vaes_pass(schedule, next, p, step, 11);
        p += step;
        n -= step;
    }
    if (n > 64)
        ft_vaes_pass(schedule, next, p, n, 4);
    else if (n > 0)
        ft_vaes_pass(schedule, next, p, n, 1);
}

typedef struct {
    __m512i low, high, middle;
} ft_vaes_sum;

FT_VAES_TARGET FT_INLINE void ft_vaes_add(ft_vaes_sum *sum, const ft_siv_fast *s, size_t j, __m512i x) {
    __m512i power = _mm512_loadu_si512(s->powers + 16 * j), folded = _mm512_loadu_si512(s->folded + 16 * j);
    sum->low = _mm512_xor_si512(sum->low, _mm512_clmulepi64_epi128(x, power, 0));
    sum->high = _mm512_xor_si512(sum->high, _mm512_clmulepi64_epi128(x, power, 0x11));
    x = _mm512_xor_si512(x, _mm512_shuffle_epi32(x, _MM_PERM_BADC));
    sum->middle = _mm512_xor_si512(sum->middle, _mm512_clmulepi64_epi128(x, folded, 0));
}

FT_VAES_TARGET FT_INLINE __m128i ft_vaes_fold(__m512i v) {
    __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* At most as many blocks as there are powers: head, body and lengths in one sum. */
FT_VAES_TARGET static void ft_vaes_ghash_short(const ft_siv_fast *s, const unsigned char *head,
                                               const unsigned char *body, size_t n, unsigned char *out) {
    size_t total = n + 16, j = FT_POWERS - 2 - (n + 15) / 16;
    ft_vaes_sum sum, other;
    ft_sum_x one = ft_sum_zero_x();
    ft_sum_add_x(&one, s, j++, ft_header_x(head));
    ft_sum_add_x(&one, s, FT_POWERS - 1, ft_length_x(total));
    sum.low = sum.high = sum.middle = other.low = other.high = other.middle = _mm512_setzero_si512();
    for (; n >= 128; body += 128, n -= 128, j += 8) {
        ft_vaes_add(&sum, s, j, ft_vaes_swap(_mm512_loadu_si512(body)));
        ft_vaes_add(&other, s, j + 4, ft_vaes_swap(_mm512_loadu_si512(body + 64)));
    }
    if (n >= 64) {
        ft_vaes_add(&sum, s, j, ft_vaes_swap(_mm512_loadu_si512(body)));
        body += 64;
        n -= 64;
        j += 4;
    }
    if (n > 0) {
        /* Lanes without a block are zero; the powers that they meet are masked off, the table ends there. */
        size_t bytes = 16 * ((n + 15) / 16);
        __m512i x = ft_vaes_swap(_mm512_maskz_loadu_epi8(ft_vaes_mask(n), body));
        __m512i power = _mm512_maskz_loadu_epi8(ft_vaes_mask(bytes), s->powers + 16 * j);
        __m512i folded = _mm512_maskz_loadu_epi8(ft_vaes_mask(bytes), s->folded + 16 * j);
        other.low = _mm512_xor_si512(other.low, _mm512_clmulepi64_epi128(x, power, 0));
        other.high = _mm512_xor_si512(other.high, _mm512_clmulepi64_epi128(x, power, 0x11));
        x = _mm512_xor_si512(x, _mm512_shuffle_epi32(x, _MM_PERM_BADC));
        other.middle = _mm512_xor_si512(other.middle, _mm512_clmulepi64_epi128(x, folded, 0));
    }
    one.low = _mm_xor_si128(one.low, ft_vaes_fold(_mm512_xor_si512(sum.low, other.low)));
    one.high = _mm_xor_si128(one.high, ft_vaes_fold(_mm512_xor_si512(sum.high, other.high)));
    one.middle = _mm_xor_si128(one.middle, ft_vaes_fold(_mm512_xor_si512(sum.middle, other.middle)));
    ft_store_x(out, ft_swap_x(ft_reduce_x(&one)));
}

FT_VAES_TARGET static void ft_vaes_ghash(const ft_siv_key *key, const unsigned char *head, const unsigned char *body,
                                         size_t n, unsigned char *out) {
    if (head == NULL || (n + 15) / 16 + 2 > FT_POWERS)
        ft_long_hash(key, head, body, n, out);
    else
        ft_vaes_ghash_short(&key->fast, head, body, n, out);
}

static const ft_siv_ops ft_siv_vaes = {ft_fast_init, ft_vaes_blocks, ft_vaes_ghash, ft_vaes_ctr, NULL};
#endif

#endif
