cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t

from fastzt.io.attempt cimport Attempt
from fastzt.io.bridge cimport Bridges
from fastzt.io.locked_core cimport LockedCore
from fastzt.io.poller cimport Poller
from fastzt.io.waiter cimport Waiter, Waiters, new_waiter
from fastzt.netstack.tcp.connection cimport Connection
from fastzt.node.verbs cimport Verbs

cpdef enum:
    NODE = 0
    EVERY = -1

cdef enum:
    LONGEST = 60000000
    STEP = 200


# One that came while compiled code ran interrupts no wait that begins after it.
cdef inline int check_signals() except -1:
    return PyErr_CheckSignals()


cdef class ThreadedDriver(LockedCore):
    cdef readonly Poller poller
    cdef readonly Bridges bridges
    cdef readonly Waiters waiters
    cdef readonly int64_t turns
    cdef readonly Waiter _leader
    cdef object _no_leader
    cdef int64_t _turned
    cdef int64_t _due
    cdef int64_t _engine_due
    cdef int64_t _alarm
    cdef readonly object _engine
    cdef object __weakref__

    @cython.locals(waiter=Waiter, wish=Attempt)
    cpdef object wait(self, int64_t key, object attempt, object timeout)
    cpdef Py_ssize_t keep_back(self, Connection connection, object data, Py_ssize_t size) except -2
    cdef object _locked_round(self, Waiter waiter)
    cdef void _leave(self, Waiter waiter) except *
    @cython.locals(now=int64_t)
    cdef object _round(self, Waiter waiter)
    @cython.locals(now=int64_t)
    cdef Py_ssize_t _keep_back(self, Connection connection, object data, Py_ssize_t size) except -2
    @cython.locals(wish=Attempt, leads=bint, due=bint, passing=bint, idle=bint)
    cdef object _attempt(self, Waiter waiter, int64_t now)
    cdef int _turn(self, int64_t now) except -1
    cdef int _settle(self, int64_t now) except -1
    cdef int _spread(self, int64_t now) except -1
    cdef void _watch_writing(self) except *
    cdef void _enter(self, Waiter waiter, int64_t now) except *
    @cython.locals(leader=Waiter, look=int64_t)
    cdef void _nudge(self, int64_t now) except *
    @cython.locals(heir=Waiter)
    cdef void _hand_on(self, Waiter waiter) except *
    @cython.locals(now=int64_t)
    cpdef double engine_turn(self) except? -1
