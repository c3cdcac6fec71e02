/* The run of salsa_poly.h in FT_LANES lanes; included once for each width. FT_SLOTS blocks of each of two messages go
 * between the quarter rounds of a double round: at least FT_LANES / 3, as a block of the cipher is four of theirs. */

typedef struct {
    FT_WIDE(ft_v) initial[16];
    ft_lane lanes[FT_LANES];
    unsigned char *targets[FT_LANES], scratch[64 * FT_LANES];
} FT_WIDE(ft_pass);

#define FT_INVOKE(macro, ...) macro(__VA_ARGS__)

/* targets ^= the lanes' blocks, authenticating beside it. */
FT_LANES_TARGET static __attribute__((noinline)) void FT_WIDE(ft_run_pass)(ft_run *run, FT_WIDE(ft_pass) *pass) {
    FT_WIDE(ft_v) x[16], t;
    ft_poly64 a, b;
    const unsigned char *m;
    size_t blocks, stride = run->stride;
    int i, round, idle = 0;
    FT_RESUME(run)
    FT_EACH(i, 16) x[i] = pass->initial[i];
    for (round = 0; round < 12; round += 2) {
        if (FT_UNLIKELY(blocks < FT_SLOTS && !idle)) {
            /* By hand, so that the words do not live in memory because of this call. */
            FT_WIDE(ft_v) saved[16];
            FT_EACH(i, 16) saved[i] = x[i];
            FT_PAUSE(run)
            __asm__ volatile("" : : "r"(saved) : "memory");
            ft_run_advance(run, FT_SLOTS);
            FT_RESUME(run)
            idle = blocks < FT_SLOTS;
            FT_EACH(i, 16) x[i] = saved[i];
        }
        if (blocks < FT_SLOTS) {
            FT_DOUBLE_ROUND(x, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT)
        } else {
            int at = 0;
            FT_INVOKE(FT_DOUBLE_ROUND, x, FT_SLOT_PLAN)
            m += 16 * FT_SLOTS;
            blocks -= FT_SLOTS;
        }
    }
    FT_PAUSE(run)
    FT_EACH(i, 16) x[i] += pass->initial[i];
    FT_WIDE(ft_lanes_xor)(x, pass->targets);
}

/* The words that are the same in all lanes: the constant. */
FT_LANES_TARGET FT_INLINE void FT_WIDE(ft_pass_constant)(FT_WIDE(ft_v) *x) {
    static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    int i;
    FT_EACH(i, 4) x[5 * i] = (FT_WIDE(ft_v)){0} + sigma[i];
}

/* Blocks in a row of one packet. */
FT_LANES_TARGET FT_INLINE void FT_WIDE(ft_pass_same)(const ft_run *run, FT_WIDE(ft_pass) *pass, size_t packet,
                                                     size_t block) {
    static const uint32_t places[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const FT_WIDE(ft_v) zero = {0};
    const uint32_t *mixed = (const uint32_t *)run->mixed[packet % FT_RUN_RING];
    const unsigned char *id = run->p + packet * run->stride;
    FT_WIDE(ft_v) *x = pass->initial;
    int i;
    FT_EACH(i, 4) {
        x[1 + i] = zero + mixed[i];
        x[11 + i] = zero + mixed[4 + i];
    }
    x[6] = zero + ft_le32(id);
    x[7] = zero + ft_le32(id + 4);
    x[8] = *(const FT_WIDE(ft_any) *)places + (uint32_t)block;
    x[9] = zero;
}

/* Each lane's own packet. */
FT_LANES_TARGET FT_INLINE void FT_WIDE(ft_pass_each)(const ft_run *run, FT_WIDE(ft_pass) *pass, int n) {
    const ft_v4 *rows[FT_LANES];
    ft_v4 places[FT_LANES];
    int i;
    FT_EACH(i, FT_LANES) {
        const ft_lane *lane = &pass->lanes[i < n ? i : 0];
        const unsigned char *id = run->p + lane->packet * run->stride;
        rows[i] = run->mixed[lane->packet % FT_RUN_RING];
        places[i] = (ft_v4){ft_le32(id), ft_le32(id + 4), (uint32_t)lane->block, 0};
    }
    FT_WIDE(ft_columns)(rows, pass->initial + 1);
    FT_EACH(i, FT_LANES) rows[i]++;
    FT_WIDE(ft_columns)(rows, pass->initial + 11);
    FT_EACH(i, FT_LANES) rows[i] = &places[i];
    FT_WIDE(ft_columns)(rows, pass->initial + 6);
}

/* Where a lane's block goes: straight into the body, or aside. */
FT_INLINE unsigned char *FT_WIDE(ft_pass_target)(const ft_run *run, const ft_lane *lane, unsigned char *aside) {
    size_t at = 27 + 64 * (lane->block - 1);
    if (lane->block > 0 && at + 64 <= ft_run_length(run, lane->packet) &&
        (run->verdicts == NULL || (run->tagged > lane->packet && run->verdicts[lane->packet])))
        return run->p + lane->packet * run->stride + at;
    memset(aside, 0, 64);
    return aside;
}

/* A pass over the body in hand alone. */
FT_LANES_TARGET static void FT_WIDE(ft_run_same)(ft_run *run, FT_WIDE(ft_pass) *pass) {
    size_t i = run->packet, at = 27 + 64 * (run->block - 1);
    unsigned char *p = run->p + i * run->stride + at;
    int j;
    FT_EACH(j, FT_LANES) pass->targets[j] = p + 64 * j;
    FT_WIDE(ft_pass_same)(run, pass, i, run->block);
    FT_WIDE(ft_run_pass)(run, pass);
    run->block += FT_LANES;
    if (at + 64 * FT_LANES == ft_run_length(run, i)) {
        run->crypted = run->packet = i + 1;
        run->block = 1;
    }
}

/* A pass over blocks of several packets; 0 when there is none. */
FT_LANES_TARGET static int FT_WIDE(ft_run_mixed)(ft_run *run, FT_WIDE(ft_pass) *pass) {
    ft_lane *lanes = pass->lanes;
    int i, n = 0;
    while (n < FT_LANES && ft_run_lane(run, &lanes[n])) n++;
    if (n == 0) return 0;
    for (i = 0; i < FT_LANES; i++) {
        unsigned char *aside = pass->scratch + 64 * i;
        pass->targets[i] = i < n ? FT_WIDE(ft_pass_target)(run, &lanes[i], aside) : aside;
    }
    if (lanes[0].packet == lanes[n - 1].packet && lanes[n - 1].block == lanes[0].block + (size_t)n - 1)
        FT_WIDE(ft_pass_same)(run, pass, lanes[0].packet, lanes[0].block);
    else
        FT_WIDE(ft_pass_each)(run, pass, n);
    FT_WIDE(ft_run_pass)(run, pass);
    for (i = 0; i < n; i++) {
        if (pass->targets[i] == pass->scratch + 64 * i) ft_run_deliver(run, &lanes[i], pass->targets[i]);
    }
    run->crypted = run->packet;
    return 1;
}

FT_LANES_TARGET static void FT_WIDE(ft_salsa_poly)(ft_run *run) {
    FT_WIDE(ft_pass) pass;
    int more = 1;
    FT_WIDE(ft_pass_constant)(pass.initial);
    while (more) {
        if (ft_run_whole(run, FT_LANES))
            FT_WIDE(ft_run_same)(run, &pass);
        else
            more = FT_WIDE(ft_run_mixed)(run, &pass);
    }
    ft_run_tag_up_to(run, run->count - 1);
    ft_wipe(&pass, sizeof pass);
    ft_run_wipe(run);
}

static void FT_WIDE(ft_run_seal)(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                                 int suite) {
    ft_run run;
    ft_run_init(&run, s, p, stride, count, last, suite, NULL);
    FT_WIDE(ft_salsa_poly)(&run);
}

static void FT_WIDE(ft_run_open)(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                                 int suite, unsigned char *verdicts) {
    ft_run run;
    ft_run_init(&run, s, p, stride, count, last, suite, verdicts);
    FT_WIDE(ft_salsa_poly)(&run);
}
