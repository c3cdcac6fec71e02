/* Packet armor (VL1 section 3): suites 0, 1 and 3 over batches of packets, in place.
 *
 * Every packet is at least 28 bytes: packet id 0, destination 8, source 13, flags 18, MAC 19, body 27. */
#ifndef FASTZT_ARMOR_H
#define FASTZT_ARMOR_H

#include "session.h"

#ifndef FT_MODULE_ARMOR
/* A module that cimports SessionKey needs its layout alone. Cython copies the inline functions of armor.pxd into it,
 * unused; called there, they would not link. */
void ft_armor_setup(void);
void ft_session_init(ft_session *s, const unsigned char *key, const unsigned char *k0, const unsigned char *k1);
void ft_session_wipe(ft_session *s);
int ft_dearmor(const ft_session *s, unsigned char *p, size_t n);
void ft_armor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last, int suite);
size_t ft_dearmor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                        unsigned char *verdicts);
void ft_mask_tail(const ft_session *s, unsigned char *p, size_t start, size_t n);
#else
#include "gmac_siv.h"
#include "poly1305.h"
#include "salsa20.h"

static void ft_session_init(ft_session *s, const unsigned char *key, const unsigned char *k0, const unsigned char *k1) {
    memcpy(s->salsa, key, 32);
    memcpy(s->k0, k0, 32);
    memcpy(s->k1, k1, 32);
    ft_siv_init(&s->siv, k0, k1);
}

static void ft_session_wipe(ft_session *s) { ft_wipe(s, sizeof *s); }

static void ft_armor_setup(void) {
    ft_salsa20_setup();
    ft_poly1305_setup();
    ft_siv_setup();
}

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

static void ft_salsa_begin(ft_salsa_batch *b, const ft_session *s, const unsigned char *p, size_t stride, size_t count,
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

static void ft_salsa_end(ft_salsa_batch *b, size_t count) {
    ft_wipe(b->states, 64 * count * b->each);
    ft_wipe(b->blocks, 64 * count * b->each);
    ft_wipe(b->keys, 64 * count);
}

/* Body of packet i XOR stream. */
static void ft_salsa_crypt(ft_salsa_batch *b, size_t i, unsigned char *p, size_t n) {
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
static void ft_salsa_seal(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t n, int suite) {
    ft_salsa_batch b;
    unsigned char tags[16 * FT_SALSA_BATCH];
    size_t i;
    ft_salsa_begin(&b, s, p, stride, count, n, suite);
    for (i = 0; i < count && suite == 1; i++) ft_salsa_crypt(&b, i, p + i * stride, n);
    ft_poly1305_many(tags, p + 27, stride, count, n - 27, b.keys);
    for (i = 0; i < count; i++) memcpy(p + i * stride + 19, tags + 16 * i, 8);
    ft_salsa_end(&b, count);
}

/* Verify, then decrypt up to FT_SALSA_BATCH packets of n bytes; a forged one stays as it is. */
static void ft_salsa_open(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t n, int suite,
                          unsigned char *verdicts) {
    ft_salsa_batch b;
    unsigned char tags[16 * FT_SALSA_BATCH];
    size_t i;
    ft_salsa_begin(&b, s, p, stride, count, n, suite);
    ft_poly1305_many(tags, p + 27, stride, count, n - 27, b.keys);
    for (i = 0; i < count; i++) {
        verdicts[i] = (ft_be64(tags + 16 * i) ^ ft_be64(p + i * stride + 19)) == 0;
        if (verdicts[i] && suite == 1) ft_salsa_crypt(&b, i, p + i * stride, n);
    }
    ft_salsa_end(&b, count);
}

/* Packets from the i-th on that one batch takes: at most `most`, and a shorter last one by itself. */
static size_t ft_equal(size_t i, size_t count, size_t stride, size_t last, size_t most) {
    size_t n = count - i < most ? count - i : most;
    return n > 1 && i + n == count && last != stride ? n - 1 : n;
}

/* Seal `count` packets of `stride` bytes, the last one of `last`: fragmented bit kept, hops cleared. */
static void ft_armor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last, int suite) {
    size_t i, n;
    for (i = 0; i < count; i++) {
        unsigned char *flags = p + i * stride + 18;
        *flags = (unsigned char)((*flags & 0x40) | (suite << 3) | (suite == 1 ? 0x80 : 0));
    }
    for (i = 0; i < count && suite == 3; i += n) {
        n = count - i < FT_SIV_BATCH ? count - i : FT_SIV_BATCH;
        ft_siv_seal(&s->siv, p + i * stride, stride, n, i + n < count ? stride : last);
    }
    for (i = 0; i < count && suite != 3; i += n) {
        n = ft_equal(i, count, stride, last, FT_SALSA_BATCH);
        ft_salsa_seal(s, p + i * stride, stride, n, i + n < count ? stride : last, suite);
    }
}

static int ft_suite(const unsigned char *p) { return (p[18] >> 3) & 7; }

/* How many packets from p on have the suite of the first; at most `most`. */
static size_t ft_run(const unsigned char *p, size_t stride, size_t most) {
    size_t n = 1;
    while (n < most && ft_suite(p + n * stride) == ft_suite(p)) n++;
    return n;
}

/* Verify and decrypt `count` packets by the suites of their headers; the number of genuine ones. */
static size_t ft_dearmor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                               unsigned char *verdicts) {
    size_t i, n, good = 0;
    for (i = 0; i < count; i += n) {
        unsigned char *first = p + i * stride;
        int suite = ft_suite(first);
        n = ft_run(first, stride, count - i < FT_SIV_BATCH ? count - i : FT_SIV_BATCH);
        if (suite == 3) {
            ft_siv_open(&s->siv, first, stride, n, i + n < count ? stride : last, verdicts + i);
        } else if (suite > 1) {
            memset(verdicts + i, 0, n);
        } else {
            n = ft_equal(i, i + n, stride, i + n < count ? stride : last, FT_SALSA_BATCH);
            ft_salsa_open(s, first, stride, n, i + n < count ? stride : last, suite, verdicts + i);
        }
    }
    for (i = 0; i < count; i++) good += verdicts[i];
    return good;
}

static int ft_dearmor(const ft_session *s, unsigned char *p, size_t n) {
    unsigned char verdict = 0;
    ft_dearmor_batch(s, p, n, 1, n, &verdict);
    return verdict;
}

/* p[start:n] ^= Salsa20/12 under the plain key, the id's low three bits cleared: section 3.2. */
static void ft_mask_tail(const ft_session *s, unsigned char *p, size_t start, size_t n) {
    unsigned char iv[8];
    memcpy(iv, p, 8);
    iv[7] &= 0xf8;
    ft_salsa20_xor(s->salsa, iv, 0, 12, p + start, n - start);
}

#endif
#endif
