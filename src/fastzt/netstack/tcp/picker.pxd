cimport cython
from libc.stdint cimport int64_t

from fastzt._core.segment_queue cimport SegmentQueue
from fastzt.netstack.tcp.pacer cimport BURST
from fastzt.netstack.tcp.sender cimport Sender

cdef enum:
    BATCH = 45


@cython.final
cdef class Picker(Sender):
    @cython.locals(queue=SegmentQueue, i=Py_ssize_t)
    cdef bint pick(self, int64_t now) except -1
    @cython.locals(unsent=int64_t)
    cdef bint gathers(self) noexcept
    @cython.locals(rest=int64_t)
    cdef bint leaves_part(self) noexcept
    @cython.locals(pipe=int64_t, batch=int64_t)
    cdef bint defers(self) noexcept
    cdef bint is_fast(self) noexcept
    @cython.locals(k=Py_ssize_t, start=int64_t, n=int64_t)
    cdef bint pick_again(self, Py_ssize_t i) noexcept
    @cython.locals(start=int64_t, room=int64_t, waiting=int64_t, n=int64_t, ends=bint)
    cdef bint pick_new(self, int64_t now) except -1
    cdef bint is_worth(self, int64_t n, bint is_all) noexcept
    @cython.locals(pipe=int64_t)
    cdef bint may_send(self, int64_t n) noexcept
    @cython.locals(queue=SegmentQueue, cwnd=int64_t, found=bint, i=Py_ssize_t, k=Py_ssize_t)
    cdef bint pick_probe(self, int64_t now) except -1
    @cython.locals(is_new=bint)
    cdef void sent(self, int64_t now) except *
    @cython.locals(n=int64_t)
    cdef Py_ssize_t more(self, int64_t now) noexcept
    @cython.locals(n=int64_t)
    cdef void sent_more(self, Py_ssize_t count, int64_t now) except *
