cimport cython
from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc

cpdef enum:
    SACKED = 1
    LOST = 2
    RETRANSMITTED = 4
    EVER_RETRANSMITTED = 8
    APP_LIMITED = 16
    FRESHLY_LOST = 32
    MAX_RANGE = 65536

ctypedef struct SentRecord:
    int64_t start
    int64_t end
    int64_t sent_at
    int64_t delivered
    int64_t delivered_at
    int64_t first_sent_at
    int64_t in_flight
    int64_t lost
    int flags

cdef inline SentRecord *resized(SentRecord *at, Py_ssize_t n) except NULL:
    cdef SentRecord *memory = <SentRecord *> realloc(at, <size_t> n * sizeof(SentRecord))
    if memory == NULL:
        raise MemoryError
    return memory

cdef inline void assign(SentRecord *at, Py_ssize_t to, Py_ssize_t source) noexcept nogil:
    at[to] = at[source]


@cython.final
cdef class SegmentQueue:
    cdef SentRecord *at
    cdef readonly Py_ssize_t limit
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t first
    cdef Py_ssize_t capacity
    cdef readonly int64_t sacked_bytes
    cdef readonly int64_t lost_bytes
    cdef readonly int64_t retransmitted_bytes
    cdef int64_t lost_from
    cdef readonly int64_t lost
    cdef readonly int64_t fresh_bytes
    cdef int64_t fresh_from
    cdef readonly int64_t delivered
    cdef readonly int64_t delivered_at
    cdef readonly int64_t first_sent_at
    cdef public bint app_limited
    cdef readonly int64_t newest_sent_at
    cdef readonly int64_t newest_end
    cdef readonly int newest_flags
    cdef readonly int64_t prior_delivered
    cdef readonly int64_t prior_delivered_at
    cdef readonly int64_t prior_first_sent_at
    cdef readonly int64_t prior_in_flight
    cdef readonly int64_t prior_lost
    cdef readonly int64_t rtt_sent_at

    cpdef int64_t start(self) noexcept
    cpdef int64_t end(self) noexcept
    cpdef int64_t pipe(self) noexcept
    @cython.locals(last=Py_ssize_t, i=Py_ssize_t)
    cpdef bint push(self, int64_t start, int64_t end, int64_t now) except -1
    @cython.locals(flags=int)
    cdef bint joins(self, Py_ssize_t last, int64_t end, int64_t now) noexcept
    cdef void stamp(self, Py_ssize_t i, int64_t now) noexcept
    cpdef void begin_ack(self) noexcept
    @cython.locals(fresh=int64_t, i=Py_ssize_t, whole=bint, n=int64_t)
    cpdef int64_t acknowledge(self, int64_t position, int64_t now) noexcept
    @cython.locals(fresh=int64_t, i=Py_ssize_t, k=Py_ssize_t, n=int64_t)
    cpdef int64_t sack(self, int64_t start, int64_t end, int64_t now) except -1
    @cython.locals(sent_at=int64_t)
    cdef void deliver(self, Py_ssize_t k, int64_t n, int64_t now) noexcept
    @cython.locals(flags=int)
    cdef void discount(self, Py_ssize_t k, int64_t n) noexcept
    @cython.locals(k=Py_ssize_t, flags=int)
    cpdef bint mark_lost(self, Py_ssize_t i) noexcept
    @cython.locals(i=Py_ssize_t)
    cpdef void mark_all_lost(self) noexcept
    @cython.locals(i=Py_ssize_t, k=Py_ssize_t)
    cpdef void unmark_lost(self) noexcept
    @cython.locals(i=Py_ssize_t)
    cpdef void clear_sacks(self) noexcept
    @cython.locals(timeout=int64_t, i=Py_ssize_t, k=Py_ssize_t, flags=int, later=bint, left=int64_t)
    cpdef int64_t mark_lost_by_time(self, int64_t sent_at, int64_t end, int64_t wait, int64_t now) noexcept
    @cython.locals(i=Py_ssize_t, k=Py_ssize_t)
    cpdef Py_ssize_t take_fresh_loss(self) noexcept
    @cython.locals(i=Py_ssize_t, k=Py_ssize_t)
    cpdef Py_ssize_t next_lost(self) noexcept
    @cython.locals(k=Py_ssize_t, length=int64_t)
    cpdef int64_t retransmit(self, Py_ssize_t i, int64_t n, int64_t now) except -1
    @cython.locals(low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
    cpdef Py_ssize_t find(self, int64_t position) noexcept
    @cython.locals(j=Py_ssize_t)
    cdef bint split(self, Py_ssize_t i, int64_t position) except -1
    cdef Py_ssize_t slot(self, Py_ssize_t i) noexcept
    @cython.locals(old=Py_ssize_t, i=Py_ssize_t)
    cdef void make_room(self) except *
