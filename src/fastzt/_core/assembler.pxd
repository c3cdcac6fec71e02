cimport cython
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove

cdef enum:
    MAX_RUNS = 4096
    MAX_BLOCKS = 4
    KEPT = 64

ctypedef struct RunRecord:
    int64_t start
    int64_t end
    int64_t stamp

ctypedef RunRecord *Runs

cdef inline Runs resized(Runs at, int n) noexcept nogil:
    return <Runs> realloc(at, <size_t> n * sizeof(RunRecord))

cdef inline void moved(RunRecord *at, int to, int source, int n) noexcept nogil:
    memmove(at + to, at + source, <size_t> n * sizeof(RunRecord))

cdef inline void place(RunRecord *at, int i, int64_t start, int64_t end) noexcept nogil:
    at[i].start = start
    at[i].end = end
    at[i].stamp = 0


@cython.final
cdef class Assembler:
    cdef RunRecord *at
    cdef readonly int64_t edge
    cdef readonly int count
    cdef int capacity
    cdef int limit
    cdef readonly uint64_t refused
    cdef int64_t clock
    cdef int64_t[4] block_start
    cdef int64_t[4] block_end
    cdef int64_t[4] block_stamp

    cpdef int64_t contiguous(self) noexcept
    @cython.locals(low=int, high=int, middle=int)
    cdef int find(self, int64_t position) noexcept
    @cython.locals(i=int)
    cpdef bint holds(self, int64_t start, int64_t end) noexcept
    cpdef int64_t highest(self) noexcept
    @cython.locals(i=int)
    cpdef bint add(self, int64_t start, int64_t end) noexcept
    @cython.locals(taken=int)
    cdef void absorb(self) noexcept
    @cython.locals(last=int)
    cdef void merge(self, int i, int64_t start, int64_t end) noexcept
    @cython.locals(full=bint)
    cdef bint insert(self, int i, int64_t start, int64_t end) noexcept
    @cython.locals(memory=Runs)
    cdef bint resize(self, int n) noexcept
    cdef void remove(self, int i, int n) noexcept
    @cython.locals(n=int, filled=int, i=int, stamp=int64_t, k=int)
    cpdef int select(self, int most) noexcept
