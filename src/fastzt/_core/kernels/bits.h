/* Index of the lowest and the highest bit that is set; x is not 0. */
#ifndef FASTZT_BITS_H
#define FASTZT_BITS_H

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
static inline int ft_lowest_bit(uint64_t x) {
    unsigned long i;
    if (_BitScanForward(&i, (unsigned long)x)) return (int)i;
    _BitScanForward(&i, (unsigned long)(x >> 32));
    return (int)i + 32;
}
static inline int ft_highest_bit(uint64_t x) {
    unsigned long i;
    if (_BitScanReverse(&i, (unsigned long)(x >> 32))) return (int)i + 32;
    _BitScanReverse(&i, (unsigned long)x);
    return (int)i;
}
#else
static inline int ft_lowest_bit(uint64_t x) { return __builtin_ctzll(x); }
static inline int ft_highest_bit(uint64_t x) { return 63 - __builtin_clzll(x); }
#endif

#endif
