from libc.stdint cimport int64_t

from fastzt._core.slab cimport Slab


cdef class IpSink:
    cpdef bint fast_input(self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t length,
                          int64_t generation, int64_t now)
    cpdef Py_ssize_t fast_run(self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t stride,
                              Py_ssize_t count, Py_ssize_t size, Py_ssize_t last, int64_t generation,
                              int64_t now) except -1
    cpdef void input(self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t length,
                     int64_t generation, int64_t now)
    cpdef void resolved(self, bytes ip16, object peer, int64_t now)
    cpdef void unreachable(self, bytes ip16, int64_t now)
    cpdef void refused(self, object peer, int64_t now)
    cpdef void addresses_changed(self, int64_t now)
