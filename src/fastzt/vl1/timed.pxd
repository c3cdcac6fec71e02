cimport cython
from libc.stdint cimport int64_t

cdef extern from *:
    """
    #define FT_TIMED_NEVER ((int64_t)1 << 62)
    """
    const int64_t NEVER "FT_TIMED_NEVER"


cdef class Timed:
    cdef public int64_t due


@cython.locals(first=int64_t, second=int64_t)
cpdef int64_t earliest(Timed a, Timed b, Timed c, Timed d) noexcept
