/* AES-GMAC-SIV (VL1 section 3.3): GMAC under K0, then AES-256-CTR under K1 from the encrypted (iv, tag) block.
 *
 * The single AES blocks that every packet needs are done side by side, up to FT_SIV_BATCH packets at a time. */
#ifndef FASTZT_GMAC_SIV_H
#define FASTZT_GMAC_SIV_H

#include "bytes.h"
#include "cpu.h"
#include "session.h"

enum { FT_ENCRYPT0, FT_ENCRYPT1, FT_DECRYPT1 };
#define FT_SIV_BATCH 16

/* init: from K0 and K1. blocks: AES of single blocks in place, `which` of the three. ghash: of a 16-byte head (or
 * NULL), n bytes and their length. ctr: under K1, in place, the low 32 bits of the counter not wrapping. */
typedef struct {
    void (*init)(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1);
    void (*blocks)(const ft_siv_key *s, int which, unsigned char *blocks, size_t count);
    void (*ghash)(const ft_siv_key *s, const unsigned char *head, const unsigned char *body, size_t n,
                  unsigned char *out);
    void (*ctr)(const ft_siv_key *s, const unsigned char *counter, unsigned char *p, size_t n);
} ft_siv_ops;

#include "siv_portable.h"
#include "siv_vaes.h"

static const ft_siv_ops *ft_siv = &ft_siv_portable;

/* Choose by the processor; once per module, before any key is made. */
FT_UNUSED static void ft_siv_setup(void) {
#ifdef FT_X86
    ft_cpu cpu = ft_cpu_detect();
    if (cpu.aes) ft_siv = &ft_siv_aesni;
    if (cpu.vaes) ft_siv = &ft_siv_vaes;
#endif
}

FT_UNUSED static void ft_siv_init(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1) {
    ft_siv->init(s, k0, k1);
}

/* The nonce block of GMAC: iv || 0 || 1. */
static void ft_siv_nonce(unsigned char *block, const unsigned char *iv) {
    memcpy(block, iv, 8);
    ft_put_be64(block + 8, 1);
}

static void ft_siv_counter(const unsigned char *t, unsigned char *counter) {
    memcpy(counter, t, 16);
    counter[12] &= 0x7f;
}

/* Both halves of the GMAC of header and plain body, as one XOR; pad is the encrypted nonce block. */
static uint64_t ft_siv_fold(const ft_siv_key *s, const unsigned char *p, size_t n, const unsigned char *pad) {
    unsigned char head[16] = {0}, y[16];
    memcpy(head, p + 8, 10);
    head[10] = p[18] & 0xf8;
    ft_siv->ghash(s, head, p + 27, n - 27, y);
    return ft_be64(y) ^ ft_be64(y + 8) ^ ft_be64(pad) ^ ft_be64(pad + 8);
}

/* Seal up to FT_SIV_BATCH packets, flags final, each n bytes and the last `last`: body, packet id and MAC. */
FT_UNUSED static void ft_siv_seal(const ft_siv_key *s, unsigned char *p, size_t stride, size_t count, size_t last) {
    unsigned char pads[16 * FT_SIV_BATCH], t[16 * FT_SIV_BATCH], counter[16];
    size_t i;
    for (i = 0; i < count; i++) ft_siv_nonce(pads + 16 * i, p + i * stride);
    ft_siv->blocks(s, FT_ENCRYPT0, pads, count);
    for (i = 0; i < count; i++) {
        memcpy(t + 16 * i, p + i * stride, 8);
        ft_put_be64(t + 16 * i + 8, ft_siv_fold(s, p + i * stride, i + 1 < count ? stride : last, pads + 16 * i));
    }
    ft_siv->blocks(s, FT_ENCRYPT1, t, count);
    for (i = 0; i < count; i++) {
        unsigned char *packet = p + i * stride;
        ft_siv_counter(t + 16 * i, counter);
        ft_siv->ctr(s, counter, packet + 27, (i + 1 < count ? stride : last) - 27);
        memcpy(packet, t + 16 * i, 8);
        memcpy(packet + 19, t + 16 * i + 8, 8);
    }
}

/* Decrypt up to FT_SIV_BATCH packets in place; verdicts[i] becomes 0 for a forged one, which is then destroyed. */
FT_UNUSED static void ft_siv_open(const ft_siv_key *s, unsigned char *p, size_t stride, size_t count, size_t last,
                        unsigned char *verdicts) {
    unsigned char pads[16 * FT_SIV_BATCH], t[16 * FT_SIV_BATCH], counter[16];
    size_t i;
    for (i = 0; i < count; i++) {
        memcpy(t + 16 * i, p + i * stride, 8);
        memcpy(t + 16 * i + 8, p + i * stride + 19, 8);
    }
    for (i = 0; i < count; i++) {
        ft_siv_counter(t + 16 * i, counter);
        ft_siv->ctr(s, counter, p + i * stride + 27, (i + 1 < count ? stride : last) - 27);
    }
    ft_siv->blocks(s, FT_DECRYPT1, t, count);
    for (i = 0; i < count; i++) ft_siv_nonce(pads + 16 * i, t + 16 * i);
    ft_siv->blocks(s, FT_ENCRYPT0, pads, count);
    for (i = 0; i < count; i++) {
        uint64_t f = ft_siv_fold(s, p + i * stride, i + 1 < count ? stride : last, pads + 16 * i);
        verdicts[i] = (f ^ ft_be64(t + 16 * i + 8)) == 0;
    }
}

#endif
