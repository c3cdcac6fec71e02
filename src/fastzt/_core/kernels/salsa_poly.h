/* Salsa20/12 of some packets beside Poly1305 of others (suites 0 and 1): the cipher's rounds occupy the vector units,
 * the tag the scalar multiplier, so blocks of messages go between quarter rounds; of two messages, as each is one long
 * chain of multiplications.
 *
 * The blocks of a run of packets stand in one stream, block 0 of a packet (its Poly1305 key) a few packets ahead of its
 * body. Each pass takes the next FT_LANES of them, whichever packets they belong to, so that no length leaves lanes
 * idle. Sealing, a packet is authenticated after its last pass; opening, before its first. */
#ifndef FASTZT_SALSA_POLY_H
#define FASTZT_SALSA_POLY_H

#include "poly1305_64.h"
#include "salsa20.h"
#include "session.h"

#if defined(FT_LANES4) && defined(__SIZEOF_INT128__)
#define FT_SALSA_POLY 1
#define FT_RUN_AHEAD 4 /* packets whose key is made before a body */
#define FT_RUN_RING 16 /* packets whose key is held: more than FT_RUN_AHEAD and those of one pass */

typedef struct {
    size_t packet, block; /* block 0 is the key, block b > 0 crypts bytes 64 (b - 1) and on of the body */
} ft_lane;

typedef struct {
    /* The messages in hand, two of equal length or one: state, place, whole blocks. All before `tagged` are done. */
    ft_poly64 hash[2];
    const unsigned char *m;
    size_t blocks, tagged;
    int busy; /* messages in hand */
    /* the run; verdicts are NULL when sealing */
    int encrypted;
    const ft_session *session;
    unsigned char *p, *verdicts;
    size_t stride, count, last;
    /* Packets whose block 0 has a lane, those whose block 0 came out, the body block that is next, bodies done. */
    size_t known, keyed, packet, block, crypted;
    ft_v4 mixed[FT_RUN_RING][2]; /* the key mixed with the header: words 1 .. 4 and 11 .. 14 of the state */
    unsigned char keys[FT_RUN_RING][32];
} ft_run;

static size_t ft_run_length(const ft_run *run, size_t i) { return i + 1 < run->count ? run->stride : run->last; }

/* The key of a packet: the session's mixed with the header and the length, hops masked (section 3.1). */
static void ft_run_mix(ft_run *run, size_t i) {
    ft_v4 *mixed = run->mixed[i % FT_RUN_RING];
    const unsigned char *p = run->p + i * run->stride, *key = run->session->salsa;
    uint32_t n = (uint32_t)ft_run_length(run, i);
    uint32_t end = p[16] | ((uint32_t)p[17] << 8) | ((uint32_t)(p[18] & 0xf8) << 16) | ((n & 0xff) << 24);
    mixed[0] = *(const ft_any4 *)key ^ *(const ft_any4 *)p;
    mixed[1] = *(const ft_any4 *)(key + 16) ^ (ft_v4){end, n >> 8 & 0xff, 0, 0};
}

static void ft_run_verdict(ft_run *run, size_t i, ft_poly64 *hash) {
    unsigned char tag[16], *p = run->p + i * run->stride;
    ft_poly64_finish(hash, tag, run->keys[i % FT_RUN_RING]);
    if (run->verdicts != NULL) {
        run->verdicts[i] = (ft_le64(tag) ^ ft_le64(p + 19)) == 0;
        FT_DECLASSIFY(run->verdicts + i, 1);
    } else {
        memcpy(p + 19, tag, 8);
    }
}

/* The rest of the messages in hand and their tags. */
static void ft_run_finish(ft_run *run) {
    size_t rest = (ft_run_length(run, run->tagged) - 27) % 16;
    const unsigned char *m = run->m;
    ft_poly64 a, b;
    ft_poly64_move(&a, &run->hash[0]);
    ft_poly64_move(&b, &run->hash[1]);
    if (run->busy == 2) {
        for (; run->blocks > 0; run->blocks--, m += 16) {
            ft_poly64_block(&a, m);
            ft_poly64_block(&b, m + run->stride);
        }
        if (rest > 0) {
            ft_poly64_tail(&a, m, rest);
            ft_poly64_tail(&b, m + run->stride, rest);
        }
        ft_run_verdict(run, run->tagged, &a);
        ft_run_verdict(run, run->tagged + 1, &b);
    } else {
        for (; run->blocks > 0; run->blocks--, m += 16) ft_poly64_block(&a, m);
        if (rest > 0) ft_poly64_tail(&a, m, rest);
        ft_run_verdict(run, run->tagged, &a);
    }
    run->tagged += (size_t)run->busy;
    run->busy = 0;
}

/* Take up two messages if they are ready, or one that has no partner or is wanted at once. */
static void ft_run_begin(ft_run *run, int at_once) {
    size_t ready = run->verdicts != NULL || !run->encrypted ? run->keyed : run->crypted, i = run->tagged;
    size_t n = ft_run_length(run, i);
    int pair = i + 1 < run->count && ft_run_length(run, i + 1) == n;
    if (i + (size_t)pair >= ready) {
        if (i >= ready || !at_once) return;
        pair = 0;
    }
    run->m = run->p + i * run->stride + 27;
    run->blocks = (n - 27) / 16;
    ft_poly64_start(&run->hash[0], run->keys[i % FT_RUN_RING]);
    if (pair) ft_poly64_start(&run->hash[1], run->keys[(i + 1) % FT_RUN_RING]);
    run->busy = 1 + pair;
}

/* Authenticate packets until there is a pair with at least `least` whole blocks left, or none. */
static __attribute__((noinline)) void ft_run_advance(ft_run *run, size_t least) {
    do {
        if (run->busy) ft_run_finish(run);
        if (run->tagged < run->count) ft_run_begin(run, 0);
    } while (run->busy == 1 || (run->busy == 2 && run->blocks < least));
}

/* Authenticate packet i and all before it. */
static void ft_run_tag_up_to(ft_run *run, size_t i) {
    while (run->tagged <= i) {
        if (!run->busy) ft_run_begin(run, 1);
        ft_run_finish(run);
    }
}

/* The next lane of the stream; 0 at its end. */
static int ft_run_lane(ft_run *run, ft_lane *lane) {
    if (run->known < run->count && run->known <= run->packet + FT_RUN_AHEAD) {
        if (run->known - run->tagged >= FT_RUN_RING) ft_run_tag_up_to(run, run->known - FT_RUN_RING);
        ft_run_mix(run, run->known);
        lane->packet = run->known++;
        lane->block = 0;
        if (!run->encrypted) run->packet++;
        return 1;
    }
    if (run->packet >= run->count || !run->encrypted) return 0;
    lane->packet = run->packet;
    lane->block = run->block++;
    if (64 * run->block >= ft_run_length(run, run->packet) - 27 + 64) {
        run->packet++;
        run->block = 1;
    }
    return 1;
}

/* Whether the next lanes are whole blocks of one body, which may be crypted at once. */
static int ft_run_whole(const ft_run *run, size_t lanes) {
    return (run->known == run->count || run->known > run->packet + FT_RUN_AHEAD) && run->packet < run->count &&
           run->encrypted && 64 * (run->block - 1 + lanes) <= ft_run_length(run, run->packet) - 27 &&
           (run->verdicts == NULL || (run->tagged > run->packet && run->verdicts[run->packet]));
}

/* What the 64 bytes of a lane are for that was no whole block of a body ready to be crypted. */
static void ft_run_deliver(ft_run *run, const ft_lane *lane, const unsigned char *stream) {
    size_t at = 27 + 64 * (lane->block - 1), n = ft_run_length(run, lane->packet);
    unsigned char *p = run->p + lane->packet * run->stride + at;
    if (lane->block == 0) {
        memcpy(run->keys[lane->packet % FT_RUN_RING], stream, 32);
        run->keyed = lane->packet + 1;
        return;
    }
    if (run->verdicts != NULL) {
        ft_run_tag_up_to(run, lane->packet);
        if (!run->verdicts[lane->packet]) return;
    }
    ft_xor(stream, p, p, n - at < 64 ? n - at : 64);
}

static void ft_run_init(ft_run *run, const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                        int suite, unsigned char *verdicts) {
    run->busy = 0;
    run->blocks = run->tagged = run->known = run->keyed = run->packet = run->crypted = 0;
    run->block = 1;
    run->session = s;
    run->p = p;
    run->verdicts = verdicts;
    run->stride = stride;
    run->count = count;
    run->last = last;
    run->encrypted = suite == 1;
}

static void ft_run_wipe(ft_run *run) {
    size_t used = run->count < FT_RUN_RING ? run->count : FT_RUN_RING;
    ft_wipe(run->hash, sizeof run->hash);
    ft_wipe(run->mixed, used * sizeof run->mixed[0]);
    ft_wipe(run->keys, used * sizeof run->keys[0]);
}

/* A block of either message between quarter rounds. The empty statements bind it to its place: the compiler would
 * else gather the scalar work in one lump. */
#define FT_TIE(x, hash) __asm__ volatile("" : FT_VECTOR(x), "+r"(hash.h0));
#define FT_SLOT_A(x) FT_TIE(x, a) FT_BLOCK(&a, m + 16 * at); FT_TIE(x, a)
#define FT_SLOT_B(x) FT_TIE(x, b) FT_BLOCK(&b, m + stride + 16 * at++); FT_TIE(x, b)

#define FT_RESUME(run)                      \
    ft_poly64_move(&a, &(run)->hash[0]);    \
    ft_poly64_move(&b, &(run)->hash[1]);    \
    m = (run)->m;                           \
    blocks = (run)->blocks;
#define FT_PAUSE(run)                       \
    ft_poly64_move(&(run)->hash[0], &a);    \
    ft_poly64_move(&(run)->hash[1], &b);    \
    (run)->m = m;                           \
    (run)->blocks = blocks;

#define FT_LANES 4
#define FT_LANES_TARGET FT_LANES4_TARGET
#define FT_BLOCK ft_poly64_block
#define FT_SLOTS 2
#define FT_SLOT_PLAN FT_SLOT_A, FT_SLOT_B, FT_NO_SLOT, FT_SLOT_A, FT_SLOT_B, FT_NO_SLOT
#include "salsa_poly_width.h"
#undef FT_LANES
#undef FT_LANES_TARGET
#undef FT_BLOCK
#undef FT_SLOTS
#undef FT_SLOT_PLAN

#ifdef FT_X86
#define FT_LANES 8
#define FT_LANES_TARGET FT_LANES8_TARGET
#define FT_BLOCK ft_poly64_block_mulx
#define FT_SLOTS 3
#define FT_SLOT_PLAN FT_SLOT_A, FT_SLOT_B, FT_SLOT_A, FT_SLOT_B, FT_SLOT_A, FT_SLOT_B
#include "salsa_poly_width.h"
#undef FT_LANES
#undef FT_LANES_TARGET
#undef FT_BLOCK
#undef FT_SLOTS
#undef FT_SLOT_PLAN
#endif
#endif

#endif
