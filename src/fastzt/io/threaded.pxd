cimport cython
from libc.stdint cimport int64_t

from fastzt.io.endpoints cimport UdpSockets
from fastzt.io.poller cimport Poller
from fastzt.io.pump cimport Pump
from fastzt.io.waiter cimport Waiter, Waiters

cdef extern from *:
    """
    #define FT_NEVER ((int64_t)1 << 62)
    """
    int64_t NEVER "FT_NEVER"

cdef enum:
    LONGEST = 60000000


@cython.final
cdef class ThreadedDriver:
    cdef readonly object core
    cdef readonly UdpSockets sockets
    cdef readonly object clock
    cdef readonly object on_events
    cdef readonly object lock
    cdef readonly Pump pump
    cdef readonly Poller poller
    cdef readonly object worker
    cdef readonly Waiters waiters
    cdef readonly bint closed
    cdef readonly bint forked
    cdef readonly int64_t turns
    cdef readonly Waiter _leader
    cdef object _no_leader
    cdef int64_t _due
    cdef int64_t _engine_due
    cdef int64_t _alarm
    cdef list _write_watched
    cdef readonly object _engine
    cdef object __weakref__

    cpdef int check(self) except -1
    @cython.locals(now=int64_t)
    cpdef object run(self, object action)
    @cython.locals(now=int64_t, end=int64_t, waiter=Waiter, seconds=double, leads=bint)
    cpdef object wait(self, int64_t key, object attempt, object timeout)
    @cython.locals(leads=bint)
    cdef object _attempt(self, Waiter waiter, object attempt, int64_t now)
    cdef int _turn(self, int64_t now) except -1
    cdef int _settle(self, int64_t now) except -1
    cdef int _give(self, object job, int64_t now) except -1
    cdef void _watch_writing(self) except *
    cdef int64_t _next_look(self, int64_t now) except? -1
    cdef double _enter(self, Waiter waiter, int64_t now, int64_t end) except? -1
    @cython.locals(leader=Waiter, look=int64_t)
    cdef void _nudge(self, int64_t now) except *
    @cython.locals(heir=Waiter)
    cdef void _leave(self, Waiter waiter) except *
    @cython.locals(now=int64_t)
    cpdef double engine_turn(self) except? -1
