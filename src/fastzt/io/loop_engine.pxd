cimport cython
from cpython.pythread cimport PyThread_get_thread_ident
from libc.stdint cimport int64_t

from fastzt._core.mutex cimport Mutex
from fastzt._core.timer_wheel cimport NEVER
from fastzt.io.clock cimport monotonic_us
from fastzt.io.endpoints cimport UdpSockets
from fastzt.io.pump cimport Pump
from fastzt.io.threaded cimport EVERY, NODE
from fastzt.netstack.socket_table cimport CLOSED
from fastzt.node.verbs cimport Verbs

cdef enum:
    LONGEST = 60000000


cdef class Watchers:
    cdef dict _by_key

    cpdef list of(self, int64_t key)


cpdef object tell(object loop, object watcher, int bits)


cdef class LoopEngine:
    cdef readonly object loop
    cdef readonly Verbs core
    cdef readonly UdpSockets sockets
    cdef readonly object clock
    cdef bint _own_clock
    cdef readonly object on_events
    cdef readonly Watchers watchers
    cdef readonly Mutex lock
    cdef readonly Pump pump
    cdef readonly object worker
    cdef readonly bint closed
    cdef readonly bint forked
    cdef long _thread
    cdef object _news
    cdef bint _summoned
    cdef int64_t _look
    cdef int64_t _rings
    cdef object _timer
    cdef list _blocked
    cdef list _write_watched

    cpdef int check(self) except -1
    cdef int64_t _now(self) except? -1
    cpdef object run(self, object action)
    @cython.locals(now=int64_t)
    cdef object _run(self, object action)
    @cython.locals(pump=Pump)
    cdef int _settle(self, int64_t now) except -1
    @cython.locals(core=Verbs)
    cdef int _note(self, int64_t now) except -1
    cdef int _give(self, object job, int64_t now) except -1
    @cython.locals(own=bint)
    cdef void _summon(self) except *
    @cython.locals(now=int64_t)
    cdef int _round(self) except -1
    cpdef object _turn(self)
    cpdef object _attend(self)
    cdef void _see_to(self) except *
    cdef void _dismiss(self) except *
    cdef int _watch_writing(self) except -1
    @cython.locals(wait=int64_t)
    cdef int _arm(self) except -1
    cpdef object _ring(self)
    @cython.locals(key=int64_t, bits=int)
    cdef int _tell(self) except -1


cdef inline long get_ident() noexcept:
    return PyThread_get_thread_ident()
