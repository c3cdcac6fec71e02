/* Unaligned big- and little-endian loads and stores. */
#ifndef FASTZT_BYTES_H
#define FASTZT_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t ft_be16(const unsigned char *p) { return (uint16_t)(((uint32_t)p[0] << 8) | p[1]); }
static inline uint32_t ft_be32(const unsigned char *p) {
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}
static inline uint64_t ft_be64(const unsigned char *p) { return ((uint64_t)ft_be32(p) << 32) | ft_be32(p + 4); }
static inline uint64_t ft_be40(const unsigned char *p) { return ((uint64_t)p[0] << 32) | ft_be32(p + 1); }
static inline uint64_t ft_be48(const unsigned char *p) { return ((uint64_t)ft_be16(p) << 32) | ft_be32(p + 2); }
static inline void ft_put_be16(unsigned char *p, uint16_t v) {
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}
static inline void ft_put_be32(unsigned char *p, uint32_t v) {
    p[0] = (unsigned char)(v >> 24);
    p[1] = (unsigned char)(v >> 16);
    p[2] = (unsigned char)(v >> 8);
    p[3] = (unsigned char)v;
}
static inline void ft_put_be64(unsigned char *p, uint64_t v) {
    ft_put_be32(p, (uint32_t)(v >> 32));
    ft_put_be32(p + 4, (uint32_t)v);
}
static inline void ft_put_be40(unsigned char *p, uint64_t v) {
    p[0] = (unsigned char)(v >> 32);
    ft_put_be32(p + 1, (uint32_t)v);
}
static inline void ft_put_be48(unsigned char *p, uint64_t v) {
    ft_put_be16(p, (uint16_t)(v >> 32));
    ft_put_be32(p + 2, (uint32_t)v);
}
static inline uint32_t ft_le32(const unsigned char *p) {
    return ((uint32_t)p[3] << 24) | ((uint32_t)p[2] << 16) | ((uint32_t)p[1] << 8) | p[0];
}
static inline uint64_t ft_le64(const unsigned char *p) { return ((uint64_t)ft_le32(p + 4) << 32) | ft_le32(p); }
static inline void ft_put_le32(unsigned char *p, uint32_t v) {
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
    p[2] = (unsigned char)(v >> 16);
    p[3] = (unsigned char)(v >> 24);
}
static inline void ft_put_le64(unsigned char *p, uint64_t v) {
    ft_put_le32(p, (uint32_t)v);
    ft_put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
