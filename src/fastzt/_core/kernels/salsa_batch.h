/* Suites 0 and 1 a few packets at a time, first the cipher, then the tags, or the other way round: without vectors, and
 * on AVX-512, whose wide passes leave the scalar units nothing to do beside them. */
#ifndef FASTZT_SALSA_BATCH_H
#define FASTZT_SALSA_BATCH_H

#include "poly1305.h"
#include "salsa20.h"
#include "session.h"

/* The key mixed with the header and the length, hops masked: section 3.1. */
static void ft_mangle(unsigned char *mangled, const unsigned char *key, const unsigned char *p, size_t n) {
    int i;
    memcpy(mangled, key, 32);
    for (i = 0; i < 18; i++) mangled[i] ^= p[i];
    mangled[18] ^= p[18] & 0xf8;
    mangled[19] ^= n & 0xff;
    mangled[20] ^= (n >> 8) & 0xff;
}

#define FT_SALSA_BATCH 8
#define FT_SALSA_BLOCKS 4 /* up to here all blocks of a packet are made in the one pass over many packets */

/* A few packets of equal length: block 0 of each, whose first half is its Poly1305 key, and for short encrypted ones
 * the blocks that follow; then the states stand at the block that is to come. */
typedef struct {
    uint32_t states[FT_SALSA_BATCH * FT_SALSA_BLOCKS][16];
    unsigned char blocks[64 * FT_SALSA_BATCH * FT_SALSA_BLOCKS], keys[64 * FT_SALSA_BATCH];
    size_t each; /* blocks made per packet */
} ft_salsa_batch;

static void ft_batch_begin(ft_salsa_batch *b, const ft_session *s, const unsigned char *p, size_t stride, size_t count,
                           size_t n, int suite) {
    unsigned char mangled[32];
    size_t i, j, blocks = 1 + (n - 27 + 63) / 64;
    b->each = suite == 1 && blocks <= FT_SALSA_BLOCKS ? blocks : 1;
    for (i = 0; i < count; i++) {
        uint32_t(*state)[16] = b->states + i * b->each;
        ft_mangle(mangled, s->salsa, p + i * stride, n);
        ft_salsa20_state(state[0], mangled, p + i * stride, 0);
        for (j = 1; j < b->each; j++) {
            memcpy(state[j], state[0], sizeof state[0]);
            state[j][8] = (uint32_t)j;
        }
    }
    ft_salsa20_many((const uint32_t(*)[16])b->states, count * b->each, b->blocks);
    for (i = 0; i < count; i++) memcpy(b->keys + 64 * i, b->blocks + 64 * i * b->each, 64);
    ft_wipe(mangled, sizeof mangled);
}

static void ft_batch_end(ft_salsa_batch *b, size_t count) {
    ft_wipe(b->states, 64 * count * b->each);
    ft_wipe(b->blocks, 64 * count * b->each);
    ft_wipe(b->keys, 64 * count);
}

/* Body of packet i XOR stream. */
static void ft_batch_crypt(ft_salsa_batch *b, size_t i, unsigned char *p, size_t n) {
    if (b->each > 1) {
        const unsigned char *stream = b->blocks + 64 * (i * b->each + 1);
        size_t j;
        for (j = 0; j < n - 27; j++) p[27 + j] ^= stream[j];
    } else {
        b->states[i][8] = 1;
        ft_salsa20_run(b->states[i], 12, p + 27, p + 27, n - 27);
    }
}

/* Seal up to FT_SALSA_BATCH packets of n bytes, flags final. */
static void ft_batch_seal(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t n, int suite) {
    ft_salsa_batch b;
    unsigned char tags[16 * FT_SALSA_BATCH];
    size_t i;
    ft_batch_begin(&b, s, p, stride, count, n, suite);
    for (i = 0; i < count && suite == 1; i++) ft_batch_crypt(&b, i, p + i * stride, n);
    ft_poly1305_many(tags, p + 27, stride, count, n - 27, b.keys);
    for (i = 0; i < count; i++) memcpy(p + i * stride + 19, tags + 16 * i, 8);
    ft_batch_end(&b, count);
}

/* Verify, then decrypt up to FT_SALSA_BATCH packets of n bytes; a forged one stays as it is. */
static void ft_batch_open(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t n, int suite,
                          unsigned char *verdicts) {
    ft_salsa_batch b;
    unsigned char tags[16 * FT_SALSA_BATCH];
    size_t i;
    ft_batch_begin(&b, s, p, stride, count, n, suite);
    ft_poly1305_many(tags, p + 27, stride, count, n - 27, b.keys);
    for (i = 0; i < count; i++) {
        verdicts[i] = (ft_be64(tags + 16 * i) ^ ft_be64(p + i * stride + 19)) == 0;
        FT_DECLASSIFY(verdicts + i, 1);
        if (verdicts[i] && suite == 1) ft_batch_crypt(&b, i, p + i * stride, n);
    }
    ft_batch_end(&b, count);
}

/* Packets from the i-th on that one batch takes: at most `most`, and a shorter last one by itself. */
static size_t ft_equal(size_t i, size_t count, size_t stride, size_t last, size_t most) {
    size_t n = count - i < most ? count - i : most;
    return n > 1 && i + n == count && last != stride ? n - 1 : n;
}

static void ft_batches_seal(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                            int suite) {
    size_t i, n;
    for (i = 0; i < count; i += n) {
        n = ft_equal(i, count, stride, last, FT_SALSA_BATCH);
        ft_batch_seal(s, p + i * stride, stride, n, i + n < count ? stride : last, suite);
    }
}

static void ft_batches_open(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last, int suite,
                            unsigned char *verdicts) {
    size_t i, n;
    for (i = 0; i < count; i += n) {
        n = ft_equal(i, count, stride, last, FT_SALSA_BATCH);
        ft_batch_open(s, p + i * stride, stride, n, i + n < count ? stride : last, suite, verdicts + i);
    }
}

#endif
