cimport cython
from cpython.exc cimport PyErr_SetFromErrno
from libc.stdint cimport uint32_t

from fastzt.io.poller cimport EpollPoller, Poller, SelectPoller

cdef extern from "stream_linux.h" nogil:
    int ft_watch_new()
    void ft_watch_close(int ep)
    int ft_watch_add(int ep, int fd)
    void ft_watch_forget(int ep, int fd)
    int ft_watch_ready(int ep, int *fds, uint32_t *events, int most)

cdef enum:
    READ = 1
    WRITE = 4
    ERROR = 8
    HANG_UP = 16


cdef class Watch:
    cpdef object add(self, object sock)
    cpdef object want(self, object sock, int events)
    cpdef object forget(self, object sock)
    cpdef list ready(self)
    cpdef object close(self)


@cython.final
cdef class EdgeWatch(Watch):
    cdef int epoll


@cython.final
cdef class LevelWatch(Watch):
    cdef SelectPoller poller
    cdef object selector


cdef inline int watch_new() except -1:
    cdef int fd = ft_watch_new()
    if fd < 0:
        PyErr_SetFromErrno(OSError)
    return fd


cdef inline int watch_fileno(int ep) noexcept:
    return ep


cdef inline int watch_add(int ep, int fd) except -1:
    if ft_watch_add(ep, fd) < 0:
        PyErr_SetFromErrno(OSError)
    return 0


cdef inline void watch_forget(int ep, int fd) noexcept:
    ft_watch_forget(ep, fd)


cdef inline void watch_close(int ep) noexcept:
    ft_watch_close(ep)


cdef inline list watch_ready(int ep):
    cdef int[64] fds
    cdef uint32_t[64] events
    cdef int i
    cdef int n = ft_watch_ready(ep, fds, events, 64)
    return [(fds[i], events[i]) for i in range(n)]
