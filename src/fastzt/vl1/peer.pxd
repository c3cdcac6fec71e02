cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from fastzt._core.armor cimport SessionKey
from fastzt.vl1.path cimport Path
from fastzt.vl1.recent_ids cimport RecentIds

cdef enum:
    PATH_CHOICE = 1000000
    TRUST_EXPIRY = 600000000
    ACTIVITY_TIMEOUT = 500000000
    MAX_PATHS = 64
    PATH_PATIENCE = 1500000


@cython.final
cdef class Peer:
    cdef readonly uint64_t address
    cdef readonly object identity
    cdef readonly SessionKey key
    cdef readonly int protocol
    cdef readonly int suite
    cdef readonly tuple version
    cdef public int64_t latency_us
    cdef public uint32_t generation
    cdef public object token
    cdef public bint is_known
    cdef public bint is_root
    cdef public tuple endpoints
    cdef readonly list paths
    cdef readonly Path best
    cdef public int64_t best_until
    cdef public Path reported
    cdef public RecentIds recent
    cdef public int64_t last_receive
    cdef public int64_t last_active
    cdef public int64_t trusted_until
    cdef public int64_t last_hello
    cdef public int64_t last_hello_answer
    cdef public int64_t last_whois
    cdef public int64_t last_push_in
    cdef public int push_count
    cdef public int64_t next_push
    cdef public int64_t last_asked
    cdef public int64_t last_tried
    cdef public set tried

    cpdef Path best_path(self, int64_t now)
    @cython.locals(path=Path, held=Path, best=Path, cost=int64_t, quality=int64_t, bar=int64_t, overdue=bint)
    cdef Path choose(self, int64_t now)
    cpdef bint is_own(self, Path path, int64_t now)
    cpdef trust(self, int64_t now)
    cpdef bint is_trusted(self, int64_t now)
    cpdef bint is_active(self, int64_t now)
