cimport cython
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, realloc

cdef extern from "bits.h" nogil:
    int lowest_bit "ft_lowest_bit"(uint64_t x)
    int highest_bit "ft_highest_bit"(uint64_t x)

# An enum of C holds no more than an int.
cdef extern from *:
    """
    #define FT_NEVER ((int64_t)1 << 62)
    """
    const int64_t NEVER "FT_NEVER"

cdef enum:
    TICK_BITS = 6
    LEVELS = 10
    BUCKETS = 640
    DUE = 640
    IDLE = -1
    MAX_SCAN = 32

ctypedef struct TimerRecord:
    int64_t deadline
    int following
    int previous
    int where

cdef inline TimerRecord *resized(TimerRecord *at, Py_ssize_t n) except NULL:
    cdef TimerRecord *memory = <TimerRecord *> realloc(at, <size_t> n * sizeof(TimerRecord))
    if memory == NULL:
        raise MemoryError
    return memory


@cython.final
cdef class TimerWheel:
    cdef int64_t tick
    cdef readonly int armed
    cdef int capacity
    cdef int free_timer
    cdef list owners
    cdef TimerRecord *at
    cdef int[641] first
    cdef int[641] last
    cdef uint64_t[10] occupied

    @cython.locals(timer=int)
    cpdef int allocate(self, object owner) except -1
    cpdef void free(self, int timer) except *
    cpdef object owner(self, int timer)
    cpdef void arm(self, int timer, int64_t deadline) noexcept
    cpdef void cancel(self, int timer) noexcept
    cpdef bint is_armed(self, int timer) noexcept
    cpdef int64_t deadline_of(self, int timer) noexcept
    @cython.locals(bucket=int, best=int64_t, timer=int, left=int)
    cpdef int64_t minimum(self) noexcept
    @cython.locals(target=int64_t, expired=int, bucket=int, start=int64_t)
    cpdef int expire(self, int64_t now) noexcept
    @cython.locals(timer=int)
    cpdef int pop(self) noexcept
    @cython.locals(level=int)
    cdef int earliest(self) noexcept
    @cython.locals(bucket=int)
    cdef int64_t earliest_start(self) noexcept
    @cython.locals(shift=int, slot=int64_t)
    cdef int64_t start_of(self, int bucket) noexcept
    @cython.locals(n=int, timer=int, following=int)
    cdef int collect(self, int bucket, int64_t now) noexcept
    @cython.locals(timer=int, following=int)
    cdef void cascade(self, int bucket) noexcept
    @cython.locals(tick=int64_t, level=int)
    cdef void place(self, int timer) noexcept
    @cython.locals(tail=int)
    cdef void link(self, int timer, int bucket) noexcept
    @cython.locals(bucket=int, before=int, after=int)
    cdef void unlink(self, int timer) noexcept
    @cython.locals(bit=uint64_t)
    cdef void mark(self, int bucket, bint on) noexcept
    @cython.locals(capacity=int, timer=int)
    cdef void grow(self) except *
