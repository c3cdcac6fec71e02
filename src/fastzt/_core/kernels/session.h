/* What one session key holds in memory. */
#ifndef FASTZT_SESSION_H
#define FASTZT_SESSION_H

#include <stddef.h>
#include <stdint.h>

#define FT_POWERS 128

/* Without AES instructions: round keys as planes (see aes_bitsliced.h), and the hash key H. */
typedef struct {
    uint64_t key0[120], key1[120], h[2];
} ft_siv_plain;

/* With them: round keys, those of decryption under K1, H^128 .. H^1 and the XOR of each power's halves, twice. */
typedef struct {
    unsigned char key0[240], key1[240], inverse1[240];
    unsigned char powers[16 * FT_POWERS], folded[16 * FT_POWERS];
} ft_siv_fast;

struct ft_siv_ops;

/* The operations are those that made the key: the two forms have nothing in common. */
typedef struct {
    const struct ft_siv_ops *ops;
    union {
        ft_siv_plain plain;
        ft_siv_fast fast;
    };
} ft_siv_key;

typedef struct {
    unsigned char salsa[32], k0[32], k1[32];
    ft_siv_key siv;
} ft_session;

#endif
