cimport cython
from libc.stdint cimport int64_t

cdef int64_t UNLIMITED


cdef class Controller:
    cdef public int64_t cwnd
    cdef public int64_t ssthresh
    cdef readonly int64_t mss

    cpdef void set_mss(self, int64_t mss)
    cpdef void on_ack(self, int64_t acked, bint limited, int64_t now, int64_t rtt)
    @cython.locals(grown=int64_t)
    cpdef int64_t slow_start(self, int64_t acked)
    cpdef void on_loss(self, int64_t in_flight, int64_t now)
    cpdef void on_recovered(self, int64_t now)
    cpdef void on_timeout(self, int64_t in_flight, int64_t now)
    cpdef void on_idle(self, int64_t now)
