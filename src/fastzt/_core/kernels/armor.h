/* Packet armor (VL1 section 3): suites 0, 1 and 3 over batches of packets, in place.
 *
 * Every packet is at least 28 bytes: packet id 0, destination 8, source 13, flags 18, MAC 19, body 27. */
#ifndef FASTZT_ARMOR_H
#define FASTZT_ARMOR_H

#include "session.h"

/* A module that cimports SessionKey needs the layout alone. */
#ifdef FT_MODULE_ARMOR
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

/* Seal one packet: fragmented bit kept, hops cleared, suite 0, 1 or 3. */
static void ft_armor(const ft_session *s, unsigned char *p, size_t n, int suite) {
    p[18] = (unsigned char)((p[18] & 0x40) | (suite << 3) | (suite == 1 ? 0x80 : 0));
    if (suite == 3)
        ft_siv_seal(&s->siv, p, n);
    else
        ft_salsa_seal(s, p, n, suite == 1);
}

/* Verify and decrypt one packet by the suite of its header; other suites fail. */
static int ft_dearmor(const ft_session *s, unsigned char *p, size_t n) {
    int suite = (p[18] >> 3) & 7;
    if (suite == 3) return ft_siv_open(&s->siv, p, n);
    if (suite > 1) return 0;
    return ft_salsa_open(s, p, n, suite);
}

static void ft_armor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last, int suite) {
    size_t i;
    for (i = 0; i < count; i++) ft_armor(s, p + i * stride, i + 1 < count ? stride : last, suite);
}

static size_t ft_dearmor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                               unsigned char *verdicts) {
    size_t i, good = 0;
    for (i = 0; i < count; i++) {
        verdicts[i] = (unsigned char)ft_dearmor(s, p + i * stride, i + 1 < count ? stride : last);
        good += verdicts[i];
    }
    return good;
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
