from libc.stdint cimport int64_t

cdef extern from "epoll_linux.h" nogil:
    bint NATIVE "FT_EPOLL"
    int64_t native_ns "ft_monotonic_ns"()


cpdef int64_t monotonic_us() except? -1
