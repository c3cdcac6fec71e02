cimport cython
from cpython.pythread cimport PyThread_get_thread_ident
from libc.stdint cimport int64_t

from fastzt._core.timer_wheel cimport NEVER
from fastzt.io.locked_core cimport LockedCore
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


cdef class LoopEngine(LockedCore):
    cdef readonly object loop
    cdef readonly Watchers watchers
    cdef long _thread
    cdef object _news
    cdef bint _summoned
    cdef int64_t _rings
    cdef object _timer
    cdef list _blocked

    cpdef int check(self) except -1
    @cython.locals(pump=Pump)
    cdef int _settle(self, int64_t now) except -1
    @cython.locals(core=Verbs)
    cdef int _note(self, int64_t now) except -1
    cdef void _nudge(self, int64_t now) except *
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
