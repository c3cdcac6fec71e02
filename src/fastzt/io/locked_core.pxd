cimport cython
from libc.stdint cimport int64_t

from fastzt._core.mutex cimport Mutex
from fastzt.io.clock cimport monotonic_us
from fastzt.io.endpoints cimport UdpSockets
from fastzt.io.pump cimport Pump
from fastzt.node.verbs cimport Verbs


cdef class LockedCore:
    cdef readonly Verbs core
    cdef readonly UdpSockets sockets
    cdef readonly object clock
    cdef readonly bint _own_clock
    cdef readonly object on_events
    cdef readonly Mutex lock
    cdef readonly Pump pump
    cdef readonly object worker
    cdef readonly bint closed
    cdef readonly bint forked
    cdef int64_t _look
    cdef list _write_watched

    cpdef int check(self) except -1
    cpdef object run(self, object action)
    cdef int64_t _now(self) except? -1
    @cython.locals(now=int64_t)
    cdef object _run(self, object action)
    cdef int _settle(self, int64_t now) except -1
    cdef void _nudge(self, int64_t now) except *
    cdef int _give(self, object job, int64_t now) except -1
