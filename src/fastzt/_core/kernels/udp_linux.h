/* Messages of a UDP socket on Linux: recvmmsg with UDP_GRO, sendmsg with UDP_SEGMENT. Nothing waits, so that the
 * GIL can stay held. Other systems have only the names: FT_UDP is 0 there and the functions are never called. */
#ifndef FASTZT_UDP_LINUX_H
#define FASTZT_UDP_LINUX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FT_NAME 18          /* a sender: 16 bytes of IP (IPv4 mapped), then the port in network order */
#define FT_CONTROL_SPACE 96 /* room for the segment size and the overflow count, twice over */
#define FT_SENDERS 256      /* a power of two */
#define FT_MESSAGES 16        /* messages of one call */

typedef struct {
    uint32_t length;
    unsigned char name[FT_NAME];
    int stride;       /* bytes from one coalesced datagram to the next, 0: one datagram */
    int truncated;    /* data or control messages are missing */
    int counted;      /* whether `dropped` was told */
    uint32_t dropped; /* messages that the socket has dropped since it was made */
} ft_udp_message;

#if defined(__linux__)
#define FT_UDP 1

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* include/uapi/linux/udp.h and include/uapi/asm-generic/socket.h; older C libraries lack them. */
#define FT_SOL_UDP 17
#define FT_UDP_SEGMENT 103
#define FT_UDP_GRO 104
#define FT_SO_RXQ_OVFL 40

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} ft_sockaddr;

static const unsigned char ft_v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static inline void ft_udp_name(unsigned char *name, const ft_sockaddr *from) {
    if (from->any.sa_family == AF_INET) {
        memcpy(name, ft_v4_prefix, 12);
        memcpy(name + 12, &from->v4.sin_addr, 4);
        memcpy(name + 16, &from->v4.sin_port, 2);
    } else {
        memcpy(name, &from->v6.sin6_addr, 16);
        memcpy(name + 16, &from->v6.sin6_port, 2);
    }
}

static inline void ft_udp_control(struct msghdr *head, ft_udp_message *in) {
    struct cmsghdr *c;
    for (c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
        if (c->cmsg_len < CMSG_LEN(4)) continue;
        if (c->cmsg_level == FT_SOL_UDP && c->cmsg_type == FT_UDP_GRO) {
            memcpy(&in->stride, CMSG_DATA(c), 4);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == FT_SO_RXQ_OVFL) {
            memcpy(&in->dropped, CMSG_DATA(c), 4);
            in->counted = 1;
        }
    }
}

/* Up to `most` (at most FT_MESSAGES) messages, the i-th put at p + i * slot: how many, or the negated errno.
 * control_space: at most FT_CONTROL_SPACE. */
static inline int ft_udp_receive(int fd, unsigned char *p, size_t room, size_t slot, int most, size_t control_space,
                                 ft_udp_message *messages) {
    union {
        struct cmsghdr align;
        unsigned char bytes[FT_CONTROL_SPACE];
    } control[FT_MESSAGES];
    ft_sockaddr from[FT_MESSAGES];
    struct iovec data[FT_MESSAGES];
    struct mmsghdr heads[FT_MESSAGES];
    int i, count;
    memset(heads, 0, (size_t)most * sizeof heads[0]);
    for (i = 0; i < most; i++) {
        struct msghdr *head = &heads[i].msg_hdr;
        data[i].iov_base = p + (size_t)i * slot;
        data[i].iov_len = room;
        head->msg_name = &from[i];
        head->msg_namelen = sizeof from[i];
        head->msg_iov = &data[i];
        head->msg_iovlen = 1;
        head->msg_control = &control[i];
        head->msg_controllen = control_space;
    }
    do count = recvmmsg(fd, heads, (unsigned int)most, MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    for (i = 0; i < count; i++) {
        ft_udp_message *in = &messages[i];
        int flags = heads[i].msg_hdr.msg_flags;
        in->length = heads[i].msg_len;
        in->stride = 0;
        in->counted = 0;
        ft_udp_control(&heads[i].msg_hdr, in);
        /* Without its stride a message cannot be cut into datagrams; the overflow count may be lost. */
        in->truncated = (flags & MSG_TRUNC) || ((flags & MSG_CTRUNC) && in->stride == 0);
        ft_udp_name(in->name, &from[i]);
    }
    return count;
}

/* Send n bytes in datagrams of `segment` bytes (0: as one); 0 or errno. */
static inline int ft_udp_send(int fd, const unsigned char *p, size_t n, size_t segment, const unsigned char *ip, int is_v4,
                       unsigned int port) {
    union {
        struct cmsghdr align;
        unsigned char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    ft_sockaddr to;
    struct iovec data;
    struct msghdr head;
    uint16_t size = (uint16_t)segment;
    ptrdiff_t sent;
    memset(&to, 0, sizeof to);
    memset(&head, 0, sizeof head);
    if (is_v4) {
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons((uint16_t)port);
        memcpy(&to.v4.sin_addr, ip + 12, 4);
        head.msg_namelen = sizeof to.v4;
    } else {
        to.v6.sin6_family = AF_INET6;
        to.v6.sin6_port = htons((uint16_t)port);
        memcpy(&to.v6.sin6_addr, ip, 16);
        head.msg_namelen = sizeof to.v6;
    }
    data.iov_base = (void *)p;
    data.iov_len = n;
    head.msg_name = &to;
    head.msg_iov = &data;
    head.msg_iovlen = 1;
    if (segment > 0) {
        memset(&control, 0, sizeof control);
        control.align.cmsg_level = FT_SOL_UDP;
        control.align.cmsg_type = FT_UDP_SEGMENT;
        control.align.cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(&control.align), &size, sizeof size);
        head.msg_control = &control;
        head.msg_controllen = sizeof control;
    }
    do sent = sendmsg(fd, &head, MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

#else
#define FT_UDP 0

static inline int ft_udp_receive(int fd, unsigned char *p, size_t room, size_t slot, int most, size_t control_space,
                                 ft_udp_message *messages) {
    (void)fd, (void)p, (void)room, (void)slot, (void)most, (void)control_space, (void)messages;
    return -1;
}

static inline int ft_udp_send(int fd, const unsigned char *p, size_t n, size_t segment, const unsigned char *ip, int is_v4,
                       unsigned int port) {
    (void)fd, (void)p, (void)n, (void)segment, (void)ip, (void)is_v4, (void)port;
    return -1;
}
#endif

/* Where a sender is remembered: the last bytes of the IP and the port are what differs most. */
static inline unsigned int ft_udp_slot(const unsigned char *name) {
    uint64_t low;
    memcpy(&low, name + 10, 8);
    return (unsigned int)((low * UINT64_C(0x9e3779b97f4a7c15)) >> 56) & (FT_SENDERS - 1);
}

#endif
