/* AES-GMAC-SIV's operations by AES-NI and PCLMULQDQ.
 *
 * GHASH runs as POLYVAL (RFC 8452 appendix A): blocks byte-reversed, the hash key multiplied by x once, so products
 * need no shift. Powers of the key stand in descending order: of n blocks, block j meets power n - j, products are
 * summed (Karatsuba, three a block) and reduced once. */
#ifndef FASTZT_SIV_AESNI_H
#define FASTZT_SIV_AESNI_H

#include "aes_bitsliced.h"
#include "session.h"

#ifdef FT_X86
#define FT_NI_TARGET FT_TARGET("aes,pclmul,ssse3,sse4.1")
#define FT_LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define FT_STORE(p, v) _mm_storeu_si128((__m128i *)(p), v)

FT_NI_TARGET FT_INLINE __m128i ft_ni_swap(__m128i v) {
    return _mm_shuffle_epi8(v, _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}

/* (high x^128 + low) / x^128 modulo x^128 + x^127 + x^126 + x^121 + 1. */
FT_NI_TARGET FT_INLINE __m128i ft_ni_reduce(__m128i low, __m128i high, __m128i middle) {
    const __m128i poly = _mm_set_epi64x(0, (long long)0xc200000000000000ULL);
    middle = _mm_xor_si128(middle, _mm_xor_si128(low, high));
    low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, poly, 0));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, poly, 0));
    return _mm_xor_si128(high, low);
}

FT_NI_TARGET static __m128i ft_ni_multiply(__m128i a, __m128i b) {
    __m128i x = _mm_xor_si128(a, _mm_shuffle_epi32(a, 0x4e)), y = _mm_xor_si128(b, _mm_shuffle_epi32(b, 0x4e));
    return ft_ni_reduce(_mm_clmulepi64_si128(a, b, 0), _mm_clmulepi64_si128(a, b, 0x11),
                        _mm_clmulepi64_si128(x, y, 0));
}

FT_NI_TARGET FT_INLINE void ft_ni_encrypt(const unsigned char *schedule, __m128i *b, const int count) {
    __m128i key = FT_LOAD(schedule);
    int round, i;
    for (i = 0; i < count; i++) b[i] = _mm_xor_si128(b[i], key);
    for (round = 1; round < 14; round++) {
        key = FT_LOAD(schedule + 16 * round);
        for (i = 0; i < count; i++) b[i] = _mm_aesenc_si128(b[i], key);
    }
    key = FT_LOAD(schedule + 224);
    for (i = 0; i < count; i++) b[i] = _mm_aesenclast_si128(b[i], key);
}

FT_NI_TARGET FT_INLINE void ft_ni_decrypt(const unsigned char *schedule, __m128i *b, const int count) {
    __m128i key = FT_LOAD(schedule);
    int round, i;
    for (i = 0; i < count; i++) b[i] = _mm_xor_si128(b[i], key);
    for (round = 1; round < 14; round++) {
        key = FT_LOAD(schedule + 16 * round);
        for (i = 0; i < count; i++) b[i] = _mm_aesdec_si128(b[i], key);
    }
    key = FT_LOAD(schedule + 224);
    for (i = 0; i < count; i++) b[i] = _mm_aesdeclast_si128(b[i], key);
}

FT_NI_TARGET static void ft_ni_blocks(const ft_siv_key *s, int which, unsigned char *blocks, size_t count) {
    const unsigned char *schedule = which == FT_ENCRYPT0 ? s->fast.key0 : s->fast.key1;
    __m128i b[8];
    while (count > 0) {
        size_t i, n = count < 8 ? count : 8;
        for (i = 0; i < 8; i++) b[i] = FT_LOAD(blocks + 16 * (i < n ? i : 0));
        if (which == FT_DECRYPT1)
            ft_ni_decrypt(s->fast.inverse1, b, 8);
        else
            ft_ni_encrypt(schedule, b, 8);
        for (i = 0; i < n; i++) FT_STORE(blocks + 16 * i, b[i]);
        blocks += 16 * n;
        count -= n;
    }
}

/* The hash key times x, then its powers from the highest down. */
FT_NI_TARGET static void ft_ni_powers(ft_siv_fast *s) {
    unsigned char block[16];
    uint64_t low, high, carry;
    __m128i h, power;
    int i;
    FT_STORE(block, _mm_setzero_si128());
    power = _mm_setzero_si128();
    ft_ni_encrypt(s->key0, &power, 1);
    FT_STORE(block, power);
    high = ft_be64(block);
    low = ft_be64(block + 8);
    carry = 0 - (high >> 63);
    high = ((high << 1) | (low >> 63)) ^ (carry & 0xc200000000000000ULL);
    low = (low << 1) ^ (carry & 1);
    h = power = _mm_set_epi64x((long long)high, (long long)low);
    for (i = FT_POWERS - 1; i >= 0; i--) {
        FT_STORE(s->powers + 16 * i, power);
        FT_STORE(s->folded + 16 * i, _mm_xor_si128(power, _mm_shuffle_epi32(power, 0x4e)));
        power = ft_ni_multiply(power, h);
    }
    ft_wipe(block, sizeof block);
}

FT_NI_TARGET static void ft_ni_init(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1) {
    int i;
    ft_aes256_expand(s->fast.key0, k0);
    ft_aes256_expand(s->fast.key1, k1);
    for (i = 0; i < 15; i++) {
        __m128i key = FT_LOAD(s->fast.key1 + 16 * (14 - i));
        FT_STORE(s->fast.inverse1 + 16 * i, i == 0 || i == 14 ? key : _mm_aesimc_si128(key));
    }
    ft_ni_powers(&s->fast);
}

typedef struct {
    __m128i low, high, middle;
} ft_ni_sum;

/* sum += x power[j]; x is byte-reversed. */
FT_NI_TARGET FT_INLINE void ft_ni_add(ft_ni_sum *sum, const ft_siv_fast *s, size_t j, __m128i x) {
    __m128i power = FT_LOAD(s->powers + 16 * j), folded = FT_LOAD(s->folded + 16 * j);
    sum->low = _mm_xor_si128(sum->low, _mm_clmulepi64_si128(x, power, 0));
    sum->high = _mm_xor_si128(sum->high, _mm_clmulepi64_si128(x, power, 0x11));
    x = _mm_xor_si128(x, _mm_shuffle_epi32(x, 0x4e));
    sum->middle = _mm_xor_si128(sum->middle, _mm_clmulepi64_si128(x, folded, 0));
}

/* More blocks than powers: the sum so far, reduced, goes into the next block, which meets the highest power. */
FT_NI_TARGET FT_INLINE __m128i ft_ni_wrap(ft_ni_sum *sum, size_t *j) {
    __m128i y = ft_ni_reduce(sum->low, sum->high, sum->middle);
    sum->low = sum->high = sum->middle = _mm_setzero_si128();
    *j = 0;
    return y;
}

FT_NI_TARGET FT_INLINE void ft_ni_feed(ft_ni_sum *sum, const ft_siv_fast *s, size_t *j, __m128i x) {
    if (*j == FT_POWERS) x = _mm_xor_si128(x, ft_ni_wrap(sum, j));
    ft_ni_add(sum, s, (*j)++, x);
}

FT_NI_TARGET FT_INLINE __m128i ft_ni_partial(const unsigned char *p, size_t n) {
    unsigned char last[16] = {0};
    memcpy(last, p, n);
    return FT_LOAD(last);
}

FT_NI_TARGET static void ft_ni_ghash(const ft_siv_key *key, const unsigned char *head, const unsigned char *body,
                                     size_t n, unsigned char *out) {
    const ft_siv_fast *s = &key->fast;
    size_t blocks = (head != NULL) + (n + 15) / 16 + 1, total = n + (head != NULL ? 16 : 0);
    size_t j = (FT_POWERS - blocks % FT_POWERS) % FT_POWERS;
    ft_ni_sum sum;
    sum.low = sum.high = sum.middle = _mm_setzero_si128();
    if (head != NULL) ft_ni_feed(&sum, s, &j, ft_ni_swap(FT_LOAD(head)));
    for (; n >= 16; body += 16, n -= 16) ft_ni_feed(&sum, s, &j, ft_ni_swap(FT_LOAD(body)));
    if (n > 0) ft_ni_feed(&sum, s, &j, ft_ni_swap(ft_ni_partial(body, n)));
    ft_ni_feed(&sum, s, &j, _mm_set_epi64x((long long)total * 8, 0));
    FT_STORE(out, ft_ni_swap(ft_ni_reduce(sum.low, sum.high, sum.middle)));
}

/* Counter mode whose low 32 bits do not wrap. */
FT_NI_TARGET static void ft_ni_ctr(const ft_siv_key *key, const unsigned char *counter, unsigned char *p, size_t n) {
    const unsigned char *schedule = key->fast.key1;
    __m128i next = ft_ni_swap(FT_LOAD(counter)), b[8];
    const __m128i one = _mm_set_epi32(0, 0, 0, 1);
    int i;
    while (n > 0) {
        size_t step = n < 128 ? n : 128, at;
        for (i = 0; i < 8; i++) {
            b[i] = ft_ni_swap(next);
            next = _mm_add_epi32(next, one);
        }
        ft_ni_encrypt(schedule, b, 8);
        if (step == 128) {
            for (i = 0; i < 8; i++) FT_STORE(p + 16 * i, _mm_xor_si128(b[i], FT_LOAD(p + 16 * i)));
        } else {
            unsigned char stream[128];
            for (i = 0; i < 8; i++) FT_STORE(stream + 16 * i, b[i]);
            for (at = 0; at + 16 <= step; at += 16) FT_STORE(p + at, _mm_xor_si128(FT_LOAD(stream + at), FT_LOAD(p + at)));
            for (; at < step; at++) p[at] ^= stream[at];
        }
        p += step;
        n -= step;
    }
}

static const ft_siv_ops ft_siv_aesni = {ft_ni_init, ft_ni_blocks, ft_ni_ghash, ft_ni_ctr};
#endif

#endif
