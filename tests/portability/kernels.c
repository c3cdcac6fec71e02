/* The kernels on standard input and output: a line `name argument ...` is answered by one line. Byte strings are hex,
 * "-" when empty. */
#define FT_MODULE_ARMOR 1
#include <stdio.h>

#ifdef WITH_MEMCHECK
#include <valgrind/memcheck.h>
#define SECRET(p, n) VALGRIND_MAKE_MEM_UNDEFINED(p, n)
#define PUBLIC(p, n) VALGRIND_MAKE_MEM_DEFINED(p, n)
#ifndef WITHOUT_DECLASSIFY
#define FT_DECLASSIFY PUBLIC
#endif
#else
#define SECRET(p, n)
#define PUBLIC(p, n)
#endif

#include "aes256.h"
#include "armor.h"
#include "checksum.h"
#include "proof_of_work.h"

#define MOST_ARGUMENTS 12
#define MARGIN 64 /* bytes kept on both sides of a message; nothing may be written there */

typedef struct {
    unsigned char *p; /* MARGIN bytes into its allocation */
    size_t n;
} bytes;

static void fail(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static bytes make(size_t n) {
    bytes b;
    b.p = malloc(n + 2 * MARGIN);
    if (b.p == NULL) fail("no memory");
    memset(b.p, 0xa5, n + 2 * MARGIN);
    b.p += MARGIN;
    b.n = n;
    return b;
}

static void release(bytes b) {
    size_t i;
    for (i = 0; i < MARGIN; i++)
        if (b.p[-1 - (int)i] != 0xa5 || b.p[b.n + i] != 0xa5) fail("written outside the message");
    free(b.p - MARGIN);
}

static bytes from_hex(const char *text) {
    size_t i, n = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    bytes b = make(n);
    for (i = 0; i < n; i++) {
        unsigned int octet;
        if (sscanf(text + 2 * i, "%2x", &octet) != 1) fail("not hex");
        b.p[i] = (unsigned char)octet;
    }
    return b;
}

static void show(bytes b) {
    size_t i;
    PUBLIC(b.p, b.n);
    if (b.n == 0) printf("-");
    for (i = 0; i < b.n; i++) printf("%02x", b.p[i]);
}

/* session's 96 bytes (Salsa key, K0, K1), suite, stride, count, last, packets */
static void seal(char **argument) {
    static ft_session session;
    bytes keys = from_hex(argument[0]), packets = from_hex(argument[5]);
    size_t stride = (size_t)atol(argument[2]), count = (size_t)atol(argument[3]), last = (size_t)atol(argument[4]), i;
    if (packets.n != stride * (count - 1) + last) fail("lengths do not fit");
    SECRET(keys.p, keys.n);
    SECRET(packets.p, packets.n);
    for (i = 0; i < count; i++) PUBLIC(packets.p + i * stride, 27);
    ft_session_init(&session, keys.p, keys.p + 32, keys.p + 64);
    ft_armor_batch(&session, packets.p, stride, count, last, atoi(argument[1]));
    ft_session_wipe(&session);
    show(packets);
    release(keys);
    release(packets);
}

/* the same without the suite; verdicts and packets are shown */
static void unseal(char **argument) {
    static ft_session session;
    bytes keys = from_hex(argument[0]), packets = from_hex(argument[4]), verdicts;
    size_t stride = (size_t)atol(argument[1]), count = (size_t)atol(argument[2]), last = (size_t)atol(argument[3]);
    if (packets.n != stride * (count - 1) + last) fail("lengths do not fit");
    verdicts = make(count);
    SECRET(keys.p, keys.n);
    ft_session_init(&session, keys.p, keys.p + 32, keys.p + 64);
    ft_dearmor_batch(&session, packets.p, stride, count, last, verdicts.p);
    ft_session_wipe(&session);
    show(verdicts);
    printf(" ");
    show(packets);
    release(keys);
    release(packets);
    release(verdicts);
}

/* key, nonce, counter, rounds, data */
static void salsa20(char **argument) {
    bytes key = from_hex(argument[0]), iv = from_hex(argument[1]), data = from_hex(argument[4]);
    SECRET(key.p, key.n);
    ft_salsa20_xor(key.p, iv.p, strtoull(argument[2], NULL, 10), atoi(argument[3]), data.p, data.n);
    show(data);
    release(key);
    release(iv);
    release(data);
}

/* key, message */
static void poly1305(char **argument) {
    bytes key = from_hex(argument[0]), message = from_hex(argument[1]), tag = make(16);
    SECRET(key.p, key.n);
    ft_poly1305(tag.p, message.p, message.n, key.p);
    show(tag);
    release(key);
    release(message);
    release(tag);
}

/* key, block */
static void aes256(char **argument) {
    bytes key = from_hex(argument[0]), block = from_hex(argument[1]);
    SECRET(key.p, key.n);
    ft_aes256_block(key.p, block.p);
    show(block);
    ft_aes256_unblock(key.p, block.p);
    printf(" ");
    show(block);
    release(key);
    release(block);
}

/* key, counter, data */
static void ctr(char **argument) {
    bytes key = from_hex(argument[0]), counter = from_hex(argument[1]), data = from_hex(argument[2]);
    SECRET(key.p, key.n);
    ft_aes256_ctr(key.p, counter.p, data.p, data.n);
    show(data);
    release(key);
    release(counter);
    release(data);
}

/* key, nonce, data */
static void gmac(char **argument) {
    bytes key = from_hex(argument[0]), iv = from_hex(argument[1]), data = from_hex(argument[2]), tag = make(16);
    SECRET(key.p, key.n);
    ft_aes256_gmac(key.p, iv.p, data.p, data.n, tag.p);
    show(tag);
    release(key);
    release(iv);
    release(data);
    release(tag);
}

/* data, initial sum */
static void checksum(char **argument) {
    bytes data = from_hex(argument[0]);
    printf("%u", (unsigned)ft_sum16(data.p, data.n, strtoull(argument[1], NULL, 10)));
    release(data);
}

/* 64 bytes */
static void memory_hard(char **argument) {
    bytes digest = from_hex(argument[0]), memory = make(FT_MEMORY);
    ft_memory_hard(digest.p, memory.p);
    show(digest);
    release(digest);
    release(memory);
}

/* The level in use, and whether the processor's AES is. */
static void level(char **argument) {
    (void)argument;
    printf("%s %d", ft_cpu_names[ft_armor_level()], ft_siv != &ft_siv_portable);
}

static const struct {
    const char *name;
    int arguments;
    void (*run)(char **argument);
} operations[] = {
    {"seal", 6, seal},     {"open", 5, unseal}, {"salsa20", 5, salsa20},   {"poly1305", 2, poly1305}, {"aes256", 2, aes256},
    {"ctr", 3, ctr},       {"gmac", 3, gmac},   {"checksum", 2, checksum}, {"memory_hard", 1, memory_hard},
    {"level", 0, level},
};

static void answer(char *line) {
    char *word[MOST_ARGUMENTS + 1];
    int n = 0;
    size_t i;
    for (line = strtok(line, " \n"); line != NULL && n <= MOST_ARGUMENTS; line = strtok(NULL, " \n")) word[n++] = line;
    for (i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (n > 0 && strcmp(word[0], operations[i].name) == 0 && n - 1 == operations[i].arguments) {
            operations[i].run(word + 1);
            printf("\n");
            return;
        }
    }
    fail("no such operation");
}

int main(void) {
    static char line[1 << 20];
    ft_armor_setup();
    ft_checksum_setup();
    while (fgets(line, sizeof line, stdin) != NULL) answer(line);
    return ferror(stdin) || fflush(stdout) != 0;
}
