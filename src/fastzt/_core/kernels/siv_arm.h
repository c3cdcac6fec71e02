/* One block a register for siv_width.h and siv_fast.h: NEON with the AES and PMULL instructions of ARMv8. */
#ifndef FASTZT_SIV_ARM_H
#define FASTZT_SIV_ARM_H

#include "cpu.h"

#ifdef FT_ARM
#define FT_AES 1
#define FT_AES_TARGET FT_ARM_AES_TARGET

typedef uint8x16_t ft_reg_x;
#define ft_load_x vld1q_u8
#define ft_store_x vst1q_u8
#define ft_key_x vld1q_u8
#define ft_zero_x() vdupq_n_u8(0)
#define ft_xor_x veorq_u8
#define ft_and_x vandq_u8
#define ft_add_x(a, b) vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)))
#define ft_halves_x(v) vextq_u8(v, v, 8) /* exchanged */
#define ft_up_x(v) vextq_u8(ft_zero_x(), v, 8)
#define ft_down_x(v) vextq_u8(v, ft_zero_x(), 8)
#define ft_pair_x(high, low) vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)))
#define ft_counters_x(n) ft_pair_x(0, n)
#define ft_places_x vqtbl1q_u8 /* bytes of the first by the places in the second, 0x80 gives 0 */
#define ft_clmul_x(a, b, halves) ((halves) ? ft_pmull_high(a, b) : ft_pmull_low(a, b))

FT_AES_TARGET FT_INLINE uint8x16_t ft_pmull_low(uint8x16_t a, uint8x16_t b) {
    poly64_t x = (poly64_t)vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
    poly64_t y = (poly64_t)vgetq_lane_u64(vreinterpretq_u64_u8(b), 0);
    return vreinterpretq_u8_p128(vmull_p64(x, y));
}

FT_AES_TARGET FT_INLINE uint8x16_t ft_pmull_high(uint8x16_t a, uint8x16_t b) {
    return vreinterpretq_u8_p128(vmull_high_p64(vreinterpretq_p64_u8(a), vreinterpretq_p64_u8(b)));
}

/* AESE and AESD add the round key before their round, not behind it. */
#define ft_aes_begin_x(v, schedule) (v)
#define ft_aes_key_x(round) (16 * (round))
#define ft_aes_round_x(v, key) vaesmcq_u8(vaeseq_u8(v, key))
#define ft_aes_end_x(v, schedule) ft_xor_x(vaeseq_u8(v, ft_key_x((schedule) + 208)), ft_key_x((schedule) + 224))
#define ft_unaes_round_x(v, key) vaesimcq_u8(vaesdq_u8(v, key))
#define ft_unaes_end_x(v, schedule) ft_xor_x(vaesdq_u8(v, ft_key_x((schedule) + 208)), ft_key_x((schedule) + 224))
#define ft_unmix_x vaesimcq_u8
#endif

#endif
