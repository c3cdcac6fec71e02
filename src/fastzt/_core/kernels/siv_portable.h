/* AES-GMAC-SIV's operations without AES instructions: bitsliced AES, GHASH by carry-less integer products. */
#ifndef FASTZT_SIV_PORTABLE_H
#define FASTZT_SIV_PORTABLE_H

#include "aes_bitsliced.h"
#include "session.h"

static uint64_t ft_reverse64(uint64_t v) {
    v = ((v >> 1) & 0x5555555555555555ULL) | ((v & 0x5555555555555555ULL) << 1);
    v = ((v >> 2) & 0x3333333333333333ULL) | ((v & 0x3333333333333333ULL) << 2);
    v = ((v >> 4) & 0x0f0f0f0f0f0f0f0fULL) | ((v & 0x0f0f0f0f0f0f0f0fULL) << 4);
    v = ((v >> 8) & 0x00ff00ff00ff00ffULL) | ((v & 0x00ff00ff00ff00ffULL) << 8);
    v = ((v >> 16) & 0x0000ffff0000ffffULL) | ((v & 0x0000ffff0000ffffULL) << 16);
    return (v >> 32) | (v << 32);
}

/* Low half of the carry-less product: every fourth bit alone, so that carries of the integer product die out. */
static uint64_t ft_clmul_low(uint64_t a, uint64_t b) {
    const uint64_t m = 0x1111111111111111ULL;
    uint64_t z = 0;
    int i, j;
    for (i = 0; i < 4; i++) {
        uint64_t sum = 0;
        for (j = 0; j < 4; j++) sum ^= (a & (m << j)) * (b & (m << ((i - j) & 3)));
        z |= sum & (m << i);
    }
    return z;
}

static void ft_clmul(uint64_t *z, uint64_t a, uint64_t b) {
    z[0] = ft_clmul_low(a, b);
    z[1] = ft_reverse64(ft_clmul_low(ft_reverse64(a), ft_reverse64(b))) >> 1;
}

/* y = y h in GF(2^128) of GCM; y[0] is the high word of the big-endian block. */
static void ft_ghash_multiply(uint64_t *y, const uint64_t *h) {
    uint64_t low[2], high[2], middle[2], v[4];
    int i;
    ft_clmul(high, y[0], h[0]);
    ft_clmul(low, y[1], h[1]);
    ft_clmul(middle, y[0] ^ y[1], h[0] ^ h[1]);
    v[0] = low[0];
    v[1] = low[1] ^ middle[0] ^ low[0] ^ high[0];
    v[2] = high[0] ^ middle[1] ^ low[1] ^ high[1];
    v[3] = high[1];
    for (i = 3; i > 0; i--) v[i] = (v[i] << 1) | (v[i - 1] >> 63); /* bits are reflected: one place up */
    v[0] <<= 1;
    for (i = 0; i < 2; i++) { /* x^128 = x^7 + x^2 + x + 1 */
        v[i + 2] ^= v[i] ^ (v[i] >> 1) ^ (v[i] >> 2) ^ (v[i] >> 7);
        v[i + 1] ^= (v[i] << 63) ^ (v[i] << 62) ^ (v[i] << 57);
    }
    y[0] = v[3];
    y[1] = v[2];
}

static void ft_ghash(uint64_t *y, const uint64_t *h, const unsigned char *data, size_t n) {
    unsigned char last[16] = {0};
    for (; n >= 16; data += 16, n -= 16) {
        y[0] ^= ft_be64(data);
        y[1] ^= ft_be64(data + 8);
        ft_ghash_multiply(y, h);
    }
    if (n > 0) {
        memcpy(last, data, n);
        y[0] ^= ft_be64(last);
        y[1] ^= ft_be64(last + 8);
        ft_ghash_multiply(y, h);
    }
}

static void ft_plain_blocks(const ft_siv_key *s, int which, unsigned char *blocks, size_t count) {
    unsigned char four[64];
    while (count > 0) {
        size_t n = 16 * (count < 4 ? count : 4);
        memset(four, 0, sizeof four);
        memcpy(four, blocks, n);
        if (which == FT_DECRYPT1)
            ft_aes_decrypt4(s->plain.key1, four);
        else
            ft_aes_encrypt4(which == FT_ENCRYPT0 ? s->plain.key0 : s->plain.key1, four);
        memcpy(blocks, four, n);
        blocks += n;
        count -= n / 16;
    }
    ft_wipe(four, sizeof four);
}

static void ft_plain_init(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1) {
    unsigned char schedule[240], zero[16] = {0};
    ft_aes256_expand(schedule, k0);
    ft_aes_planes(s->plain.key0, schedule);
    ft_aes256_expand(schedule, k1);
    ft_aes_planes(s->plain.key1, schedule);
    ft_plain_blocks(s, FT_ENCRYPT0, zero, 1);
    s->plain.h[0] = ft_be64(zero);
    s->plain.h[1] = ft_be64(zero + 8);
    ft_wipe(schedule, sizeof schedule);
    ft_wipe(zero, sizeof zero);
}

static void ft_plain_ghash(const ft_siv_key *s, const unsigned char *head, const unsigned char *body, size_t n,
                           unsigned char *out) {
    uint64_t y[2] = {0, 0}, total = n;
    if (head != NULL) {
        unsigned char masked[16] = {0};
        memcpy(masked, head, 11);
        masked[10] &= 0xf8;
        ft_ghash(y, s->plain.h, masked, 16);
        total += 16;
    }
    ft_ghash(y, s->plain.h, body, n);
    y[0] ^= total * 8;
    ft_ghash_multiply(y, s->plain.h);
    ft_put_be64(out, y[0]);
    ft_put_be64(out + 8, y[1]);
}

static void ft_plain_ctr(const ft_siv_key *s, const unsigned char *counter, unsigned char *p, size_t n) {
    unsigned char blocks[64];
    uint64_t high = ft_be64(counter), low = ft_be64(counter + 8);
    while (n > 0) {
        size_t i, step = n < 64 ? n : 64;
        for (i = 0; i < 4; i++) {
            ft_put_be64(blocks + 16 * i, high);
            ft_put_be64(blocks + 16 * i + 8, low);
            if (++low == 0) high++;
        }
        ft_aes_encrypt4(s->plain.key1, blocks);
        for (i = 0; i < step; i++) p[i] ^= blocks[i];
        p += step;
        n -= step;
    }
}

static const ft_siv_ops ft_siv_portable = {ft_plain_init, ft_plain_blocks, ft_plain_ghash, ft_plain_ctr, NULL};

#endif
