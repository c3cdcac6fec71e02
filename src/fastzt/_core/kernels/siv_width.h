/* AES-GMAC-SIV's operations with FT_PER blocks a register; included once for each width, after its wrappers.
 *
 * Counter mode of one packet goes beside GHASH of another: a register of the hash between two rounds of eight. */

/* Up to 16 FT_PER bytes of hash, byte-reversed. */
FT_REG_TARGET FT_INLINE FT_W(ft_reg) FT_REG(ft_hash_load)(const unsigned char *q, size_t n) {
    return n >= 16 * FT_PER ? FT_W(ft_swap)(FT_W(ft_load)(q)) : FT_W(ft_end)(q, n);
}

/* Up to 16 FT_PER bytes of counter mode. */
FT_REG_TARGET FT_INLINE void FT_REG(ft_ctr_store)(unsigned char *p, size_t n, FT_W(ft_reg) stream) {
    unsigned char aside[16 * FT_PER];
    if (n >= 16 * FT_PER) {
        FT_W(ft_store)(p, FT_W(ft_xor)(stream, FT_W(ft_load)(p)));
    } else {
        FT_W(ft_store)(aside, stream);
        ft_xor_short(aside, p, n);
    }
}

/* `count` registers of counter mode at p, beside as many of hash at q against the powers from j on; n bytes of both. */
FT_REG_TARGET FT_INLINE void FT_REG(ft_both_pass)(const ft_siv_fast *s, FT_W(ft_reg) *next, FT_W(ft_sum) *sum,
                                                  unsigned char *p, const unsigned char *q, size_t j, size_t n,
                                                  const int count) {
    const FT_W(ft_reg) step = FT_W(ft_counters)(FT_PER);
    FT_W(ft_reg) b[8], key;
    int round, i;
    FT_EACH(i, count) {
        b[i] = FT_W(ft_aes_begin)(FT_W(ft_swap)(*next), s->key1);
        *next = FT_W(ft_add)(*next, step);
    }
    FT_EACH(round, 13) {
        size_t at = (size_t)(16 * FT_PER * round);
        key = FT_W(ft_key)(s->key1 + FT_W(ft_aes_key)(round));
        FT_EACH(i, count) b[i] = FT_W(ft_aes_round)(b[i], key);
        if (round < count && n > at) {
            FT_W(ft_sum_add)(sum, s, j + (size_t)(FT_PER * round), FT_REG(ft_hash_load)(q + at, n - at));
            /* keeps the hash in its place, and its three sums in registers */
            __asm__ volatile("" : FT_VECTOR(b[0]), FT_VECTOR(sum->low), FT_VECTOR(sum->high), FT_VECTOR(sum->middle));
        }
    }
    FT_EACH(i, count) {
        size_t at = (size_t)(16 * FT_PER * i);
        if (n > at) FT_REG(ft_ctr_store)(p + at, n - at, FT_W(ft_aes_end)(b[i], s->key1));
    }
}

/* Up to `count` registers of counter mode, n > 0 bytes. */
FT_REG_TARGET FT_INLINE void FT_REG(ft_ctr_pass)(const ft_siv_fast *s, FT_W(ft_reg) *next, unsigned char *p, size_t n,
                                                 const int count) {
    const FT_W(ft_reg) step = FT_W(ft_counters)(FT_PER);
    FT_W(ft_reg) b[8], key;
    int round, i;
    FT_EACH(i, count) {
        b[i] = FT_W(ft_aes_begin)(FT_W(ft_swap)(*next), s->key1);
        *next = FT_W(ft_add)(*next, step);
    }
    for (round = 0; round < 13; round++) {
        key = FT_W(ft_key)(s->key1 + FT_W(ft_aes_key)(round));
        FT_EACH(i, count) b[i] = FT_W(ft_aes_round)(b[i], key);
    }
    FT_EACH(i, count) {
        size_t at = (size_t)(16 * FT_PER * i);
        if (n > at) FT_REG(ft_ctr_store)(p + at, n - at, FT_W(ft_aes_end)(b[i], s->key1));
    }
}

FT_REG_TARGET FT_INLINE void FT_REG(ft_ctr_rest)(const ft_siv_fast *s, FT_W(ft_reg) next, unsigned char *p, size_t n) {
    for (; n > 64 * FT_PER; p += 128 * FT_PER, n -= 128 * FT_PER) {
        FT_REG(ft_ctr_pass)(s, &next, p, n, 8);
        if (n <= 128 * FT_PER) return;
    }
    if (n > 16 * FT_PER)
        FT_REG(ft_ctr_pass)(s, &next, p, n, 4);
    else if (n > 0)
        FT_REG(ft_ctr_pass)(s, &next, p, n, 1);
}

FT_REG_TARGET static void FT_REG(ft_ctr)(const ft_siv_key *key, const unsigned char *counter, unsigned char *p,
                                         size_t n) {
    FT_REG(ft_ctr_rest)(&key->fast, FT_W(ft_first_counter)(counter), p, n);
}

/* The hash, when all blocks but the last, which holds the length, are summed. */
FT_REG_TARGET FT_INLINE void FT_REG(ft_hash_end)(const ft_siv_fast *s, const FT_W(ft_sum) *sum, size_t total,
                                                 unsigned char *out) {
    ft_sum_x one = FT_W(ft_sum_fold)(sum);
    ft_sum_add_x(&one, s, FT_POWERS - 1, ft_length_x(total));
    ft_store_x(out, ft_swap_x(ft_reduce_x(&one)));
}

FT_REG_TARGET FT_INLINE void FT_REG(ft_hash_body)(const ft_siv_fast *s, FT_W(ft_sum) *sum, const unsigned char *q,
                                                  size_t n, size_t j) {
    for (; n > 16 * FT_PER; q += 16 * FT_PER, n -= 16 * FT_PER, j += FT_PER)
        FT_W(ft_sum_add)(sum, s, j, FT_REG(ft_hash_load)(q, 16 * FT_PER));
    if (n > 0) FT_W(ft_sum_add)(sum, s, j, FT_REG(ft_hash_load)(q, n));
}

FT_REG_TARGET FT_INLINE FT_W(ft_sum) FT_REG(ft_hash_head)(const ft_siv_fast *s, size_t j, const unsigned char *head) {
    ft_sum_x one = ft_sum_zero_x();
    ft_sum_add_x(&one, s, j, ft_header_x(head));
    return FT_W(ft_sum_widen)(&one);
}

/* Counter mode at p and, beside it, the hash of head and q, n bytes of both; not more blocks than there are powers. */
FT_REG_TARGET static void FT_REG(ft_both)(const ft_siv_key *key, unsigned char *counter, unsigned char *p,
                                          const unsigned char *head, const unsigned char *q, size_t n,
                                          unsigned char *out, unsigned char *t) {
    const ft_siv_fast *s = &key->fast;
    size_t total = n + 16, j = FT_POWERS - 2 - (n + 15) / 16;
    FT_W(ft_reg) next = FT_W(ft_first_counter)(counter);
    FT_W(ft_sum) sum;
    /* slow by itself: hidden by what follows it, here or (quicker where a register is two blocks) before the last pass */
    if (FT_PER == 1 && t != NULL) ft_wrap_x(s, t, counter + 16);
    sum = FT_REG(ft_hash_head)(s, j++, head);
    for (; n >= 128 * FT_PER; n -= 128 * FT_PER, j += 8 * FT_PER) {
        FT_REG(ft_both_pass)(s, &next, &sum, p, q, j, 128 * FT_PER, 8);
        p += 128 * FT_PER;
        q += 128 * FT_PER;
    }
    if (FT_PER > 1 && t != NULL) ft_wrap_x(s, t, counter + 16);
    if (n > 96 * FT_PER)
        FT_REG(ft_both_pass)(s, &next, &sum, p, q, j, n, 8);
    else if (n > 64 * FT_PER)
        FT_REG(ft_both_pass)(s, &next, &sum, p, q, j, n, 6);
    else if (n > 0)
        FT_REG(ft_both_pass)(s, &next, &sum, p, q, j, n, 4);
    FT_REG(ft_hash_end)(s, &sum, total, out);
}

FT_REG_TARGET static void FT_REG(ft_hash)(const ft_siv_key *key, const unsigned char *head, const unsigned char *body,
                                          size_t n, unsigned char *out) {
    const ft_siv_fast *s = &key->fast;
    size_t j = FT_POWERS - 2 - (n + 15) / 16;
    FT_W(ft_sum) sum;
    if (head == NULL || (n + 15) / 16 + 2 > FT_POWERS) {
        ft_long_hash(key, head, body, n, out);
        return;
    }
    sum = FT_REG(ft_hash_head)(s, j++, head);
    FT_REG(ft_hash_body)(s, &sum, body, n, j);
    FT_REG(ft_hash_end)(s, &sum, n + 16, out);
}
