/* The Internet checksum (RFC 1071): one's complement sum of big-endian 16-bit words. */
#ifndef FASTZT_CHECKSUM_H
#define FASTZT_CHECKSUM_H

#include "bytes.h"
#include "checksum_avx2.h"
#include "cpu.h"

typedef uint64_t (*ft_checksum_fn)(const unsigned char *p, size_t n);
typedef uint64_t (*ft_checksum_copy_fn)(unsigned char *to, const unsigned char *p, size_t n);

/* Native 32-bit words into 64 bits: the order of bytes inside a word does not matter to the sum (RFC 1071 section
 * 2.B), and 2^32 words fit. A plain loop, of which the compiler makes vectors. */
FT_INLINE uint64_t ft_words_body(const unsigned char *p, size_t n) {
    uint64_t sum = 0;
    uint32_t word;
    unsigned char last[4] = {0};
    size_t i, words = n / 4;
    for (i = 0; i < words; i++) {
        memcpy(&word, p + 4 * i, 4);
        sum += word;
    }
    memcpy(last, p + 4 * words, n & 3);
    memcpy(&word, last, 4);
    return sum + word;
}

/* The same while the bytes, which do not overlap, are copied. */
FT_INLINE uint64_t ft_words_copy_body(unsigned char *FT_RESTRICT to, const unsigned char *FT_RESTRICT p, size_t n) {
    uint64_t sum = 0;
    uint32_t word;
    unsigned char last[4] = {0};
    size_t i, words = n / 4;
    for (i = 0; i < words; i++) {
        memcpy(&word, p + 4 * i, 4);
        memcpy(to + 4 * i, &word, 4);
        sum += word;
    }
    memcpy(last, p + 4 * words, n & 3);
    memcpy(to + 4 * words, last, n & 3);
    memcpy(&word, last, 4);
    return sum + word;
}

static uint64_t ft_words_portable(const unsigned char *p, size_t n) { return ft_words_body(p, n); }
static uint64_t ft_words_copy_portable(unsigned char *to, const unsigned char *p, size_t n) {
    return ft_words_copy_body(to, p, n);
}
static ft_checksum_fn ft_words = ft_words_portable;
static ft_checksum_copy_fn ft_words_copy = ft_words_copy_portable;

#ifdef FT_X86
FT_AVX2_TARGET static uint64_t ft_words_avx2(const unsigned char *p, size_t n) {
    return n < 64 ? ft_words_body(p, n) : ft_words_y(NULL, p, n, 0);
}
FT_AVX2_TARGET static uint64_t ft_words_copy_avx2(unsigned char *to, const unsigned char *p, size_t n) {
    return n < 64 ? ft_words_copy_body(to, p, n) : ft_words_y(to, p, n, 1);
}
#endif

static void ft_checksum_setup(void) {
#ifdef FT_X86
    if (ft_cpu_detect().level >= FT_AVX2) {
        ft_words = ft_words_avx2;
        ft_words_copy = ft_words_copy_avx2;
    }
#endif
}

/* A sum of native words and `initial`, folded to 16 bits. */
static uint32_t ft_fold(uint64_t sum, uint64_t initial) {
    const union {
        uint16_t word;
        unsigned char bytes[2];
    } order = {1};
    uint32_t low;
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    low = (uint32_t)((sum & 0xffff) + (sum >> 16));
    if (order.bytes[0]) low = ((low & 0xff) << 8) | (low >> 8);
    initial = (initial & 0xffffffff) + (initial >> 32) + low;
    initial = (initial & 0xffff) + (initial >> 16);
    initial = (initial & 0xffff) + (initial >> 16);
    return (uint32_t)((initial & 0xffff) + (initial >> 16));
}

/* The sum of n bytes at p and of `initial`, folded to 16 bits. */
static uint32_t ft_sum16(const unsigned char *p, size_t n, uint64_t initial) { return ft_fold(ft_words(p, n), initial); }

/* The same while they are copied. */
static uint32_t ft_copy_sum16(unsigned char *to, const unsigned char *p, size_t n, uint64_t initial) {
    return ft_fold(ft_words_copy(to, p, n), initial);
}

#endif
