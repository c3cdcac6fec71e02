cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core.endpoint cimport Endpoint

cdef enum:
    PATH_PATIENCE = 1500000
    PATH_FRESH = 1000000
    OVERDUE = 200000
    PATH_ALIVE = 19000000
    PATH_EXPIRY = 243000000
    DEFAULT_MTU = 1432
    MIN_MTU = 548


@cython.final
cdef class Path:
    cdef readonly int socket
    cdef readonly Endpoint endpoint
    cdef readonly int scope
    cdef public uint64_t owner
    cdef public int mtu
    cdef public int64_t last_in
    cdef public int64_t last_out
    cdef public int64_t last_receive
    cdef public int64_t latency_us
    cdef public int64_t last_confirm
    cdef public int64_t last_probe
    cdef public int64_t last_echo
    cdef public int64_t doubted
    cdef public int64_t last_ok
    cdef public bint contested

    cpdef bint is_alive(self, int64_t now)
    cpdef bint is_fresh(self, int64_t now)
    cdef int64_t proof(self) noexcept
    cpdef bint is_doubted(self)
    cpdef bint is_overdue(self, int64_t now)
    cpdef bint is_dead(self, int64_t now)
    cpdef bint is_broken(self, int64_t now)
    cpdef bint is_expired(self, int64_t now)
    cpdef int64_t quality(self, int64_t now)


@cython.final
cdef class PathTable:
    cdef readonly dict by_socket
    cdef readonly int count
    cdef readonly int limit
    cdef int full_at
    cdef readonly int evicted
    cdef Path last

    @cython.locals(last=Path, found=Path, paths=dict)
    cpdef Path get(self, int socket, Endpoint endpoint, int64_t now)
    cdef Path add(self, int socket, Endpoint endpoint, int64_t now)
