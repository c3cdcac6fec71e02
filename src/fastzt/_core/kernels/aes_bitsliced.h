/* AES-256 (FIPS 197) in constant time without AES instructions: four blocks in eight planes of 64 bits.
 *
 * Bit i of the byte in row r, column c of block b lies in plane i at position 16 r + 4 c + b, so ShiftRows rotates
 * 16-bit groups and MixColumns rotates whole planes. The S-box inverts in GF((2^4)^2) with y^4 + y + 1 below and
 * z^2 + z + 8 above. */
#ifndef FASTZT_AES_BITSLICED_H
#define FASTZT_AES_BITSLICED_H

#include "bytes.h"
#include "cpu.h"

static inline void ft_swap_bits(uint64_t *a, uint64_t *b, int shift, uint64_t mask) {
    uint64_t t = ((*a >> shift) ^ *b) & mask;
    *b ^= t;
    *a ^= t << shift;
}

/* Transpose the 8 x 8 bits that each byte lane of q[0..7] makes; its own inverse. */
static void ft_planes(uint64_t *q) {
    int i;
    for (i = 0; i < 8; i += 2) ft_swap_bits(q + i, q + i + 1, 1, 0x5555555555555555ULL);
    for (i = 0; i < 8; i += 4) {
        ft_swap_bits(q + i, q + i + 2, 2, 0x3333333333333333ULL);
        ft_swap_bits(q + i + 1, q + i + 3, 2, 0x3333333333333333ULL);
    }
    for (i = 0; i < 4; i++) ft_swap_bits(q + i, q + i + 4, 4, 0x0f0f0f0f0f0f0f0fULL);
}

static inline uint64_t ft_spread(uint32_t v) {
    uint64_t x = v;
    x = (x | (x << 16)) & 0x0000ffff0000ffffULL;
    return (x | (x << 8)) & 0x00ff00ff00ff00ffULL;
}

static inline uint32_t ft_gather(uint64_t x) {
    x &= 0x00ff00ff00ff00ffULL;
    x = (x | (x >> 8)) & 0x0000ffff0000ffffULL;
    return (uint32_t)(x | (x >> 16));
}

static void ft_pack(uint64_t *q, const unsigned char *blocks) {
    int b;
    for (b = 0; b < 4; b++, blocks += 16) {
        q[b] = ft_spread(ft_le32(blocks)) | (ft_spread(ft_le32(blocks + 8)) << 8);
        q[b + 4] = ft_spread(ft_le32(blocks + 4)) | (ft_spread(ft_le32(blocks + 12)) << 8);
    }
    ft_planes(q);
}

static void ft_unpack(unsigned char *blocks, uint64_t *q) {
    int b;
    ft_planes(q);
    for (b = 0; b < 4; b++, blocks += 16) {
        ft_put_le32(blocks, ft_gather(q[b]));
        ft_put_le32(blocks + 4, ft_gather(q[b + 4]));
        ft_put_le32(blocks + 8, ft_gather(q[b] >> 8));
        ft_put_le32(blocks + 12, ft_gather(q[b + 4] >> 8));
    }
}

/* r = a b in GF(2^4). */
static inline void ft_gf16(uint64_t *r, const uint64_t *a, const uint64_t *b) {
    uint64_t high = (a[1] & b[3]) ^ (a[2] & b[2]) ^ (a[3] & b[1]);
    uint64_t higher = (a[2] & b[3]) ^ (a[3] & b[2]), highest = a[3] & b[3];
    r[0] = (a[0] & b[0]) ^ high;
    r[1] = (a[0] & b[1]) ^ (a[1] & b[0]) ^ high ^ higher;
    r[2] = (a[0] & b[2]) ^ (a[1] & b[1]) ^ (a[2] & b[0]) ^ higher ^ highest;
    r[3] = (a[0] & b[3]) ^ (a[1] & b[2]) ^ (a[2] & b[1]) ^ (a[3] & b[0]) ^ highest;
}

/* x = 1 / x in GF((2^4)^2), 0 to 0: with D = 8 a^2 + a b + b^2, 1 / (a z + b) = (a z + a + b) / D. */
static inline void ft_invert(uint64_t *x) {
    const uint64_t *b = x, *a = x + 4;
    uint64_t sum[4], d[4], e[4], p, q;
    int i;
    ft_gf16(d, a, b);
    for (i = 0; i < 4; i++) sum[i] = a[i] ^ b[i];
    d[0] ^= a[2] ^ b[0] ^ b[2];
    d[1] ^= a[1] ^ a[2] ^ a[3] ^ b[2];
    d[2] ^= a[1] ^ b[1] ^ b[3];
    d[3] ^= a[0] ^ a[2] ^ a[3] ^ b[3];
    p = d[1] & d[2];
    q = d[0] & d[2];
    e[0] = d[0] ^ d[1] ^ d[2] ^ d[3] ^ q ^ p ^ (p & (d[0] ^ d[3]));
    e[1] = (d[0] & d[1]) ^ q ^ p ^ d[3] ^ (d[1] & d[3]) ^ (d[0] & d[1] & d[3]);
    e[2] = (d[0] & d[1]) ^ d[2] ^ q ^ d[3] ^ (d[0] & d[3]) ^ (q & d[3]);
    e[3] = d[1] ^ d[2] ^ d[3] ^ (d[3] & (d[0] ^ d[1] ^ d[2])) ^ (p & d[3]);
    ft_gf16(d, a, e);
    ft_gf16(x, sum, e);
    for (i = 0; i < 4; i++) x[4 + i] = d[i];
}

static void ft_sub_bytes(uint64_t *q) {
    uint64_t x[8];
    uint64_t t8 = q[5] ^ q[7], t9 = q[4] ^ q[6], t10 = q[3] ^ t8, t11 = q[2] ^ t10;
    x[0] = q[0] ^ t8;
    x[1] = q[2];
    x[2] = t9 ^ t11;
    x[3] = q[3] ^ q[4];
    x[4] = q[5] ^ t9;
    x[5] = q[1] ^ q[7] ^ t9;
    x[6] = t11;
    x[7] = t8;
    ft_invert(x);
    t8 = x[3] ^ x[5];
    t9 = x[1] ^ t8;
    t10 = x[0] ^ x[2];
    t11 = x[6] ^ x[7];
    q[0] = ~(x[6] ^ t10);
    q[1] = ~(t10 ^ x[4] ^ t9);
    q[2] = x[0] ^ x[6] ^ t8;
    q[3] = x[5] ^ t10;
    q[4] = x[0] ^ x[4] ^ t9;
    q[5] = ~(x[2] ^ t9 ^ t11);
    q[6] = ~(x[4] ^ t11);
    q[7] = x[1] ^ x[2];
}

static void ft_inverse_sub_bytes(uint64_t *q) {
    uint64_t x[8], t8, t9, t10, t11, t12, t13;
    q[0] = ~q[0];
    q[1] = ~q[1];
    q[5] = ~q[5];
    q[6] = ~q[6];
    t8 = q[5] ^ q[6];
    t9 = q[4] ^ t8;
    t10 = q[1] ^ q[7];
    t11 = q[2] ^ t10;
    t12 = q[1] ^ t8;
    t13 = q[0] ^ t9;
    x[0] = t12;
    x[1] = q[4] ^ t10;
    x[2] = q[1] ^ q[4];
    x[3] = q[0] ^ q[2] ^ q[3] ^ t12;
    x[4] = t11 ^ t13;
    x[5] = q[3] ^ t9;
    x[6] = t13;
    x[7] = q[6] ^ t11;
    ft_invert(x);
    t8 = x[6] ^ x[7];
    t9 = x[2] ^ x[4];
    t10 = x[1] ^ t8;
    q[0] = x[0] ^ x[7];
    q[1] = x[4] ^ x[5] ^ x[7];
    q[2] = x[1];
    q[3] = t10;
    q[4] = x[3] ^ t10;
    q[5] = x[6] ^ t9;
    q[6] = x[1] ^ x[2] ^ x[3] ^ x[7];
    q[7] = t8 ^ t9;
}

/* Row r moves r columns: `sign` 1 to the left (ShiftRows), 3 to the right (its inverse). */
static inline uint64_t ft_shift_rows(uint64_t v, int sign) {
    uint64_t out = v & 0xffff;
    int r;
    for (r = 1; r < 4; r++) {
        uint32_t row = (uint32_t)(v >> (16 * r)) & 0xffff;
        int n = 4 * ((r * sign) & 3);
        out |= (uint64_t)(((row >> n) | (row << (16 - n))) & 0xffff) << (16 * r);
    }
    return out;
}

static inline uint64_t ft_rotr64(uint64_t v, int n) { return (v >> n) | (v << (64 - n)); }

/* Planes of 2 t. */
static inline void ft_double(uint64_t *r, const uint64_t *t) {
    int i;
    for (i = 7; i > 0; i--) r[i] = t[i - 1];
    r[0] = t[7];
    r[1] ^= t[7];
    r[3] ^= t[7];
    r[4] ^= t[7];
}

static void ft_mix_columns(uint64_t *q) {
    uint64_t t[8], d[8];
    int i;
    for (i = 0; i < 8; i++) t[i] = q[i] ^ ft_rotr64(q[i], 16);
    ft_double(d, t);
    for (i = 0; i < 8; i++) q[i] = d[i] ^ ft_rotr64(q[i], 16) ^ ft_rotr64(t[i], 32);
}

/* The inverse is MixColumns after a[r] += 4 (a[r] + a[r + 2]). */
static void ft_inverse_mix_columns(uint64_t *q) {
    uint64_t t[8], d[8];
    int i;
    for (i = 0; i < 8; i++) t[i] = q[i] ^ ft_rotr64(q[i], 32);
    ft_double(d, t);
    ft_double(t, d);
    for (i = 0; i < 8; i++) q[i] ^= t[i];
    ft_mix_columns(q);
}

static inline void ft_add_key(uint64_t *q, const uint64_t *key) {
    int i;
    for (i = 0; i < 8; i++) q[i] ^= key[i];
}

/* Four blocks in place under the planes of 15 round keys. */
static void ft_aes_encrypt4(const uint64_t *keys, unsigned char *blocks) {
    uint64_t q[8];
    int round, i;
    ft_pack(q, blocks);
    ft_add_key(q, keys);
    for (round = 1; round < 15; round++) {
        ft_sub_bytes(q);
        for (i = 0; i < 8; i++) q[i] = ft_shift_rows(q[i], 1);
        if (round < 14) ft_mix_columns(q);
        ft_add_key(q, keys + 8 * round);
    }
    ft_unpack(blocks, q);
}

static void ft_aes_decrypt4(const uint64_t *keys, unsigned char *blocks) {
    uint64_t q[8];
    int round, i;
    ft_pack(q, blocks);
    for (round = 14; round > 0; round--) {
        ft_add_key(q, keys + 8 * round);
        if (round < 14) ft_inverse_mix_columns(q);
        for (i = 0; i < 8; i++) q[i] = ft_shift_rows(q[i], 3);
        ft_inverse_sub_bytes(q);
    }
    ft_add_key(q, keys);
    ft_unpack(blocks, q);
}

static uint32_t ft_sub_word(uint32_t w) {
    unsigned char block[64] = {0};
    uint64_t q[8];
    ft_put_le32(block, w);
    ft_pack(q, block);
    ft_sub_bytes(q);
    ft_unpack(block, q);
    return ft_le32(block);
}

/* FIPS 197 section 5.2: the 240 bytes of the 15 round keys. */
static void ft_aes256_expand(unsigned char *schedule, const unsigned char *key) {
    uint32_t rcon = 1;
    int i;
    memcpy(schedule, key, 32);
    for (i = 8; i < 60; i++) {
        uint32_t t = ft_le32(schedule + 4 * (i - 1));
        if (i % 8 == 0) {
            t = ft_sub_word((t >> 8) | (t << 24)) ^ rcon;
            rcon <<= 1;
        } else if (i % 8 == 4) {
            t = ft_sub_word(t);
        }
        ft_put_le32(schedule + 4 * i, ft_le32(schedule + 4 * (i - 8)) ^ t);
    }
}

/* The planes of each round key, the same in all four blocks. */
static void ft_aes_planes(uint64_t *keys, const unsigned char *schedule) {
    unsigned char blocks[64];
    int round, b;
    for (round = 0; round < 15; round++) {
        for (b = 0; b < 4; b++) memcpy(blocks + 16 * b, schedule + 16 * round, 16);
        ft_pack(keys + 8 * round, blocks);
    }
    ft_wipe(blocks, sizeof blocks);
}

#endif
