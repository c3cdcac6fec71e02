/* AES-256 block, counter mode and GMAC by themselves, each under a key of its own. */
#ifndef FASTZT_AES256_H
#define FASTZT_AES256_H

#include "gmac_siv.h"

static void ft_aes256_blocks(const unsigned char *key, unsigned char *block, int which) {
    ft_siv_key s;
    ft_siv_init(&s, key, key);
    s.ops->blocks(&s, which, block, 1);
    ft_wipe(&s, sizeof s);
}

static void ft_aes256_block(const unsigned char *key, unsigned char *block) {
    ft_aes256_blocks(key, block, FT_ENCRYPT1);
}

static void ft_aes256_unblock(const unsigned char *key, unsigned char *block) {
    ft_aes256_blocks(key, block, FT_DECRYPT1);
}

/* SP 800-38A: the counter is 128 bits wide, so a carry out of the low 32 starts a new run of blocks. */
static void ft_aes256_ctr(const unsigned char *key, const unsigned char *counter, unsigned char *p, size_t n) {
    ft_siv_key s;
    unsigned char at[16];
    uint64_t high = ft_be64(counter), low = ft_be64(counter + 8);
    ft_siv_init(&s, key, key);
    while (n > 0) {
        size_t blocks = (size_t)(0xffffffff - (low & 0xffffffff)) + 1;
        size_t step = n / 16 < blocks ? n : 16 * blocks;
        ft_put_be64(at, high);
        ft_put_be64(at + 8, low);
        s.ops->ctr(&s, at, p, step);
        low += blocks;
        if (low == 0) high++;
        p += step;
        n -= step;
    }
    ft_wipe(&s, sizeof s);
}

static void ft_aes256_gmac(const unsigned char *key, const unsigned char *iv12, const unsigned char *data, size_t n,
                           unsigned char *tag) {
    unsigned char y[16];
    ft_siv_key s;
    ft_siv_init(&s, key, key);
    memcpy(tag, iv12, 12);
    ft_put_be32(tag + 12, 1);
    s.ops->blocks(&s, FT_ENCRYPT0, tag, 1);
    s.ops->ghash(&s, NULL, data, n, y);
    ft_put_be64(tag, ft_be64(tag) ^ ft_be64(y));
    ft_put_be64(tag + 8, ft_be64(tag + 8) ^ ft_be64(y + 8));
    ft_wipe(&s, sizeof s);
}

#endif
