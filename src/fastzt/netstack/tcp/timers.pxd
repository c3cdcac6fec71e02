cimport cython
from libc.stdint cimport int64_t

from fastzt._core.timer_wheel cimport NEVER, TimerWheel

cdef enum:
    RETRANSMIT = 0
    LOSS = 1
    PERSIST = 2
    DELAYED_ACK = 3
    KEEPALIVE = 4
    GIVE_UP = 5
    PACE = 6
    REST = 7
    KINDS = 8


@cython.final
cdef class Timers:
    cdef TimerWheel wheel
    cdef int slot
    cdef int64_t armed
    cdef int64_t[8] deadline

    cdef void set(self, int kind, int64_t deadline)
    cdef void clear(self, int kind) noexcept
    cdef bint is_set(self, int kind) noexcept
    cdef bint due(self, int kind, int64_t now) noexcept
    cdef void fired(self) noexcept
    @cython.locals(kind=cython.int, earliest=int64_t)
    cdef void rearm(self)
    @cython.locals(kind=cython.int)
    cdef void close(self)
