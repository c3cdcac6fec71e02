/* Waiting on Linux: epoll to the nanosecond, an eventfd to wake it and a timerfd to end it in time. Only ft_epoll_wait
 * and ft_stand_by may wait. Other systems have only the names: FT_EPOLL is 0 there and the functions are never called. */
#ifndef FASTZT_EPOLL_LINUX_H
#define FASTZT_EPOLL_LINUX_H

#include <stdint.h>

/* Who drives: written by the leaders (under their lock), looked at by the engine without. */
typedef struct {
    int led;          /* somebody leads */
    int patrol;       /* the engine looks from time to time whether somebody still does */
    uint32_t changes; /* how often somebody stopped */
} ft_lead;

#if defined(__linux__)
#define FT_EPOLL 1

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FT_NANO 1000000000

static inline int64_t ft_monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * FT_NANO + t.tv_nsec;
}

static inline int ft_epoll_new(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int ft_event_new(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline int ft_timer_new(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }
static inline void ft_close(int fd) { close(fd); }

static inline int ft_epoll_set(int ep, int fd, int is_new, uint32_t events) {
    struct epoll_event wanted;
    wanted.events = events;
    wanted.data.u64 = (uint64_t)fd;
    return epoll_ctl(ep, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &wanted);
}

static inline void ft_event_set(int fd) {
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) < 0) return; /* full: it is set */
}

static inline void ft_event_clear(int fd) {
    uint64_t value;
    if (read(fd, &value, sizeof value) < 0) return; /* empty: it is clear */
}

/* Readable in `ns` nanoseconds; 0: never. Either way it is quiet until then. */
static inline int ft_timer_set(int fd, int64_t ns) {
    struct itimerspec wanted = {{0, 0}, {0, 0}};
    wanted.it_value.tv_sec = (time_t)(ns / FT_NANO);
    wanted.it_value.tv_nsec = (long)(ns % FT_NANO);
    return timerfd_settime(fd, 0, &wanted, NULL);
}

/* Signals that come from here on are delivered by the next ft_epoll_wait alone, which they end, or after
 * ft_let_signals: none is lost between a look at those that have come and the sleep. */
typedef sigset_t ft_signals;

static inline void ft_hold_signals(ft_signals *before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

static inline void ft_let_signals(const ft_signals *before) { pthread_sigmask(SIG_SETMASK, before, NULL); }

/* With the signals of `mask` held back; NULL: those that are. */
static inline int ft_epoll_sleep(int ep, int64_t ns, struct epoll_event *found, const ft_signals *mask) {
    int64_t ms = (ns + 999999) / 1000000;
#ifdef SYS_epoll_pwait2
    struct timespec most;
    int n;
    most.tv_sec = (time_t)(ns / FT_NANO);
    most.tv_nsec = (long)(ns % FT_NANO);
    /* The system call takes 64-bit times, which a 32-bit time_t is not. */
    if (sizeof most == 16) {
        n = (int)syscall(SYS_epoll_pwait2, ep, found, 1, &most, mask, (size_t)(_NSIG / 8));
        if (n >= 0 || errno != ENOSYS) return n; /* Linux 5.11 */
    }
#endif
    return epoll_pwait(ep, found, 1, ms > INT32_MAX ? INT32_MAX : (int)ms, mask);
}

#define FT_TAKEN 4000 /* nanoseconds between two looks that say that somebody else ran meanwhile */

/* Until something is ready: after how many nanoseconds, or -1 after `timeout_ns` without, or -2 when a signal came.
 * For the first `spin_ns` it looks again and again instead of sleeping, and lets others run in between: the one that
 * is waited for may be queued on this very core, which `shared` tells. Asleep it holds back the signals of `mask`. */
static inline int64_t ft_epoll_wait(int ep, int64_t timeout_ns, int64_t spin_ns, int *shared, const ft_signals *mask) {
    struct epoll_event event;
    int64_t begin = ft_monotonic_ns(), passed = 0, before;
    int found = 0;
    *shared = 0;
    if (spin_ns > timeout_ns) spin_ns = timeout_ns;
    while (passed < spin_ns && found == 0) {
        before = passed;
        found = epoll_wait(ep, &event, 1, 0);
        if (found == 0) sched_yield();
        passed = ft_monotonic_ns() - begin;
        if (passed - before > FT_TAKEN) *shared = 1;
    }
    if (found == 0) {
        found = ft_epoll_sleep(ep, timeout_ns > passed ? timeout_ns - passed : 0, &event, mask);
        passed = ft_monotonic_ns() - begin;
    }
    return found > 0 ? passed : found < 0 && errno == EINTR ? -2 : -1;
}

/* Move this thread to another core that it may use. Its affinity is as before afterwards. */
static inline void ft_step_aside(void) {
    cpu_set_t usable, others;
    int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof usable, &usable) < 0) return;
    others = usable;
    CPU_CLR(here, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) < 0) return;
    sched_setaffinity(0, sizeof usable, &usable);
}

static inline void ft_led(ft_lead *lead) { __atomic_store_n(&lead->led, 1, __ATOMIC_SEQ_CST); }

static inline int ft_left(ft_lead *lead) {
    __atomic_store_n(&lead->led, 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&lead->changes, 1, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&lead->patrol, __ATOMIC_SEQ_CST);
}

static inline void ft_patrol(ft_lead *lead, int on) { __atomic_store_n(&lead->patrol, on, __ATOMIC_SEQ_CST); }

/* After one round of a patrol: whether nobody has led since the last one. If somebody has, all the time, it ends. */
static inline int ft_deserted(ft_lead *lead, uint32_t *seen) {
    uint32_t changes = __atomic_load_n(&lead->changes, __ATOMIC_SEQ_CST);
    if (changes == *seen && !__atomic_load_n(&lead->led, __ATOMIC_SEQ_CST)) return 1;
    if (changes == *seen) {
        ft_patrol(lead, 0);
        changes = __atomic_load_n(&lead->changes, __ATOMIC_SEQ_CST);
        if (changes != *seen) ft_patrol(lead, 1); /* whoever left meanwhile may have relied on it */
    }
    *seen = changes;
    return 0;
}

/* Until a descriptor other than `kick` is ready or a patrol finds nobody: after how many nanoseconds, or -1 after
 * `timeout_ns` without, or -2 when a signal came. `kick`, edge-triggered, begins a patrol. */
static inline int64_t ft_stand_by(int ep, int kick, int64_t timeout_ns, int64_t patrol_ns, ft_lead *lead) {
    struct epoll_event event;
    int64_t begin = ft_monotonic_ns(), passed = 0, rest;
    uint32_t seen = __atomic_load_n(&lead->changes, __ATOMIC_SEQ_CST);
    int found, patrol;
    while (passed < timeout_ns) {
        patrol = __atomic_load_n(&lead->patrol, __ATOMIC_SEQ_CST);
        rest = timeout_ns - passed;
        found = ft_epoll_sleep(ep, patrol && rest > patrol_ns ? patrol_ns : rest, &event, NULL);
        passed = ft_monotonic_ns() - begin;
        if (found < 0) return errno == EINTR ? -2 : -1;
        if (found > 0 && event.data.u64 != (uint64_t)kick) return passed;
        if (found > 0) seen = __atomic_load_n(&lead->changes, __ATOMIC_SEQ_CST);
        else if (patrol && ft_deserted(lead, &seen)) return passed;
    }
    return -1;
}

#else
#define FT_EPOLL 0

static inline int64_t ft_monotonic_ns(void) { return 0; }

static inline int ft_epoll_new(void) { return -1; }
static inline int ft_event_new(void) { return -1; }
static inline int ft_timer_new(void) { return -1; }
static inline void ft_close(int fd) { (void)fd; }
static inline int ft_epoll_set(int ep, int fd, int is_new, uint32_t events) {
    (void)ep, (void)fd, (void)is_new, (void)events;
    return -1;
}
static inline void ft_event_set(int fd) { (void)fd; }
static inline void ft_event_clear(int fd) { (void)fd; }
static inline int ft_timer_set(int fd, int64_t ns) {
    (void)fd, (void)ns;
    return -1;
}
typedef int ft_signals;
static inline void ft_hold_signals(ft_signals *before) { (void)before; }
static inline void ft_let_signals(const ft_signals *before) { (void)before; }
static inline int64_t ft_epoll_wait(int ep, int64_t timeout_ns, int64_t spin_ns, int *shared, const ft_signals *before) {
    (void)ep, (void)timeout_ns, (void)spin_ns, (void)shared, (void)before;
    return -1;
}
static inline void ft_step_aside(void) {}
static inline void ft_led(ft_lead *lead) { (void)lead; }
static inline int ft_left(ft_lead *lead) {
    (void)lead;
    return 0;
}
static inline void ft_patrol(ft_lead *lead, int on) { (void)lead, (void)on; }
static inline int64_t ft_stand_by(int ep, int kick, int64_t timeout_ns, int64_t patrol_ns, ft_lead *lead) {
    (void)ep, (void)kick, (void)timeout_ns, (void)patrol_ns, (void)lead;
    return -1;
}
#endif

#endif
