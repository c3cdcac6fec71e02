cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class RateSample:
    cdef public int64_t acked
    cdef public int64_t rtt
    cdef public int64_t smoothed
    cdef public int64_t delivered
    cdef public int64_t since
    cdef public double rate
    cdef public int64_t in_flight
    cdef public int64_t sent_in_flight
    cdef public int64_t lost
    cdef public bint app_limited
    cdef public bint limited
    cdef public bint repairing
    cdef public bint sack
