/* Salsa20 in FT_LANES lanes; included once for each width, after its vector types and transposes. */

/* Words of FT_LANES blocks in a row of one stream. */
FT_LANES_TARGET FT_INLINE void FT_WIDE(ft_lanes_stream)(FT_WIDE(ft_v) *x, const uint32_t *state, uint64_t counter) {
    uint32_t low[FT_LANES], high[FT_LANES];
    int i;
    FT_EACH(i, 16) x[i] = (FT_WIDE(ft_v)){0} + state[i];
    FT_EACH(i, FT_LANES) {
        low[i] = (uint32_t)(counter + (unsigned)i);
        high[i] = (uint32_t)((counter + (unsigned)i) >> 32);
    }
    x[8] = *(const FT_WIDE(ft_any) *)low;
    x[9] = *(const FT_WIDE(ft_any) *)high;
}

/* targets[i] ^= block of lane i, 64 bytes. */
FT_LANES_TARGET FT_INLINE void FT_WIDE(ft_lanes_xor)(const FT_WIDE(ft_v) *x, unsigned char *const *targets) {
    FT_WIDE(ft_v) rows[FT_LANES];
    int i, j;
    _Pragma("GCC unroll 4") for (i = 0; i < 16; i += FT_LANES) {
        FT_WIDE(ft_transpose)(x + i, rows);
        FT_EACH(j, FT_LANES) *(FT_WIDE(ft_any) *)(targets[j] + 4 * i) ^= rows[j];
    }
}

FT_LANES_TARGET static void FT_WIDE(ft_salsa20_lanes)(const uint32_t *state, int rounds, const unsigned char *in,
                                                      unsigned char *out, size_t n) {
    unsigned char last[64 * FT_LANES], *targets[FT_LANES];
    FT_WIDE(ft_v) initial[16], x[16], t;
    uint64_t counter = ((uint64_t)state[9] << 32) | state[8];
    int i, j;
    if (in == NULL)
        memset(out, 0, n);
    else if (in != out)
        memcpy(out, in, n);
    while (n > 0) {
        size_t step = n < sizeof last ? n : sizeof last;
        unsigned char *to = step < sizeof last ? last : out;
        if (to == last) memcpy(last, out, step);
        FT_EACH(j, FT_LANES) targets[j] = to + 64 * j;
        FT_WIDE(ft_lanes_stream)(initial, state, counter);
        FT_EACH(i, 16) x[i] = initial[i];
        for (i = 0; i < rounds; i += 2) {
            FT_DOUBLE_ROUND(x, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT, FT_NO_SLOT)
        }
        FT_EACH(i, 16) x[i] += initial[i];
        FT_WIDE(ft_lanes_xor)(x, targets);
        if (to == last) memcpy(out, last, step);
        counter += FT_LANES;
        out += step;
        n -= step;
    }
    ft_wipe(last, sizeof last);
    ft_wipe(initial, sizeof initial);
}
