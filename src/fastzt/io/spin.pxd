cimport cython
from libc.stdint cimport int64_t

cdef enum:
    LONGEST_NS = 50000
    SOON_NS = 200000
    MOST_SKIPPED = 1023


@cython.final
cdef class Spin:
    cdef bint _fixed
    cdef readonly int cores
    cdef readonly bint promising
    cdef readonly int skip
    cdef readonly int penalty

    cpdef int64_t allowance(self) noexcept
    cpdef int note(self, int64_t spin_ns, int64_t waited_ns) except -1
