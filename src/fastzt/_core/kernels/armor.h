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
int ft_armor_choose(int level);
int ft_armor_level(void);
void ft_session_init(ft_session *s, const unsigned char *key, const unsigned char *k0, const unsigned char *k1);
void ft_session_wipe(ft_session *s);
int ft_dearmor(const ft_session *s, unsigned char *p, size_t n);
void ft_armor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last, int suite);
size_t ft_dearmor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                        unsigned char *verdicts);
void ft_mask_tail(const ft_session *s, unsigned char *p, size_t start, size_t n);
#else
#include "gmac_siv.h"
#include "salsa_batch.h"
#include "salsa_poly.h"

typedef void (*ft_salsa_seal_fn)(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                                 int suite);
typedef void (*ft_salsa_open_fn)(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                                 int suite, unsigned char *verdicts);
static ft_salsa_seal_fn ft_salsa_seal = ft_batches_seal;
static ft_salsa_open_fn ft_salsa_open = ft_batches_open;

static void ft_session_init(ft_session *s, const unsigned char *key, const unsigned char *k0, const unsigned char *k1) {
    memcpy(s->salsa, key, 32);
    memcpy(s->k0, k0, 32);
    memcpy(s->k1, k1, 32);
    ft_siv_init(&s->siv, k0, k1);
}

static void ft_session_wipe(ft_session *s) { ft_wipe(s, sizeof *s); }

static int ft_armor_chosen; /* level in use */

/* Take the kernels of a level, or of the highest below it that the processor has; returns the level taken. */
static int ft_armor_choose(int level) {
    ft_cpu cpu = ft_cpu_at(level);
    ft_salsa20_choose(cpu);
    ft_poly1305_choose(cpu);
    ft_siv_choose(cpu);
    ft_salsa_seal = ft_batches_seal;
    ft_salsa_open = ft_batches_open;
#ifdef FT_SALSA_POLY
    if (cpu.level == FT_SIMD128) {
        ft_salsa_seal = ft_run_seal4;
        ft_salsa_open = ft_run_open4;
    }
#ifdef FT_X86
    if (cpu.level == FT_AVX2 || cpu.level == FT_VAES) {
        ft_salsa_seal = ft_run_seal8;
        ft_salsa_open = ft_run_open8;
    }
#endif
#endif
    ft_armor_chosen = cpu.level;
    return cpu.level;
}

static void ft_armor_setup(void) { ft_armor_choose(ft_cpu_limit()); }
static int ft_armor_level(void) { return ft_armor_chosen; }

/* Seal `count` packets of `stride` bytes, the last one of `last`: fragmented bit kept, hops cleared. */
static void ft_armor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last, int suite) {
    size_t i, n;
    for (i = 0; i < count; i++) {
        unsigned char *flags = p + i * stride + 18;
        *flags = (unsigned char)((*flags & 0x40) | (suite << 3) | (suite == 1 ? 0x80 : 0));
    }
    if (suite != 3 && count > 0) ft_salsa_seal(s, p, stride, count, last, suite);
    for (i = 0; i < count && suite == 3; i += n) {
        n = count - i < FT_SIV_BATCH ? count - i : FT_SIV_BATCH;
        ft_siv_seal(&s->siv, p + i * stride, stride, n, i + n < count ? stride : last);
    }
}

static int ft_suite(const unsigned char *p) { return (p[18] >> 3) & 7; }

/* How many packets from p on have the suite of the first; at most `most`. */
static size_t ft_same_suite(const unsigned char *p, size_t stride, size_t most) {
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
        n = ft_same_suite(first, stride, count - i);
        if (suite == 3) {
            if (n > FT_SIV_BATCH) n = FT_SIV_BATCH;
            ft_siv_open(&s->siv, first, stride, n, i + n < count ? stride : last, verdicts + i);
        } else if (suite > 1) {
            memset(verdicts + i, 0, n);
        } else {
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
