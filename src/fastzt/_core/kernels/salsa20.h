/* Salsa20 with 12 or 20 rounds as a counter-mode stream: 64-byte blocks, 64-bit nonce, 64-bit block counter. */
#ifndef FASTZT_SALSA20_H
#define FASTZT_SALSA20_H

#include "bytes.h"
#include "cpu.h"

typedef void (*ft_salsa20_many_fn)(const uint32_t (*states)[16], size_t count, unsigned char *out);
typedef void (*ft_salsa20_blocks_fn)(const uint32_t *state, int rounds, const unsigned char *in, unsigned char *out,
                                     size_t n);

static void ft_salsa20_state(uint32_t *x, const unsigned char *key, const unsigned char *iv, uint64_t counter) {
    int i;
    x[0] = 0x61707865;
    x[5] = 0x3320646e;
    x[10] = 0x79622d32;
    x[15] = 0x6b206574;
    for (i = 0; i < 4; i++) {
        x[1 + i] = ft_le32(key + 4 * i);
        x[11 + i] = ft_le32(key + 16 + 4 * i);
    }
    x[6] = ft_le32(iv);
    x[7] = ft_le32(iv + 4);
    x[8] = (uint32_t)counter;
    x[9] = (uint32_t)(counter >> 32);
}

static inline uint32_t ft_rotl32(uint32_t v, int n) { return (v << n) | (v >> (32 - n)); }

#define FT_QUARTER(a, b, c, d)     \
    b ^= ft_rotl32(a + d, 7);      \
    c ^= ft_rotl32(b + a, 9);      \
    d ^= ft_rotl32(c + b, 13);     \
    a ^= ft_rotl32(d + c, 18);

static void ft_salsa20_block(const uint32_t *state, int rounds, uint64_t counter, unsigned char *out) {
    uint32_t x[16], initial[16];
    int i;
    memcpy(initial, state, sizeof initial);
    initial[8] = (uint32_t)counter;
    initial[9] = (uint32_t)(counter >> 32);
    memcpy(x, initial, sizeof x);
    for (i = 0; i < rounds; i += 2) {
        FT_QUARTER(x[0], x[4], x[8], x[12])
        FT_QUARTER(x[5], x[9], x[13], x[1])
        FT_QUARTER(x[10], x[14], x[2], x[6])
        FT_QUARTER(x[15], x[3], x[7], x[11])
        FT_QUARTER(x[0], x[1], x[2], x[3])
        FT_QUARTER(x[5], x[6], x[7], x[4])
        FT_QUARTER(x[10], x[11], x[8], x[9])
        FT_QUARTER(x[15], x[12], x[13], x[14])
    }
    for (i = 0; i < 16; i++) ft_put_le32(out + 4 * i, x[i] + initial[i]);
}

/* out = in XOR stream for a few bytes; in may be NULL, which stands for zeros, or out. */
FT_INLINE void ft_xor(const unsigned char *stream, const unsigned char *in, unsigned char *out, size_t n) {
    uint64_t a, b = 0;
    for (; n >= 8; stream += 8, out += 8, n -= 8) {
        memcpy(&a, stream, 8);
        if (in != NULL) {
            memcpy(&b, in, 8);
            in += 8;
        }
        a ^= b;
        memcpy(out, &a, 8);
    }
    for (; n > 0; n--) *out++ = (unsigned char)(*stream++ ^ (in != NULL ? *in++ : 0));
}

/* out = in XOR stream, n bytes from the state's counter on; in may be out, and NULL stands for zeros. */
static void ft_salsa20_portable(const uint32_t *state, int rounds, const unsigned char *in, unsigned char *out,
                                size_t n) {
    unsigned char block[64];
    uint64_t counter = ((uint64_t)state[9] << 32) | state[8];
    while (n > 0) {
        size_t i, step = n < 64 ? n : 64;
        ft_salsa20_block(state, rounds, counter++, block);
        if (in != NULL) {
            for (i = 0; i < step; i++) out[i] = in[i] ^ block[i];
            in += step;
        } else {
            memcpy(out, block, step);
        }
        out += step;
        n -= step;
    }
    ft_wipe(block, sizeof block);
}

/* The blocks of `count` states, each with its counter, at 12 rounds. */
FT_UNUSED static void ft_salsa20_many_portable(const uint32_t (*states)[16], size_t count, unsigned char *out) {
    size_t i;
    for (i = 0; i < count; i++)
        ft_salsa20_block(states[i], 12, ((uint64_t)states[i][9] << 32) | states[i][8], out + 64 * i);
}

static ft_salsa20_blocks_fn ft_salsa20_run = ft_salsa20_portable;
FT_UNUSED static ft_salsa20_many_fn ft_salsa20_many = ft_salsa20_many_portable;

#include "salsa20_avx512.h"
#include "salsa20_lanes.h"

/* The widest version for this processor. */
FT_UNUSED static void ft_salsa20_choose(ft_cpu cpu) {
    ft_salsa20_run = ft_salsa20_portable;
    ft_salsa20_many = ft_salsa20_many_portable;
#ifdef FT_LANES4
    if (cpu.level >= FT_SIMD128) ft_salsa20_run = ft_salsa20_lanes4;
#endif
#ifdef FT_X86
    if (cpu.level >= FT_AVX2) ft_salsa20_run = ft_salsa20_lanes8;
    if (cpu.level >= FT_AVX512) {
        ft_salsa20_run = ft_salsa20_avx512;
        ft_salsa20_many = ft_salsa20_many16;
    }
#endif
    (void)cpu;
}

FT_UNUSED static void ft_salsa20_setup(void) { ft_salsa20_choose(ft_cpu_detect()); }

/* p[0:n] ^= Salsa20/rounds(key, iv) from block `counter` on. */
FT_UNUSED static void ft_salsa20_xor(const unsigned char *key, const unsigned char *iv, uint64_t counter, int rounds,
                                     unsigned char *p, size_t n) {
    uint32_t state[16];
    ft_salsa20_state(state, key, iv, counter);
    ft_salsa20_run(state, rounds, p, p, n);
    ft_wipe(state, sizeof state);
}

#endif
