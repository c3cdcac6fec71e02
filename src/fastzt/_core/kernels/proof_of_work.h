/* The memory-hard hash behind an address (VL1 section 2.2): 2 MiB filled from a Salsa20/20 stream, then mixed. */
#ifndef FASTZT_PROOF_OF_WORK_H
#define FASTZT_PROOF_OF_WORK_H

#include "salsa20.h"

#define FT_MEMORY 2097152
#define FT_MEMORY_WORDS (FT_MEMORY / 8)
#define FT_CHUNK 4096 /* stream bytes made at a time while mixing */

static void ft_xor64(unsigned char *to, const unsigned char *from) {
    uint64_t a[8], b[8];
    int i;
    memcpy(a, to, 64);
    memcpy(b, from, 64);
    for (i = 0; i < 8; i++) a[i] ^= b[i];
    memcpy(to, a, 64);
}

/* Key and nonce stay those of the first digest; the digest changes under them. */
static void ft_stream_at(const unsigned char *key, const unsigned char *iv, uint64_t block, unsigned char *out,
                         size_t n) {
    uint32_t state[16];
    ft_salsa20_state(state, key, iv, block);
    ft_salsa20_run(state, 20, NULL, out, n);
}

/* digest: SHA-512 of the public key on entry, the result on return; memory: FT_MEMORY bytes of scratch. */
static void ft_memory_hard(unsigned char *digest, unsigned char *memory) {
    unsigned char start[40], stream[FT_CHUNK], held[8];
    size_t n, at;
    memcpy(start, digest, 40);
    ft_stream_at(start, start + 32, 0, memory, FT_MEMORY);
    for (at = 64; at < FT_MEMORY; at += 64) ft_xor64(memory + at, memory + at - 64);
    for (n = 0; n < FT_MEMORY_WORDS; n += 2) {
        size_t used = n * 32 % FT_CHUNK;
        unsigned char *word, *other;
        if (used == 0) ft_stream_at(start, start + 32, FT_MEMORY / 64 + n / 2, stream, FT_CHUNK);
        word = digest + 8 * (ft_be64(memory + 8 * n) % 8);
        other = memory + 8 * (ft_be64(memory + 8 * n + 8) % FT_MEMORY_WORDS);
        memcpy(held, other, 8);
        memcpy(other, word, 8);
        memcpy(word, held, 8);
        ft_xor64(digest, stream + used);
    }
}

#endif
