cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Waiter:
    cdef readonly int64_t key
    cdef public bint woken
    cdef object _signal

    cpdef int prepare(self) except -1
    cpdef int wait(self, double seconds) except -1
    cpdef int wake(self) except -1


@cython.final
cdef class Waiters:
    cdef dict _by_key

    cpdef int add(self, Waiter waiter) except -1
    @cython.locals(waiting=list)
    cpdef int remove(self, Waiter waiter) except -1
    @cython.locals(waiting=list, waiter=Waiter)
    cpdef int wake(self, int64_t key) except -1
    cpdef int wake_all(self) except -1
    @cython.locals(waiting=list)
    cpdef Waiter first(self)
