/* Bytes of stream sockets on Linux, and which of many sockets are ready (edges, told once). Nothing waits, so that the
 * GIL can stay held. Other systems have only the names: FT_STREAM is 0 there and the functions are never called. */
#ifndef FASTZT_STREAM_LINUX_H
#define FASTZT_STREAM_LINUX_H

#include <stddef.h>
#include <stdint.h>

#if defined(__linux__)
#define FT_STREAM 1

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FT_WATCHED (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

/* Bytes received, 0 at the end, or the negated errno. */
static inline long ft_stream_receive(int fd, unsigned char *p, size_t n) {
    ssize_t done;
    do done = recv(fd, p, n, MSG_DONTWAIT);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -(long)errno : (long)done;
}

static inline long ft_stream_send(int fd, const unsigned char *p, size_t n) {
    ssize_t done;
    do done = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -(long)errno : (long)done;
}

static inline int ft_watch_new(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline void ft_watch_close(int ep) { close(ep); }

static inline int ft_watch_add(int ep, int fd) {
    struct epoll_event wanted;
    wanted.events = FT_WATCHED;
    wanted.data.u64 = (uint64_t)fd;
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &wanted);
}

static inline void ft_watch_forget(int ep, int fd) {
    struct epoll_event unused = {0, {0}};
    epoll_ctl(ep, EPOLL_CTL_DEL, fd, &unused); /* a failure: it is not there */
}

/* The descriptors that have become ready, at most `most` of at most 64, and how. */
static inline int ft_watch_ready(int ep, int *fds, uint32_t *events, int most) {
    struct epoll_event found[64];
    int i, n = epoll_wait(ep, found, most < 64 ? most : 64, 0);
    for (i = 0; i < n; i++) {
        fds[i] = (int)found[i].data.u64;
        events[i] = found[i].events;
    }
    return n < 0 ? 0 : n;
}
#else
#define FT_STREAM 0
static inline long ft_stream_receive(int fd, unsigned char *p, size_t n) { return -1; }
static inline long ft_stream_send(int fd, const unsigned char *p, size_t n) { return -1; }
static inline int ft_watch_new(void) { return -1; }
static inline void ft_watch_close(int ep) {}
static inline int ft_watch_add(int ep, int fd) { return -1; }
static inline void ft_watch_forget(int ep, int fd) {}
static inline int ft_watch_ready(int ep, int *fds, uint32_t *events, int most) { return 0; }
#endif
#endif
