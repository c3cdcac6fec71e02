/* What the processor offers, found once per module and limited by FASTZT_CPU=portable|sse2|neon|avx2|vaes|avx512.
 *
 * vaes is AVX2 with VAES and VPCLMULQDQ on 256 bits. */
#ifndef FASTZT_CPU_H
#define FASTZT_CPU_H

#include <stdlib.h>
#include <string.h>

#if !defined(_MSC_VER) && defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define FT_X86 1
#include <cpuid.h>
#include <immintrin.h>
#ifndef FT_TARGET
#define FT_TARGET(set) __attribute__((target(set)))
#endif
#define FT_VECTOR "+x" /* asm operand in a vector register */
#elif defined(__aarch64__) && defined(__AARCH64EL__) && (defined(__GNUC__) || defined(__clang__))
#define FT_ARM 1
#define FT_VECTOR "+w"
#include <arm_neon.h>
#if defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_CRYPTO)
#define FT_ARM_AES_TARGET
#elif defined(__clang__)
#define FT_ARM_AES_TARGET __attribute__((target("aes")))
#else
#define FT_ARM_AES_TARGET __attribute__((target("+crypto")))
#endif
#ifdef __linux__
#include <sys/auxv.h>
#endif
#endif

#if defined(__GNUC__) || defined(__clang__)
#define FT_INLINE static inline __attribute__((always_inline))
#define FT_RESTRICT __restrict__
#define FT_UNUSED __attribute__((unused))
#define FT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define FT_SCALAR(x) __asm__("" : "+r"(x)) /* keep x by itself in a general register */
#else
#define FT_INLINE static __inline
#define FT_RESTRICT
#define FT_UNUSED
#define FT_UNLIKELY(x) (x)
#define FT_SCALAR(x)
#endif

#define FT_JOIN_NOW(a, b) a##b
#define FT_JOIN(a, b) FT_JOIN_NOW(a, b)
#if defined(__GNUC__) || defined(__clang__)
#define FT_EACH(i, n) _Pragma("GCC unroll 16") for (i = 0; i < (n); i++) /* unrolled: arrays become registers */
#else
#define FT_EACH(i, n) for (i = 0; i < (n); i++)
#endif

enum { FT_PORTABLE = 0, FT_SIMD128 = 1, FT_AVX2 = 2, FT_VAES = 3, FT_AVX512 = 4 };

typedef struct {
    int level;  /* FT_PORTABLE .. FT_AVX512; FT_SIMD128 is SSE2 or NEON, FT_VAES is AVX2 with vaes */
    int aes;    /* AES-NI and PCLMULQDQ (with SSSE3, SSE4.1); AES and PMULL on ARM */
    int vaes;   /* VAES and VPCLMULQDQ */
    int ifma;   /* AVX-512 IFMA */
} ft_cpu;

/* By level; FT_SIMD128 has two names. */
static const char *const ft_cpu_names[] = {"portable", "sse2", "avx2", "vaes", "avx512"};

/* The level that FASTZT_CPU names, or the highest. */
static int ft_cpu_limit(void) {
    const char *name = getenv("FASTZT_CPU");
    int level = FT_AVX512;
    if (name == NULL) return level;
    if (strcmp(name, "neon") == 0) return FT_SIMD128;
    while (level > FT_PORTABLE && strcmp(name, ft_cpu_names[level]) != 0) level--;
    return level > FT_PORTABLE || strcmp(name, "portable") == 0 ? level : FT_AVX512;
}

#ifdef FT_X86
static unsigned long long ft_xcr0(void) {
    unsigned int low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((unsigned long long)high << 32) | low;
}

static ft_cpu ft_cpu_present(void) {
#ifdef FT_CPU_ASSUME /* where instructions are emulated */
    ft_cpu cpu = FT_CPU_ASSUME;
    return cpu;
#else
    ft_cpu cpu = {FT_PORTABLE, 0, 0, 0};
    unsigned int a, b, c, d, basic_c;
    unsigned long long state;
    if (!__get_cpuid(1, &a, &b, &basic_c, &d)) return cpu;
    if (d & (1u << 26)) cpu.level = FT_SIMD128;
    cpu.aes = (basic_c >> 25 & 1) && (basic_c >> 1 & 1) && (basic_c >> 9 & 1) && (basic_c >> 19 & 1);
    if (!(basic_c >> 27 & 1) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return cpu;
    state = ft_xcr0();  /* the system must save the wide registers: Intel SDM 13.3 */
    if ((state & 6) != 6 || !(b >> 5 & 1) || !(b >> 8 & 1)) return cpu; /* with BMI2: every such processor has it */
    cpu.vaes = cpu.aes && (c >> 9 & 1) && (c >> 10 & 1);
    cpu.level = cpu.vaes ? FT_VAES : FT_AVX2;
    if ((state & 0xe6) == 0xe6 && (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1)) {
        cpu.level = FT_AVX512;
        cpu.ifma = b >> 21 & 1;
    }
    return cpu;
#endif
}
#else
static ft_cpu ft_cpu_present(void) {
    ft_cpu cpu = {FT_PORTABLE, 0, 0, 0};
#ifdef FT_ARM
    cpu.level = FT_SIMD128;
#if defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_CRYPTO)
    cpu.aes = 1;
#elif defined(__linux__)
    cpu.aes = (getauxval(AT_HWCAP) >> 3 & 3) == 3; /* HWCAP_AES, HWCAP_PMULL */
#endif
#endif
    return cpu;
}
#endif

/* What is in use at a level. */
FT_UNUSED static ft_cpu ft_cpu_at(int limit) {
    ft_cpu cpu = ft_cpu_present();
    if (cpu.level > limit) cpu.level = limit;
    if (cpu.level == FT_VAES && !cpu.vaes) cpu.level = FT_AVX2;
    if (cpu.level < FT_AVX512) cpu.ifma = 0;
    if (cpu.level < FT_VAES) cpu.vaes = 0;
    if (cpu.level < FT_SIMD128) cpu.aes = 0;
    return cpu;
}

FT_UNUSED static ft_cpu ft_cpu_detect(void) { return ft_cpu_at(ft_cpu_limit()); }

/* Says that these bytes, though made from secrets, may be branched on: for tools that follow secrets. */
#ifndef FT_DECLASSIFY
#define FT_DECLASSIFY(p, n)
#endif

/* Overwrite a secret so that the compiler cannot drop the writes. */
FT_UNUSED static void ft_wipe(void *p, size_t n) {
#if defined(__GNUC__) || defined(__clang__)
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");
#else
    volatile unsigned char *q = (volatile unsigned char *)p;
    while (n--) *q++ = 0;
#endif
}

#endif
