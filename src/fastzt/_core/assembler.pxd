cimport cython
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free

cdef enum:
    MAX_RUNS = 64
    MAX_BLOCKS = 4

cdef inline int64_t *numbers(int n) noexcept nogil:
    return <int64_t *> calloc(<size_t> n, sizeof(int64_t))


@cython.final
cdef class Assembler:
    cdef readonly int64_t edge
    cdef readonly int count
    cdef readonly uint64_t refused
    cdef int64_t clock
    cdef int64_t *start
    cdef int64_t *end
    cdef int64_t *stamp
    cdef int64_t[4] block_start
    cdef int64_t[4] block_end

    cpdef int64_t contiguous(self) noexcept
    cpdef int64_t highest(self) noexcept
    @cython.locals(i=int)
    cpdef bint add(self, int64_t start, int64_t end) noexcept
    @cython.locals(taken=int)
    cdef void absorb(self) noexcept
    @cython.locals(last=int)
    cdef void merge(self, int i, int64_t start, int64_t end) noexcept
    @cython.locals(j=int)
    cdef bint insert(self, int i, int64_t start, int64_t end) noexcept
    cdef bint has_memory(self) noexcept
    @cython.locals(j=int)
    cdef void remove(self, int i, int n) noexcept
    @cython.locals(n=int, below=int64_t, k=int, best=int, i=int)
    cpdef int select(self, int most) noexcept
