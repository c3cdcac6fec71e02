/* AES-GMAC-SIV (VL1 section 3.3): GMAC under K0, then AES-256-CTR under K1 from the encrypted (iv, tag) block.
 *
 * The single AES blocks that every packet needs are done side by side, up to FT_SIV_BATCH packets at a time. */
#ifndef FASTZT_GMAC_SIV_H
#define FASTZT_GMAC_SIV_H

#include "bytes.h"
#include "cpu.h"
#include "session.h"

enum { FT_ENCRYPT0, FT_ENCRYPT1, FT_DECRYPT1 };
#define FT_SIV_BATCH 64
#define FT_HASH_AHEAD 3
#define FT_BESIDE_LEAST 256 /* bytes of packets that are done two side by side */

/* init: from K0 and K1. blocks: AES of single blocks in place, `which` of the three. ghash: of a header from its byte 8
 * on as 16 bytes (or NULL), n bytes and their length. ctr: under K1, in place, the low 32 bits of the counter not
 * wrapping. both: ctr at p and ghash at q side by side, n bytes each, at most FT_HASH_MOST; besides, unless t is NULL,
 * an (iv, tag) encrypted under K1 and where counter mode starts from it, at counter + 16. both may be NULL. */
#define FT_HASH_MOST (16 * (FT_POWERS - 2))
typedef struct ft_siv_ops {
    void (*init)(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1);
    void (*blocks)(const ft_siv_key *s, int which, unsigned char *blocks, size_t count);
    void (*ghash)(const ft_siv_key *s, const unsigned char *head, const unsigned char *body, size_t n,
                  unsigned char *out);
    void (*ctr)(const ft_siv_key *s, const unsigned char *counter, unsigned char *p, size_t n);
    void (*both)(const ft_siv_key *s, unsigned char *counter, unsigned char *p, const unsigned char *head,
                 const unsigned char *q, size_t n, unsigned char *out, unsigned char *t);
} ft_siv_ops;

#include "siv_fast.h"
#include "siv_portable.h"
#include "siv_vaes.h"
#include "siv_vaes256.h"

static const ft_siv_ops *ft_siv = &ft_siv_portable;

/* What keys made from now on use. */
FT_UNUSED static void ft_siv_choose(ft_cpu cpu) {
    ft_siv = &ft_siv_portable;
#ifdef FT_AES
    if (cpu.aes) ft_siv = &ft_siv_x;
#endif
#ifdef FT_X86
    if (cpu.aes && cpu.level >= FT_AVX2) ft_siv = &ft_siv_avx;
    if (cpu.vaes) ft_siv = cpu.level == FT_AVX512 ? &ft_siv_vaes : &ft_siv_vaes256;
#endif
    (void)cpu;
}

FT_UNUSED static void ft_siv_setup(void) { ft_siv_choose(ft_cpu_detect()); }

FT_UNUSED static void ft_siv_init(ft_siv_key *s, const unsigned char *k0, const unsigned char *k1) {
    s->ops = ft_siv;
    s->ops->init(s, k0, k1);
}

/* The nonce block of GMAC: iv || 0 || 1. */
static void ft_siv_nonce(unsigned char *block, const unsigned char *iv) {
    memcpy(block, iv, 8);
    ft_put_be64(block + 8, 1);
}

/* Counter mode starts at the encrypted (iv, tag) without the top bit of its last 32. */
static void ft_siv_counters(unsigned char *counters, const unsigned char *t, size_t count) {
    size_t i;
    memcpy(counters, t, 16 * count);
    for (i = 0; i < count; i++) counters[16 * i + 12] &= 0x7f;
}

/* What a batch of packets has besides them; each packet is n bytes, the last one `last`. */
typedef struct {
    const ft_siv_key *key;
    unsigned char *p;
    size_t stride, count, last;
    /* encrypted nonces; iv and tag, or what they were encrypted to; where counter mode starts, written some time before
     * use, as loads of 16 bytes wait for stores of one */
    unsigned char pads[16 * FT_SIV_BATCH], t[16 * FT_SIV_BATCH], counters[16 * FT_SIV_BATCH];
} ft_siv_run;

static size_t ft_siv_length(const ft_siv_run *run, size_t i) { return i + 1 < run->count ? run->stride : run->last; }

/* Both halves of the GMAC of packet i as one XOR, from the hash of header and plain body. */
static uint64_t ft_siv_tag(const ft_siv_run *run, size_t i, const unsigned char *hash) {
    const unsigned char *pad = run->pads + 16 * i;
    return ft_be64(hash) ^ ft_be64(hash + 8) ^ ft_be64(pad) ^ ft_be64(pad + 8);
}

static uint64_t ft_siv_hash(const ft_siv_run *run, size_t i) {
    const unsigned char *p = run->p + i * run->stride;
    unsigned char hash[16];
    run->key->ops->ghash(run->key, p + 8, p + 27, ft_siv_length(run, i) - 27, hash);
    return ft_siv_tag(run, i, hash);
}

static void ft_siv_crypt(const ft_siv_run *run, size_t i) {
    run->key->ops->ctr(run->key, run->counters + 16 * i, run->p + i * run->stride + 27, ft_siv_length(run, i) - 27);
}

/* Encrypt (iv, tag) of `count` packets from the i-th on. */
static void ft_siv_wrap(ft_siv_run *run, size_t i, size_t count) {
    run->key->ops->blocks(run->key, FT_ENCRYPT1, run->t + 16 * i, count);
    ft_siv_counters(run->counters + 16 * i, run->t + 16 * i, count);
}

/* ft_siv_crypt of packet i and ft_siv_hash of packet j, side by side when they are of one length; `wrap`: and
 * ft_siv_wrap of the one after i. */
static uint64_t ft_siv_both(ft_siv_run *run, size_t i, size_t j, int wrap) {
    unsigned char hash[16], *p = run->p + i * run->stride, *q = run->p + j * run->stride;
    size_t n = ft_siv_length(run, i);
    if (ft_siv_length(run, j) != n) {
        if (wrap) ft_siv_wrap(run, i + 1, 1);
        ft_siv_crypt(run, i);
        return ft_siv_hash(run, j);
    }
    run->key->ops->both(run->key, run->counters + 16 * i, p + 27, q + 8, q + 27, n - 27, hash,
                        wrap ? run->t + 16 * (i + 1) : NULL);
    return ft_siv_tag(run, j, hash);
}

/* Whether packets are long enough for two of them side by side, and short enough for the powers. */
static int ft_siv_beside(const ft_siv_run *run) {
    return run->key->ops->both != NULL && run->stride >= FT_BESIDE_LEAST && run->stride - 27 <= FT_HASH_MOST;
}

/* Packet id and MAC are the encrypted (iv, tag). */
static void ft_siv_head(const ft_siv_run *run, size_t i) {
    unsigned char *p = run->p + i * run->stride;
    memcpy(p, run->t + 16 * i, 8);
    memcpy(p + 19, run->t + 16 * i + 8, 8);
}

static void ft_siv_seal_each(ft_siv_run *run) {
    size_t i;
    for (i = 0; i < run->count; i++) ft_put_be64(run->t + 16 * i + 8, ft_siv_hash(run, i));
    ft_siv_wrap(run, 0, run->count);
    for (i = 0; i < run->count; i++) ft_siv_crypt(run, i);
}

/* A packet is hashed FT_HASH_AHEAD steps before it is encrypted, and its (iv, tag) encrypted within the last of them:
 * with the results of one step used in the next, the processor's window would fill with instructions that wait. */
static void ft_siv_seal_beside(ft_siv_run *run) {
    size_t i, ahead = run->count < FT_HASH_AHEAD ? run->count : FT_HASH_AHEAD;
    for (i = 0; i < ahead; i++) ft_put_be64(run->t + 16 * i + 8, ft_siv_hash(run, i));
    ft_siv_wrap(run, 0, 1);
    for (i = 0; i + FT_HASH_AHEAD < run->count; i++)
        ft_put_be64(run->t + 16 * (i + FT_HASH_AHEAD) + 8, ft_siv_both(run, i, i + FT_HASH_AHEAD, 1));
    if (i + 1 < run->count) ft_siv_wrap(run, i + 1, run->count - i - 1);
    for (; i < run->count; i++) ft_siv_crypt(run, i);
}

/* Seal up to FT_SIV_BATCH packets, flags final, each n bytes and the last `last`: body, packet id and MAC. */
FT_UNUSED static void ft_siv_seal(const ft_siv_key *s, unsigned char *p, size_t stride, size_t count, size_t last) {
    ft_siv_run run;
    size_t i;
    run.key = s;
    run.p = p;
    run.stride = stride;
    run.count = count;
    run.last = last;
    for (i = 0; i < count; i++) {
        ft_siv_nonce(run.pads + 16 * i, p + i * stride);
        memcpy(run.t + 16 * i, p + i * stride, 8);
    }
    s->ops->blocks(s, FT_ENCRYPT0, run.pads, count);
    if (ft_siv_beside(&run))
        ft_siv_seal_beside(&run);
    else
        ft_siv_seal_each(&run);
    for (i = 0; i < count; i++) ft_siv_head(&run, i);
    ft_wipe(run.pads, 16 * count);
}

/* Decrypt up to FT_SIV_BATCH packets in place; verdicts[i] becomes 0 for a forged one, which is then destroyed. */
FT_UNUSED static void ft_siv_open(const ft_siv_key *s, unsigned char *p, size_t stride, size_t count, size_t last,
                                  unsigned char *verdicts) {
    ft_siv_run run;
    unsigned char plain[16 * FT_SIV_BATCH];
    size_t i;
    int beside;
    run.key = s;
    run.p = p;
    run.stride = stride;
    run.count = count;
    run.last = last;
    beside = ft_siv_beside(&run);
    for (i = 0; i < count; i++) {
        memcpy(run.t + 16 * i, p + i * stride, 8);
        memcpy(run.t + 16 * i + 8, p + i * stride + 19, 8);
    }
    ft_siv_counters(run.counters, run.t, count);
    memcpy(plain, run.t, 16 * count);
    s->ops->blocks(s, FT_DECRYPT1, plain, count);
    for (i = 0; i < count; i++) ft_siv_nonce(run.pads + 16 * i, plain + 16 * i);
    s->ops->blocks(s, FT_ENCRYPT0, run.pads, count);
    for (i = 0; i < count; i++) {
        uint64_t tag;
        if (beside && i > 0) {
            tag = ft_siv_both(&run, i, i - 1, 0);
            verdicts[i - 1] = (tag ^ ft_be64(plain + 16 * (i - 1) + 8)) == 0;
        } else {
            ft_siv_crypt(&run, i);
        }
    }
    for (i = beside && count > 1 ? count - 1 : 0; i < count; i++)
        verdicts[i] = (ft_siv_hash(&run, i) ^ ft_be64(plain + 16 * i + 8)) == 0;
    ft_wipe(run.pads, 16 * count);
    ft_wipe(plain, 16 * count);
}

#endif
