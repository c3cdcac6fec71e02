cimport cython
from libc.stdint cimport int64_t

cdef enum:
    PAYS_NS = 50000
    LONGEST_NS = 250000
    SOON_NS = 500000
    MOST_SKIPPED = 1023
    MOST_LATE = 1023
    LEAST_LATE = 63
    CROWDED = 32
    VAIN = 8
    MOST_REST = 65536


@cython.final
cdef class Spin:
    cdef bint _fixed
    cdef readonly int cores
    cdef readonly bint promising
    cdef readonly int skip
    cdef readonly int penalty
    cdef readonly int patience
    cdef readonly int late
    cdef readonly int crowded
    cdef readonly int rest
    cdef readonly int pause

    cpdef int64_t allowance(self) noexcept
    cdef int _vain(self) except -1
    cdef bint _cramped(self, bint shared, int weight) noexcept
    cpdef bint note(self, int64_t spin_ns, int64_t waited_ns, bint shared=*) except? 0
