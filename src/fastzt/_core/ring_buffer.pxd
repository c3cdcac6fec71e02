cimport cython
from libc.stdint cimport int64_t, uint32_t

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.string cimport memcpy

from fastzt._core.access cimport move, take
from fastzt._core.checksum cimport copy_sum, sum16
from fastzt._core.slab cimport Slab

cdef enum:
    FIRST_STEP = 1024


@cython.final
cdef class RingBuffer:
    cdef Slab slab
    cdef readonly Py_ssize_t capacity
    cdef public Py_ssize_t limit
    cdef readonly int64_t head
    cdef readonly int64_t tail
    cdef readonly int64_t high

    cpdef Py_ssize_t used(self) noexcept
    @cython.locals(free=Py_ssize_t)
    cpdef Py_ssize_t room(self) noexcept
    @cython.locals(n=Py_ssize_t, at=Py_ssize_t, first=Py_ssize_t)
    cpdef Py_ssize_t write(self, object data, Py_ssize_t start=*, Py_ssize_t most=*) except -1
    @cython.locals(free=Py_ssize_t)
    cpdef Py_ssize_t append(self, Slab source, Py_ssize_t offset, Py_ssize_t n) except -1
    cpdef bint write_at(self, int64_t position, Slab source, Py_ssize_t offset, Py_ssize_t n) except -1
    @cython.locals(at=Py_ssize_t)
    cpdef int64_t write_sum(self, int64_t position, Slab source, Py_ssize_t offset, Py_ssize_t n,
                            uint32_t initial) except? -2
    cpdef bint advance(self, Py_ssize_t n) noexcept
    @cython.locals(n=Py_ssize_t, at=Py_ssize_t, first=Py_ssize_t)
    cpdef Py_ssize_t read_into(self, object target) except -1
    @cython.locals(n=Py_ssize_t, at=Py_ssize_t, first=Py_ssize_t)
    cpdef bytes read(self, Py_ssize_t most)
    @cython.locals(at=Py_ssize_t, first=Py_ssize_t)
    cpdef bint peek(self, int64_t position, Slab target, Py_ssize_t offset, Py_ssize_t n) noexcept
    @cython.locals(at=Py_ssize_t)
    cpdef int64_t peek_sum(self, int64_t position, Slab target, Py_ssize_t offset, Py_ssize_t n, uint32_t initial) noexcept
    @cython.locals(held=Py_ssize_t)
    cpdef Py_ssize_t discard(self, Py_ssize_t n) noexcept
    @cython.locals(held=Py_ssize_t, step=Py_ssize_t)
    cpdef void shrink(self) except *
    @cython.locals(need=Py_ssize_t, step=Py_ssize_t)
    cdef bint fit(self, int64_t end) except -1
    @cython.locals(slab=Slab, position=int64_t, source=Py_ssize_t, to=Py_ssize_t, n=Py_ssize_t)
    cdef void relocate(self, Py_ssize_t capacity) except *
    @cython.locals(at=Py_ssize_t, first=Py_ssize_t)
    cdef void put(self, int64_t position, Slab source, Py_ssize_t offset, Py_ssize_t n) noexcept
    cpdef void grow_tail(self, Py_ssize_t n) noexcept


cdef inline Py_ssize_t size_of(object buffer, bint writable=False) except -1:
    cdef Py_buffer view
    cdef Py_ssize_t n
    cdef bint readonly
    try:
        PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    except BufferError:
        raise TypeError("a contiguous buffer is needed") from None
    n = view.len
    readonly = view.readonly
    PyBuffer_Release(&view)
    if writable and readonly:
        raise TypeError("a writable buffer is needed")
    return n


cdef inline int copy_in(Slab slab, Py_ssize_t offset, object buffer, Py_ssize_t start, Py_ssize_t n) except -1:
    cdef Py_buffer view
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    if start + n <= view.len:
        memcpy(slab.p + offset, <const unsigned char *> view.buf + start, <size_t> n)
    PyBuffer_Release(&view)
    return 0


cdef inline int copy_out(Slab slab, Py_ssize_t offset, object buffer, Py_ssize_t start, Py_ssize_t n) except -1:
    cdef Py_buffer view
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    if start + n <= view.len and not view.readonly:
        memcpy(<unsigned char *> view.buf + start, slab.p + offset, <size_t> n)
    PyBuffer_Release(&view)
    return 0
