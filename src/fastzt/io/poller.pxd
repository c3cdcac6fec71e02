cimport cython
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from libc.stdint cimport int64_t, uint32_t

from fastzt.io.spin cimport Spin

cdef extern from "epoll_linux.h" nogil:
    int ft_epoll_new()
    int ft_event_new()
    int ft_timer_new()
    void ft_close(int fd)
    int ft_epoll_set(int ep, int fd, int is_new, uint32_t events)
    void ft_event_set(int fd)
    void ft_event_clear(int fd)
    int ft_timer_set(int fd, int64_t ns)
    ctypedef struct ft_signals:
        pass
    void ft_hold_signals(ft_signals *before)
    void ft_let_signals(const ft_signals *before)
    int64_t ft_epoll_wait(int ep, int64_t timeout_ns, int64_t spin_ns, int *shared, const ft_signals *before)
    void ft_step_aside()
    ctypedef struct ft_lead:
        int led
        int patrol
    void ft_led(ft_lead *lead)
    int ft_left(ft_lead *lead)
    void ft_patrol(ft_lead *lead, int on)
    int64_t ft_stand_by(int ep, int kick, int64_t timeout_ns, int64_t patrol_ns, ft_lead *lead)
    int64_t ft_monotonic_ns()

cdef enum:
    EPOLLIN = 1
    EPOLLOUT = 4
    EPOLLONESHOT = 1073741824
    EPOLLET = 2147483648
    PATROL_NS = 1000000  # one round of the engine's patrol


cdef class Poller:
    cpdef int add(self, int descriptor) except -1
    cpdef int want_write(self, int descriptor, bint wanted) except -1
    cpdef int wait(self, double seconds) except -1
    cpdef int stand_by(self, double seconds) except -1
    cpdef int settle(self) except -1
    cpdef int arm(self) except -1
    cpdef int take(self) except -1
    cpdef int leave(self) except -1
    cpdef int wake(self) except -1
    cpdef bint alarm(self, int64_t microseconds) except? 0
    cpdef int close(self) except -1


@cython.final
cdef class SelectPoller(Poller):
    cdef object waker
    cdef object selector
    cdef object armed


@cython.final
cdef class EpollPoller(Poller):
    cdef readonly Spin spin
    cdef bint is_set
    cdef bint armed
    cdef bint open
    cdef int inner
    cdef int inner_fd
    cdef int outer
    cdef int event
    cdef int timer
    cdef int kick
    cdef int64_t left_at
    cdef ft_lead lead
    cdef int shared


cdef inline int checked(int result) except -1:
    if result < 0:
        PyErr_SetFromErrno(OSError)
    return result


cdef inline int epoll_new() except -1:
    return checked(ft_epoll_new())


cdef inline int epoll_fileno(int ep) noexcept:
    return ep


cdef inline int epoll_set(int ep, int fd, bint is_new, uint32_t events) except -1:
    return checked(ft_epoll_set(ep, fd, is_new, events))


# The two places where the GIL is let go.
cdef inline int64_t lead_wait(EpollPoller poller, int64_t timeout_ns, int64_t spin_ns) except? -3:
    cdef int64_t waited
    cdef ft_signals before
    ft_hold_signals(&before)
    try:
        PyErr_CheckSignals()
        with nogil:
            waited = ft_epoll_wait(poller.inner, timeout_ns, spin_ns, &poller.shared, &before)
    finally:
        ft_let_signals(&before)
    if waited == -2:
        PyErr_CheckSignals()
        return -1
    return waited


cdef inline int lead_stand_by(EpollPoller poller, int64_t timeout_ns) except -1:
    cdef int64_t waited
    with nogil:
        waited = ft_stand_by(poller.outer, poller.kick, timeout_ns, PATROL_NS, &poller.lead)
    if waited == -2:
        PyErr_CheckSignals()
    return 0


cdef inline void step_aside() noexcept:
    ft_step_aside()


cdef inline void lead_taken(EpollPoller poller) noexcept:
    ft_led(&poller.lead)


cdef inline bint lead_left(EpollPoller poller) noexcept:
    return ft_left(&poller.lead) != 0


cdef inline void lead_patrol(EpollPoller poller, bint on) noexcept:
    ft_patrol(&poller.lead, on)


cdef inline bint lead_unwatched(EpollPoller poller) noexcept:
    return poller.lead.patrol and not poller.lead.led


cdef inline int64_t monotonic_ns() noexcept:
    return ft_monotonic_ns()


cdef inline void epoll_close(int ep) noexcept:
    ft_close(ep)


cdef inline int event_new() except -1:
    return checked(ft_event_new())


cdef inline void event_set(int fd) noexcept:
    ft_event_set(fd)


cdef inline void event_clear(int fd) noexcept:
    ft_event_clear(fd)


cdef inline int timer_new() except -1:
    return checked(ft_timer_new())


cdef inline int timer_set(int fd, int64_t ns) except -1:
    return checked(ft_timer_set(fd, ns))


cdef inline void close(int fd) noexcept:
    ft_close(fd)
