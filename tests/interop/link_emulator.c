/* A link between two TUN devices: rate, queue, delay, jitter, loss and reordering, the same for the same seed.
 *
 *   link_emulator NAME_A NAME_B [name=value ...]
 *
 * rate       bit/s of IP packets, each way, 0: none (at most 200 Mbit/s)
 * queue      full packets that wait for the rate, the one being sent included
 * delay      one way, microseconds
 * jitter     up to so much more, microseconds; packets keep their order
 * loss       probability that a packet is lost, each way
 * reorder    probability that a packet is held back by `held` microseconds while later ones pass
 * seed
 *
 * It says "ready" once the devices exist, runs until its standard input ends, then prints one JSON object: for each
 * direction what happened, its own processor time as a share of a core, and how often it was behind: `late` counts
 * packets that left more than 5 ms late, `overload` those that found its memory or a device full. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_PACKET = 2048,
    FULL = 1500,             /* bytes of a packet of those that `queue` counts */
    MAX_HELD = 1 << 15,      /* packets on the way, both directions together */
    BURST = 64,              /* reads of a device before the other gets its turn */
    LATE = 5000,             /* microseconds */
    GRAIN = 200              /* microseconds that packets may wait for others: one wake-up for all of them */
};

typedef struct {
    int64_t at;              /* when it leaves, microseconds */
    uint64_t order;
    int to;
    int length;
    unsigned char *data;
} Packet;

typedef struct {
    double rate, loss, reorder;
    int64_t queue, delay, jitter, held;
    uint64_t seed;
} Settings;

typedef struct {
    uint64_t random;
    double free_at;          /* when the rate allows the next packet */
    int64_t last_at;         /* when the last one in order leaves */
    uint64_t packets, bytes, lost, queued_out, reordered, late, overload;
    double first, last;      /* when packets were delivered */
    uint64_t delivered;
} Direction;

static Packet heap[MAX_HELD];
static int heap_size;
static uint64_t order;
static unsigned char *spare[MAX_HELD + 2];
static int spares;

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* xorshift64*: uniform in [0, 1). */
static double draw(Direction *d) {
    d->random ^= d->random >> 12;
    d->random ^= d->random << 25;
    d->random ^= d->random >> 27;
    return (double) ((d->random * 2685821657736338717ULL) >> 11) / 9007199254740992.0;
}

static int before(const Packet *a, const Packet *b) {
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void push(Packet p) {
    int i = heap_size++;
    while (i > 0 && before(&p, &heap[(i - 1) / 2])) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = p;
}

static Packet pop(void) {
    Packet top = heap[0], p = heap[--heap_size];
    int i = 0;
    for (;;) {
        int child = 2 * i + 1;
        if (child >= heap_size) break;
        if (child + 1 < heap_size && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &p)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = p;
    return top;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int open_tun(const char *name) {
    struct ifreq request;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (fd < 0) die("/dev/net/tun");
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(fd, TUNSETIFF, &request) < 0) die(name);
    return fd;
}

/* Decide on a packet that has come; it stays in `data` when it goes on. */
static int admit(const Settings *s, Direction *d, int to, unsigned char *data, int length, int64_t now) {
    int64_t at = now;
    d->packets++;
    if (draw(d) < s->loss) {
        d->lost++;
        return 0;
    }
    if (s->rate > 0) {
        double octet = 8e6 / s->rate;
        double start = d->free_at > (double) now ? d->free_at : (double) now;
        if (start - (double) now > (double) s->queue * FULL * octet) {
            d->queued_out++;
            return 0;
        }
        d->free_at = start + length * octet;
        at = (int64_t) d->free_at;
    }
    at += s->delay;
    if (s->jitter > 0) at += (int64_t) (draw(d) * (double) s->jitter);
    if (s->reorder > 0 && draw(d) < s->reorder) {
        d->reordered++;
        at += s->held;
    } else {
        if (at < d->last_at) at = d->last_at;
        d->last_at = at;
    }
    if (heap_size >= MAX_HELD) {
        d->overload++;
        return 0;
    }
    push((Packet) {at, order++, to, length, data});
    return 1;
}

static void take(const Settings *s, Direction *d, int from, int to) {
    for (int i = 0; i < BURST; i++) {
        unsigned char *data = spares > 0 ? spare[--spares] : malloc(MAX_PACKET);
        if (data == NULL) die("memory");
        ssize_t n = read(from, data, MAX_PACKET);
        if (n <= 0 || !admit(s, d, to, data, (int) n, now_us())) spare[spares++] = data;
        if (n <= 0) return;
    }
}

static void release(Direction *directions, const int *fd) {
    while (heap_size > 0) {
        int64_t now = now_us();
        if (heap[0].at > now) return;
        Packet p = pop();
        Direction *d = &directions[1 - p.to];
        if (now - p.at > LATE) d->late++;
        if (write(fd[p.to], p.data, (size_t) p.length) == p.length) {
            if (d->delivered == 0) d->first = (double) now;
            d->last = (double) now;
            d->delivered++;
            d->bytes += (uint64_t) p.length;
        } else {
            d->overload++;
        }
        spare[spares++] = p.data;
    }
}

static void parse(Settings *s, const char *text) {
    const char *equals = strchr(text, '=');
    double value = equals ? atof(equals + 1) : 0;
    if (equals == NULL) value = 0;
    else if (!strncmp(text, "rate=", 5)) s->rate = value;
    else if (!strncmp(text, "queue=", 6)) s->queue = (int64_t) value;
    else if (!strncmp(text, "delay=", 6)) s->delay = (int64_t) value;
    else if (!strncmp(text, "jitter=", 7)) s->jitter = (int64_t) value;
    else if (!strncmp(text, "loss=", 5)) s->loss = value;
    else if (!strncmp(text, "reorder=", 8)) s->reorder = value;
    else if (!strncmp(text, "held=", 5)) s->held = (int64_t) value;
    else if (!strncmp(text, "seed=", 5)) s->seed = (uint64_t) value;
    else equals = NULL;
    if (equals == NULL || s->rate > 200e6) {
        fprintf(stderr, "no such setting: %s\n", text);
        exit(2);
    }
}

static void report(const Direction *d, double cpu, double seconds) {
    printf("{\"cpu\": %.4f, \"seconds\": %.3f, \"directions\": [", cpu / seconds, seconds);
    for (int i = 0; i < 2; i++, d++) {
        printf("%s{\"packets\": %llu, \"delivered\": %llu, \"bytes\": %llu, \"lost\": %llu, \"queue_drops\": %llu, "
               "\"reordered\": %llu, \"late\": %llu, \"overload\": %llu, \"seconds\": %.3f}",
               i ? ", " : "", (unsigned long long) d->packets, (unsigned long long) d->delivered,
               (unsigned long long) d->bytes, (unsigned long long) d->lost, (unsigned long long) d->queued_out,
               (unsigned long long) d->reordered, (unsigned long long) d->late, (unsigned long long) d->overload,
               (d->last - d->first) / 1e6);
    }
    printf("]}\n");
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run(const Settings *s, Direction *d, const int *fd) {
    for (;;) {
        struct pollfd wanted[3] = {{fd[0], POLLIN, 0}, {fd[1], POLLIN, 0}, {0, POLLIN, 0}};
        struct timespec wait = {1, 0};
        if (heap_size > 0) {
            int64_t left = heap[0].at - now_us();
            if (left < 0) left = 0;
            if (left < 1000000) wait = (struct timespec) {0, left * 1000};
        }
        if (ppoll(wanted, 3, &wait, NULL) < 0 && errno != EINTR) die("poll");
        if (wanted[2].revents) return;
        nanosleep(&(struct timespec) {0, GRAIN * 1000}, NULL);
        release(d, fd);
        if (wanted[0].revents) take(s, &d[0], fd[0], 1);
        if (wanted[1].revents) take(s, &d[1], fd[1], 0);
        release(d, fd);
    }
}

int main(int argc, char **argv) {
    Settings s = {0, 0, 0, 1000, 0, 0, 5000, 1};
    Direction d[2];
    int fd[2];
    if (argc < 3) {
        fprintf(stderr, "usage: link_emulator NAME_A NAME_B [name=value ...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++) parse(&s, argv[i]);
    memset(d, 0, sizeof d);
    for (int i = 0; i < 2; i++) {
        d[i].random = (s.seed * 2 + (uint64_t) i + 1) * 0x9E3779B97F4A7C15ULL;
        fd[i] = open_tun(argv[1 + i]);
    }
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
    struct sched_param first = {1};
    if (sched_setscheduler(0, SCHED_FIFO, &first) < 0) setpriority(PRIO_PROCESS, 0, -10);
    printf("ready\n");
    fflush(stdout);
    int64_t begun = now_us();
    double cpu = cpu_seconds();
    run(&s, d, fd);
    report(d, cpu_seconds() - cpu, (double) (now_us() - begun) / 1e6);
    return 0;
}
