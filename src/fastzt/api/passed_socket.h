/* Stream sockets of this host: calls that never wait, for who keeps the GIL, and such as wait, for who has let it go.
 * Windows has only the names: nobody passes descriptors there. */
#ifndef FASTZT_PASSED_SOCKET_H
#define FASTZT_PASSED_SOCKET_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#define FT_FOR_EVER INT64_MAX

#if !defined(_WIN32)
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FT_WHILE 100000000 /* nanoseconds of sending after which signals are looked at */

#ifdef MSG_NOSIGNAL
#define FT_SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#else
#define FT_SEND_FLAGS MSG_DONTWAIT /* Python ignores SIGPIPE */
#endif

/* Bytes received, 0 at the end, or the negated errno. */
static inline long ft_socket_receive(int fd, unsigned char *p, size_t n) {
    ssize_t done;
    do done = recv(fd, p, n, MSG_DONTWAIT);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -(long)errno : (long)done;
}

static inline long ft_socket_send(int fd, const unsigned char *p, size_t n) {
    ssize_t done;
    do done = send(fd, p, n, FT_SEND_FLAGS);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -(long)errno : (long)done;
}

static inline int64_t ft_socket_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* So many seconds from now on the clock; centuries: for ever. */
static inline int64_t ft_socket_until(double seconds) {
    if (seconds > 4e9) return FT_FOR_EVER;
    return ft_socket_clock() + (seconds > 0 ? (int64_t)(seconds * 1e9) : 0);
}

/* Waits for POLLIN or POLLOUT: 0 when there is something to do, or the negated errno, also of a timeout. */
static inline long ft_socket_wait(int fd, short events, int64_t until) {
    struct pollfd wanted = {fd, events, 0};
    int64_t left = -1;
    int found;
    if (until != FT_FOR_EVER) {
        left = (until - ft_socket_clock() + 999999) / 1000000;
        if (left < 0) left = 0;
        if (left > 1000000) left = 1000000; /* who sees nothing come before its time waits again */
    }
    found = poll(&wanted, 1, (int)left);
    if (found < 0) return -(long)errno;
    if (found == 0 && ft_socket_clock() >= until) return -(long)ETIMEDOUT;
    return 0;
}

static inline long ft_socket_wait_to_receive(int fd, int64_t until) { return ft_socket_wait(fd, POLLIN, until); }

/* Waits for room and sends, as often as it takes: bytes sent, or the negated errno when none were.
 * Its own descriptor: another thread may close this one, and have the number again for something else. */
static inline long ft_socket_send_later(int fd, const unsigned char *p, size_t n, int64_t until) {
    int64_t begun = ft_socket_clock();
    size_t done = 0;
    long found = 0;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return -(long)errno;
    do {
        found = ft_socket_wait(own, POLLOUT, until);
        if (found == 0) found = ft_socket_send(own, p + done, n - done);
        if (found > 0) done += (size_t)found;
        if (found == -EAGAIN || found == -EWOULDBLOCK) found = 0;
    } while (found >= 0 && done < n && (done == 0 || ft_socket_clock() - begun < FT_WHILE));
    close(own);
    return done > 0 ? (long)done : found;
}
#else
static inline long ft_socket_receive(int fd, unsigned char *p, size_t n) { return -ENOSYS; }
static inline long ft_socket_send(int fd, const unsigned char *p, size_t n) { return -ENOSYS; }
static inline int64_t ft_socket_until(double seconds) { return FT_FOR_EVER; }
static inline long ft_socket_wait_to_receive(int fd, int64_t until) { return -ENOSYS; }
static inline long ft_socket_send_later(int fd, const unsigned char *p, size_t n, int64_t until) { return -ENOSYS; }
#endif
#endif
