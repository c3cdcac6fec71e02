cimport cython
from libc.stdint cimport int64_t

cdef enum:
    EPOCH = 1000000
    FLOOR = 16384
    FIRST = 65536
    MERGED = 32768
    MANY = 8
    FULL = 1000


@cython.final
cdef class WindowBudget:
    cdef readonly int64_t total
    cdef readonly int64_t plain
    cdef readonly int64_t merged
    cdef int64_t epoch
    cdef int64_t current
    cdef int64_t before
    cdef int64_t flows
    cdef int64_t flows_before
    cdef int64_t pressed

    cpdef void arrived(self, int messages, int64_t length) noexcept
    @cython.locals(share=int64_t)
    cpdef int64_t initial(self, int64_t wanted) noexcept
    cdef int64_t free(self) noexcept
    @cython.locals(epoch=int64_t, follows=bint)
    cpdef int64_t report(self, int64_t held, int64_t seen, int64_t now) noexcept
    @cython.locals(share=int64_t, free=int64_t, granted=int64_t)
    cpdef int64_t resize(self, int64_t held, int64_t wanted) noexcept
    cpdef void leave(self, int64_t held, int64_t seen) noexcept
