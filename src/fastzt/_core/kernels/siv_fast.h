/* AES-GMAC-SIV's operations by AES and carry-less multiply instructions.
 *
 * GHASH runs as POLYVAL (RFC 8452 appendix A): blocks byte-reversed, the hash key multiplied by x once, so products
 * need no shift. Powers of the key stand in descending order: of n blocks, block j meets power n - j, products are
 * summed (Karatsuba, three a block) and reduced once. */
#ifndef FASTZT_SIV_FAST_H
#define FASTZT_SIV_FAST_H

#include "aes_bitsliced.h"
#include "session.h"
#include "siv_arm.h"
#include "siv_x86.h"

#ifdef FT_AES
typedef struct {
    ft_reg_x low, high, middle;
} ft_sum_x;

#define ft_sum_fold_x(sum) *(sum)
#define ft_sum_widen_x(sum) *(sum)
#define ft_first_counter_x(counter) ft_swap_x(ft_load_x(counter))

FT_AES_TARGET FT_INLINE ft_reg_x ft_swap_x(ft_reg_x v) {
    static const unsigned char places[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    return ft_places_x(v, ft_load_x(places));
}

/* (high x^128 + low) / x^128 modulo x^128 + x^127 + x^126 + x^121 + 1. */
FT_AES_TARGET FT_INLINE ft_reg_x ft_reduce_x(const ft_sum_x *sum) {
    const ft_reg_x poly = ft_pair_x(0, 0xc200000000000000ULL);
    ft_reg_x middle = ft_xor_x(sum->middle, ft_xor_x(sum->low, sum->high));
    ft_reg_x low = ft_xor_x(sum->low, ft_up_x(middle)), high = ft_xor_x(sum->high, ft_down_x(middle));
    low = ft_xor_x(ft_halves_x(low), ft_clmul_x(low, poly, 0));
    low = ft_xor_x(ft_halves_x(low), ft_clmul_x(low, poly, 0));
    return ft_xor_x(high, low);
}

FT_AES_TARGET FT_INLINE ft_sum_x ft_sum_zero_x(void) {
    ft_sum_x sum;
    sum.low = sum.high = sum.middle = ft_zero_x();
    return sum;
}

/* sum += x power[j]; x is byte-reversed. */
FT_AES_TARGET FT_INLINE void ft_sum_add_x(ft_sum_x *sum, const ft_siv_fast *s, size_t j, ft_reg_x x) {
    ft_reg_x power = ft_load_x(s->powers + 16 * j), folded = ft_load_x(s->folded + 16 * j);
    sum->low = ft_xor_x(sum->low, ft_clmul_x(x, power, 0));
    sum->high = ft_xor_x(sum->high, ft_clmul_x(x, power, 0x11));
    sum->middle = ft_xor_x(sum->middle, ft_clmul_x(ft_xor_x(x, ft_halves_x(x)), folded, 0));
}

/* The block that ends GHASH: the length in bits, all of it as additional data. */
FT_AES_TARGET FT_INLINE ft_reg_x ft_length_x(size_t total) { return ft_pair_x((uint64_t)total * 8, 0); }

/* The last block of a message, 0 < n < 16 bytes, byte-reversed; the 16 bytes before q + n are readable. */
FT_AES_TARGET FT_INLINE ft_reg_x ft_end_x(const unsigned char *q, size_t n) {
    static const unsigned char places[32] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                             0x80, 0x80, 0x80, 0x80, 0x80, 15,   14,   13,   12,   11,   10,
                                             9,    8,    7,    6,    5,    4,    3,    2,    1,    0};
    return ft_places_x(ft_load_x(q + n - 16), ft_load_x(places + n));
}

/* The authenticated bytes of a header from its byte 8 on, byte-reversed: addresses and flags without hops. */
FT_AES_TARGET FT_INLINE ft_reg_x ft_header_x(const unsigned char *head) {
    static const unsigned char mask[16] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0xf8};
    return ft_swap_x(ft_and_x(ft_load_x(head), ft_load_x(mask)));
}

/* p ^= stream for n < 32 bytes. */
FT_INLINE void ft_xor_short(const unsigned char *stream, unsigned char *p, size_t n) {
    size_t i = 0;
    uint64_t a, b;
    for (; i + 8 <= n; i += 8) {
        memcpy(&a, stream + i, 8);
        memcpy(&b, p + i, 8);
        a ^= b;
        memcpy(p + i, &a, 8);
    }
    for (; i < n; i++) p[i] ^= stream[i];
}

/* More blocks than powers: the sum so far, reduced, goes into the next block, which meets the highest power. */
FT_AES_TARGET FT_INLINE void ft_long_add(ft_sum_x *sum, const ft_siv_fast *s, size_t *j, ft_reg_x x) {
    if (*j == FT_POWERS) {
        x = ft_xor_x(x, ft_reduce_x(sum));
        *sum = ft_sum_zero_x();
        *j = 0;
    }
    ft_sum_add_x(sum, s, (*j)++, x);
}

/* GHASH of any length, with a header or none, of memory of which only the message need be readable. */
FT_AES_TARGET static void ft_long_hash(const ft_siv_key *key, const unsigned char *head, const unsigned char *body,
                                       size_t n, unsigned char *out) {
    const ft_siv_fast *s = &key->fast;
    size_t blocks = (head != NULL) + (n + 15) / 16 + 1, total = n + (head != NULL ? 16 : 0);
    size_t j = (FT_POWERS - blocks % FT_POWERS) % FT_POWERS;
    ft_sum_x sum = ft_sum_zero_x();
    if (head != NULL) ft_long_add(&sum, s, &j, ft_header_x(head));
    for (; n >= 16; body += 16, n -= 16) ft_long_add(&sum, s, &j, ft_swap_x(ft_load_x(body)));
    if (n > 0) {
        unsigned char last[16] = {0};
        memcpy(last, body, n);
        ft_long_add(&sum, s, &j, ft_swap_x(ft_load_x(last)));
    }
    ft_long_add(&sum, s, &j, ft_length_x(total));
    ft_store_x(out, ft_swap_x(ft_reduce_x(&sum)));
}

/* `count` blocks at once; the loop over them must be unrolled. */
FT_AES_TARGET FT_INLINE void ft_blocks_x(const ft_siv_fast *s, int which, unsigned char *blocks, const int count) {
    const unsigned char *schedule = which == FT_ENCRYPT0 ? s->key0 : which == FT_ENCRYPT1 ? s->key1 : s->inverse1;
    ft_reg_x b[8], key;
    int round, i;
    FT_EACH(i, count) b[i] = ft_aes_begin_x(ft_load_x(blocks + 16 * i), schedule);
    for (round = 0; round < 13; round++) {
        key = ft_key_x(schedule + ft_aes_key_x(round));
        if (which == FT_DECRYPT1) {
            FT_EACH(i, count) b[i] = ft_unaes_round_x(b[i], key);
        } else {
            FT_EACH(i, count) b[i] = ft_aes_round_x(b[i], key);
        }
    }
    FT_EACH(i, count) {
        ft_store_x(blocks + 16 * i,
                   which == FT_DECRYPT1 ? ft_unaes_end_x(b[i], schedule) : ft_aes_end_x(b[i], schedule));
    }
}

/* Encrypt an (iv, tag) under K1; counter mode starts there without the top bit of its last 32. */
FT_AES_TARGET FT_INLINE void ft_wrap_x(const ft_siv_fast *s, unsigned char *t, unsigned char *counter) {
    ft_blocks_x(s, FT_ENCRYPT1, t, 1);
    ft_store_x(counter, ft_and_x(ft_load_x(t), ft_pair_x(~((uint64_t)0x80 << 32), ~(uint64_t)0)));
}

FT_AES_TARGET static void ft_fast_blocks(const ft_siv_key *s, int which, unsigned char *blocks, size_t count) {
    for (; count >= 8; blocks += 128, count -= 8) ft_blocks_x(&s->fast, which, blocks, 8);
    for (; count >= 3; blocks += 48, count -= 3) ft_blocks_x(&s->fast, which, blocks, 3);
    for (; count > 0; blocks += 16, count--) ft_blocks_x(&s->fast, which, blocks, 1);
}

/* The hash key times x, then its powers from the highest down. */
FT_AES_TARGET static void ft_fast_powers(ft_siv_fast *s) {
    unsigned char block[16] = {0};
    uint64_t low, high, carry;
    ft_reg_x h, power;
    int i;
    ft_blocks_x(s, FT_ENCRYPT0, block, 1);
    high = ft_be64(block);
    low = ft_be64(block + 8);
    carry = 0 - (high >> 63);
    high = ((high << 1) | (low >> 63)) ^ (carry & 0xc200000000000000ULL);
    low = (low << 1) ^ (carry & 1);
    h = power = ft_pair_x(high, low);
    ft_store_x(s->powers + 16 * (FT_POWERS - 1), h);
    ft_store_x(s->folded + 16 * (FT_POWERS - 1), ft_xor_x(h, ft_halves_x(h)));
    for (i = FT_POWERS - 2; i >= 0; i--) {
        ft_sum_x product = ft_sum_zero_x();
        ft_sum_add_x(&product, s, FT_POWERS - 1, power);
        power = ft_reduce_x(&product);
        ft_store_x(s->powers + 16 * i, power);
        ft_store_x(s->folded + 16 * i, ft_xor_x(power, ft_halves_x(power)));
    }
    ft_wipe(block, sizeof block);
}

FT_AES_TARGET static void ft_fast_init(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1) {
    int i;
    ft_aes256_expand(s->fast.key0, k0);
    ft_aes256_expand(s->fast.key1, k1);
    for (i = 0; i < 15; i++) {
        ft_reg_x key = ft_key_x(s->fast.key1 + 16 * (14 - i));
        ft_store_x(s->fast.inverse1 + 16 * i, i == 0 || i == 14 ? key : ft_unmix_x(key));
    }
    ft_fast_powers(&s->fast);
}

#define FT_W(name) FT_JOIN(name, _x)
#define FT_PER 1
#define FT_REG(name) FT_JOIN(name, _x)
#define FT_REG_TARGET FT_AES_TARGET
#include "siv_width.h"
#undef FT_REG
#undef FT_REG_TARGET
static const ft_siv_ops ft_siv_x = {ft_fast_init, ft_fast_blocks, ft_hash_x, ft_ctr_x, ft_both_x};

#ifdef FT_X86
/* The same in the three-operand encoding. */
#define FT_REG(name) FT_JOIN(name, _avx)
#define FT_REG_TARGET FT_TARGET("avx2,aes,pclmul")
#include "siv_width.h"
#undef FT_REG
#undef FT_REG_TARGET
static const ft_siv_ops ft_siv_avx = {ft_fast_init, ft_fast_blocks, ft_hash_avx, ft_ctr_avx, ft_both_avx};
#endif
#undef FT_W
#undef FT_PER
#endif

#endif
