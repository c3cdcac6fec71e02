/* Poly1305 (RFC 8439 section 2.5): 16-byte tag of a message under a 32-byte one-time key. */
#ifndef FASTZT_POLY1305_H
#define FASTZT_POLY1305_H

#include "bytes.h"
#include "cpu.h"

typedef void (*ft_poly1305_fn)(unsigned char *tag, const unsigned char *m, size_t n, const unsigned char *key);

/* One block m + 2^(8n) for n < 16, zero-filled: the last, short one. */
static void ft_poly1305_pad(unsigned char *block, const unsigned char *m, size_t n) {
    memset(block, 0, 16);
    memcpy(block, m, n);
    block[n] = 1;
}

/* Radix 2^26, 32 x 32 -> 64 bit multiplies: for processors and compilers without a 128-bit product. */
typedef struct {
    uint32_t r[5], h[5];
} ft_poly26;

static void ft_poly26_start(ft_poly26 *s, const unsigned char *key) {
    s->r[0] = ft_le32(key) & 0x3ffffff;
    s->r[1] = (ft_le32(key + 3) >> 2) & 0x3ffff03;
    s->r[2] = (ft_le32(key + 6) >> 4) & 0x3ffc0ff;
    s->r[3] = (ft_le32(key + 9) >> 6) & 0x3f03fff;
    s->r[4] = (ft_le32(key + 12) >> 8) & 0x00fffff;
    memset(s->h, 0, sizeof s->h);
}

static void ft_poly26_block(ft_poly26 *s, const unsigned char *m, uint32_t top) {
    const uint32_t *r = s->r;
    uint32_t *h = s->h;
    uint64_t s1 = r[1] * 5u, s2 = r[2] * 5u, s3 = r[3] * 5u, s4 = r[4] * 5u, d0, d1, d2, d3, d4;
    uint64_t h0 = h[0] + (ft_le32(m) & 0x3ffffff), h1 = h[1] + ((ft_le32(m + 3) >> 2) & 0x3ffffff);
    uint64_t h2 = h[2] + ((ft_le32(m + 6) >> 4) & 0x3ffffff), h3 = h[3] + (ft_le32(m + 9) >> 6);
    uint64_t h4 = h[4] + ((ft_le32(m + 12) >> 8) | top);
    d0 = h0 * r[0] + h1 * s4 + h2 * s3 + h3 * s2 + h4 * s1;
    d1 = h0 * r[1] + h1 * r[0] + h2 * s4 + h3 * s3 + h4 * s2;
    d2 = h0 * r[2] + h1 * r[1] + h2 * r[0] + h3 * s4 + h4 * s3;
    d3 = h0 * r[3] + h1 * r[2] + h2 * r[1] + h3 * r[0] + h4 * s4;
    d4 = h0 * r[4] + h1 * r[3] + h2 * r[2] + h3 * r[1] + h4 * r[0];
    d1 += d0 >> 26;
    d2 += d1 >> 26;
    d3 += d2 >> 26;
    d4 += d3 >> 26;
    d0 = (d0 & 0x3ffffff) + (d4 >> 26) * 5;
    h[0] = (uint32_t)d0 & 0x3ffffff;
    h[1] = ((uint32_t)d1 & 0x3ffffff) + (uint32_t)(d0 >> 26);
    h[2] = (uint32_t)d2 & 0x3ffffff;
    h[3] = (uint32_t)d3 & 0x3ffffff;
    h[4] = (uint32_t)d4 & 0x3ffffff;
}

/* tag = (h mod 2^130 - 5 + key[16:32]) mod 2^128, without a branch on h. */
static void ft_poly26_finish(ft_poly26 *s, unsigned char *tag, const unsigned char *key) {
    uint32_t *h = s->h, g[5], mask, carry = 0;
    uint64_t sum = 0;
    int i, pass;
    for (pass = 0; pass < 2; pass++) {
        carry = 0;
        for (i = 0; i < 5; i++) {
            h[i] += carry;
            carry = h[i] >> 26;
            h[i] &= 0x3ffffff;
        }
        h[0] += carry * 5;
    }
    carry = 5;
    for (i = 0; i < 5; i++) {
        g[i] = h[i] + carry;
        carry = g[i] >> 26;
        g[i] &= 0x3ffffff;
    }
    mask = 0u - carry; /* all ones when h + 5 >= 2^130 */
    for (i = 0; i < 5; i++) h[i] = (h[i] & ~mask) | (g[i] & mask);
    g[0] = h[0] | (h[1] << 26);
    g[1] = (h[1] >> 6) | (h[2] << 20);
    g[2] = (h[2] >> 12) | (h[3] << 14);
    g[3] = (h[3] >> 18) | (h[4] << 8);
    for (i = 0; i < 4; i++) {
        sum = (sum >> 32) + g[i] + ft_le32(key + 16 + 4 * i);
        ft_put_le32(tag + 4 * i, (uint32_t)sum);
    }
}

static void ft_poly1305_portable(unsigned char *tag, const unsigned char *m, size_t n, const unsigned char *key) {
    ft_poly26 s;
    unsigned char last[16];
    ft_poly26_start(&s, key);
    for (; n >= 16; m += 16, n -= 16) ft_poly26_block(&s, m, 1u << 24);
    if (n > 0) {
        ft_poly1305_pad(last, m, n);
        ft_poly26_block(&s, last, 0);
    }
    ft_poly26_finish(&s, tag, key);
    ft_wipe(&s, sizeof s);
}

#include "poly1305_ifma.h"

static ft_poly1305_fn ft_poly1305 = ft_poly1305_portable;
static int ft_poly1305_three = 0; /* whether three messages side by side are faster */

/* The widest version for this processor. */
FT_UNUSED static void ft_poly1305_choose(ft_cpu cpu) {
    ft_poly1305 = ft_poly1305_portable;
    ft_poly1305_three = 0;
#ifdef __SIZEOF_INT128__
    if (cpu.level > FT_PORTABLE) ft_poly1305 = ft_poly1305_64;
#endif
#ifdef FT_IFMA
    if (cpu.ifma) ft_poly1305 = ft_poly1305_ifma;
    ft_poly1305_three = cpu.ifma;
#endif
    (void)cpu;
}

FT_UNUSED static void ft_poly1305_setup(void) { ft_poly1305_choose(ft_cpu_detect()); }

/* Tags of `count` messages of n bytes, `stride` apart, each under the first half of its 64-byte block of `keys`. */
FT_UNUSED static void ft_poly1305_many(unsigned char *tags, const unsigned char *m, size_t stride, size_t count,
                                       size_t n, const unsigned char *keys) {
    size_t i = 0;
#ifdef FT_IFMA
    for (; ft_poly1305_three && n >= FT_IFMA_LEAST && i + 3 <= count; i += 3) {
        const unsigned char *first = m + i * stride, *key = keys + 64 * i;
        const unsigned char *messages[3] = {first, first + stride, first + 2 * stride};
        const unsigned char *own[3] = {key, key + 64, key + 128};
        ft_poly1305_ifma3(tags + 16 * i, messages, n, own);
    }
#endif
    for (; i < count; i++) ft_poly1305(tags + 16 * i, m + i * stride, n, keys + 64 * i);
}

#endif
