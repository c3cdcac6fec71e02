cimport cython
from libc.stdint cimport int64_t


from fastzt.io.attempt cimport Attempt

cdef extern from *:
    """
    #define FT_NEVER ((int64_t)1 << 62)
    """
    int64_t NEVER "FT_NEVER"


@cython.final
cdef class Waiter:
    cdef readonly int64_t key
    cdef Attempt wish
    cdef object timeout
    cdef int64_t end
    cdef double seconds
    cdef bint entered
    cdef bint leads
    cdef bint woken
    cdef object _signal

    cdef int begin(self, int64_t key, Attempt wish, object timeout) except -1
    cdef int check_time(self, int64_t now) except -1
    cdef int prepare(self) except -1
    cdef int wait(self) except -1
    cpdef int wake(self) except -1


@cython.locals(waiter=Waiter)
cdef Waiter new_waiter(int64_t key, Attempt wish, object timeout)


@cython.final
cdef class Waiters:
    cdef dict _by_key
    cdef dict _watched

    cpdef int add(self, Waiter waiter) except -1
    @cython.locals(waiting=list)
    cpdef int remove(self, Waiter waiter) except -1
    @cython.locals(waiting=list, waiter=Waiter)
    cpdef int wake(self, int64_t key) except -1
    cpdef int wake_all(self) except -1
    @cython.locals(waiting=list)
    cpdef Waiter first(self)
