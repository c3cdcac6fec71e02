/* One block a register for siv_width.h and siv_fast.h: SSE4.1 with AES-NI and PCLMULQDQ. */
#ifndef FASTZT_SIV_X86_H
#define FASTZT_SIV_X86_H

#include "cpu.h"

#ifdef FT_X86
#define FT_AES 1
#define FT_AES_TARGET FT_TARGET("aes,pclmul,ssse3,sse4.1")

typedef __m128i ft_reg_x;
#define ft_load_x(p) _mm_loadu_si128((const __m128i *)(p))
#define ft_store_x(p, v) _mm_storeu_si128((__m128i *)(p), v)
#define ft_key_x ft_load_x
#define ft_zero_x _mm_setzero_si128
#define ft_xor_x _mm_xor_si128
#define ft_and_x _mm_and_si128
#define ft_add_x _mm_add_epi32
#define ft_halves_x(v) _mm_shuffle_epi32(v, 0x4e) /* exchanged */
#define ft_up_x(v) _mm_slli_si128(v, 8)
#define ft_down_x(v) _mm_srli_si128(v, 8)
#define ft_pair_x(high, low) _mm_set_epi64x((long long)(high), (long long)(low))
#define ft_counters_x(n) _mm_set_epi32(0, 0, 0, n)
#define ft_places_x _mm_shuffle_epi8 /* bytes of the first by the places in the second, 0x80 gives 0 */
#define ft_clmul_x _mm_clmulepi64_si128

/* Encryption takes round keys 0 (begin), 1 .. 13 and 14 (end); decryption is the same with the inverse rounds. */
#define ft_aes_begin_x(v, schedule) ft_xor_x(v, ft_key_x(schedule))
#define ft_aes_key_x(round) (16 * ((round) + 1))
#define ft_aes_round_x _mm_aesenc_si128
#define ft_aes_end_x(v, schedule) _mm_aesenclast_si128(v, ft_key_x((schedule) + 224))
#define ft_unaes_round_x _mm_aesdec_si128
#define ft_unaes_end_x(v, schedule) _mm_aesdeclast_si128(v, ft_key_x((schedule) + 224))
#define ft_unmix_x _mm_aesimc_si128
#endif

#endif
