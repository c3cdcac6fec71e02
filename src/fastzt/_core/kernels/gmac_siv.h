/* AES-GMAC-SIV (VL1 section 3.3): GMAC under K0, then AES-256-CTR under K1 from the encrypted (iv, tag) block. */
#ifndef FASTZT_GMAC_SIV_H
#define FASTZT_GMAC_SIV_H

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

static void ft_plain_block(const uint64_t *key, unsigned char *block) {
    unsigned char blocks[64] = {0};
    memcpy(blocks, block, 16);
    ft_aes_encrypt4(key, blocks);
    memcpy(block, blocks, 16);
}

static void ft_plain_unblock(const uint64_t *key, unsigned char *block) {
    unsigned char blocks[64] = {0};
    memcpy(blocks, block, 16);
    ft_aes_decrypt4(key, blocks);
    memcpy(block, blocks, 16);
}

static void ft_plain_init(ft_siv_plain *s, const unsigned char *k0, const unsigned char *k1) {
    unsigned char schedule[240], zero[16] = {0};
    ft_aes256_expand(schedule, k0);
    ft_aes_planes(s->key0, schedule);
    ft_aes256_expand(schedule, k1);
    ft_aes_planes(s->key1, schedule);
    ft_plain_block(s->key0, zero);
    s->h[0] = ft_be64(zero);
    s->h[1] = ft_be64(zero + 8);
    ft_wipe(schedule, sizeof schedule);
    ft_wipe(zero, sizeof zero);
}

/* tag = GHASH(head || body, lengths) + E(iv || 1), all data authenticated, none encrypted; head is 16 bytes or NULL. */
static void ft_plain_gmac(const ft_siv_plain *s, const unsigned char *iv12, const unsigned char *head,
                          const unsigned char *body, size_t n, unsigned char *tag) {
    uint64_t y[2] = {0, 0}, total = n;
    memcpy(tag, iv12, 12);
    ft_put_be32(tag + 12, 1);
    ft_plain_block(s->key0, tag);
    if (head != NULL) {
        ft_ghash(y, s->h, head, 16);
        total += 16;
    }
    ft_ghash(y, s->h, body, n);
    y[0] ^= total * 8;
    ft_ghash_multiply(y, s->h);
    ft_put_be64(tag, ft_be64(tag) ^ y[0]);
    ft_put_be64(tag + 8, ft_be64(tag + 8) ^ y[1]);
}

/* p ^= AES-CTR(key1) from `counter` on, a 128-bit big-endian number. */
static void ft_plain_ctr(const ft_siv_plain *s, const unsigned char *counter, unsigned char *p, size_t n) {
    unsigned char blocks[64];
    uint64_t high = ft_be64(counter), low = ft_be64(counter + 8);
    while (n > 0) {
        size_t i, step = n < 64 ? n : 64;
        for (i = 0; i < 4; i++) {
            ft_put_be64(blocks + 16 * i, high);
            ft_put_be64(blocks + 16 * i + 8, low);
            if (++low == 0) high++;
        }
        ft_aes_encrypt4(s->key1, blocks);
        for (i = 0; i < step; i++) p[i] ^= blocks[i];
        p += step;
        n -= step;
    }
}

static void ft_siv_head(const unsigned char *p, unsigned char *head) {
    memset(head, 0, 16);
    memcpy(head, p + 8, 10);
    head[10] = p[18] & 0xf8;
}

static void ft_siv_counter(const unsigned char *t, unsigned char *counter) {
    memcpy(counter, t, 16);
    counter[12] &= 0x7f;
}

static void ft_plain_fold(const ft_siv_plain *s, const unsigned char *p, size_t n, const unsigned char *iv,
                          unsigned char *folded) {
    unsigned char head[16], iv12[12] = {0}, tag[16];
    int i;
    memcpy(iv12, iv, 8);
    ft_siv_head(p, head);
    ft_plain_gmac(s, iv12, head, p + 27, n - 27, tag);
    for (i = 0; i < 8; i++) folded[i] = tag[i] ^ tag[8 + i];
}

/* Seal the packet at p (n >= 28 bytes, flags final): body encrypted, packet id and MAC replaced. */
static void ft_plain_seal(const ft_siv_plain *s, unsigned char *p, size_t n) {
    unsigned char t[16], counter[16];
    memcpy(t, p, 8);
    ft_plain_fold(s, p, n, p, t + 8);
    ft_plain_block(s->key1, t);
    ft_siv_counter(t, counter);
    ft_plain_ctr(s, counter, p + 27, n - 27);
    memcpy(p, t, 8);
    memcpy(p + 19, t + 8, 8);
}

/* Decrypt the packet at p in place; 0 when it is forged (and then destroyed). */
static int ft_plain_open(const ft_siv_plain *s, unsigned char *p, size_t n) {
    unsigned char t[16], counter[16], folded[8];
    memcpy(t, p, 8);
    memcpy(t + 8, p + 19, 8);
    ft_siv_counter(t, counter);
    ft_plain_ctr(s, counter, p + 27, n - 27);
    ft_plain_unblock(s->key1, t);
    ft_plain_fold(s, p, n, t, folded);
    return (ft_be64(t + 8) ^ ft_be64(folded)) == 0;
}

FT_UNUSED static void ft_siv_setup(void) {}

static void ft_siv_init(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1) {
    ft_plain_init(&s->plain, k0, k1);
}

FT_UNUSED static void ft_siv_seal(const ft_siv_key *s, unsigned char *p, size_t n) { ft_plain_seal(&s->plain, p, n); }

FT_UNUSED static int ft_siv_open(const ft_siv_key *s, unsigned char *p, size_t n) {
    return ft_plain_open(&s->plain, p, n);
}

/* The building blocks by themselves, under a key of their own. */
FT_UNUSED static void ft_aes256_block(const unsigned char *key, unsigned char *block) {
    ft_siv_key s;
    ft_siv_init(&s, key, key);
    ft_plain_block(s.plain.key1, block);
    ft_wipe(&s, sizeof s);
}

FT_UNUSED static void ft_aes256_unblock(const unsigned char *key, unsigned char *block) {
    ft_siv_key s;
    ft_siv_init(&s, key, key);
    ft_plain_unblock(s.plain.key1, block);
    ft_wipe(&s, sizeof s);
}

FT_UNUSED static void ft_aes256_ctr(const unsigned char *key, const unsigned char *counter, unsigned char *p, size_t n) {
    ft_siv_key s;
    ft_siv_init(&s, key, key);
    ft_plain_ctr(&s.plain, counter, p, n);
    ft_wipe(&s, sizeof s);
}

FT_UNUSED static void ft_aes256_gmac(const unsigned char *key, const unsigned char *iv12, const unsigned char *data,
                                     size_t n, unsigned char *tag) {
    ft_siv_key s;
    ft_siv_init(&s, key, key);
    ft_plain_gmac(&s.plain, iv12, NULL, data, n, tag);
    ft_wipe(&s, sizeof s);
}

#endif
