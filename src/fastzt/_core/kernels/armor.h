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
void ft_armor(const ft_session *s, unsigned char *p, size_t n, int suite);
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

/* The state at block 0 and that block: its first half is the one-time key of Poly1305. */
static void ft_salsa_begin(uint32_t *state, unsigned char *block, const ft_session *s, const unsigned char *p,
                           size_t n) {
    unsigned char mangled[32];
    ft_mangle(mangled, s->salsa, p, n);
    ft_salsa20_state(state, mangled, p, 0);
    ft_salsa20_block(state, 12, 0, block);
    state[8] = 1;
    ft_wipe(mangled, sizeof mangled);
}

static void ft_salsa_seal(const ft_session *s, unsigned char *p, size_t n, int encrypt) {
    uint32_t state[16];
    unsigned char block[64], tag[16];
    ft_salsa_begin(state, block, s, p, n);
    if (encrypt) ft_salsa20_run(state, 12, p + 27, p + 27, n - 27);
    ft_poly1305(tag, p + 27, n - 27, block);
    memcpy(p + 19, tag, 8);
    ft_wipe(block, sizeof block);
    ft_wipe(state, sizeof state);
}

static int ft_salsa_open(const ft_session *s, unsigned char *p, size_t n, int encrypted) {
    uint32_t state[16];
    unsigned char block[64], tag[16];
    int good;
    ft_salsa_begin(state, block, s, p, n);
    ft_poly1305(tag, p + 27, n - 27, block);
    good = (ft_be64(tag) ^ ft_be64(p + 19)) == 0;
    if (good && encrypted) ft_salsa20_run(state, 12, p + 27, p + 27, n - 27);
    ft_wipe(block, sizeof block);
    ft_wipe(state, sizeof state);
    return good;
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
    for (i = 0; i < count && suite != 3; i++)
        ft_salsa_seal(s, p + i * stride, i + 1 < count ? stride : last, suite == 1);
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
    size_t i, j, n, good = 0;
    for (i = 0; i < count; i += n) {
        unsigned char *first = p + i * stride;
        int suite = ft_suite(first);
        size_t end;
        n = ft_run(first, stride, count - i < FT_SIV_BATCH ? count - i : FT_SIV_BATCH);
        end = i + n < count ? stride : last;
        if (suite == 3) {
            ft_siv_open(&s->siv, first, stride, n, end, verdicts + i);
        } else {
            for (j = 0; j < n; j++)
                verdicts[i + j] = suite > 1 ? 0 : (unsigned char)ft_salsa_open(s, first + j * stride,
                                                                              j + 1 < n ? stride : end, suite);
        }
    }
    for (i = 0; i < count; i++) good += verdicts[i];
    return good;
}

static void ft_armor(const ft_session *s, unsigned char *p, size_t n, int suite) {
    ft_armor_batch(s, p, n, 1, n, suite);
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
