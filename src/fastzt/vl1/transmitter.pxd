cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core cimport fragment, packet
from fastzt._core.access cimport move, put_be64
from fastzt._core.armor cimport SessionKey, armor, armor_run
from fastzt._core.datagram_batch cimport TransmitBatch
from fastzt.vl1.id_source cimport IdSource
from fastzt.vl1.path cimport Path
from fastzt.vl1.peer cimport Peer

cdef enum:
    MAX_RUN = 64


@cython.final
cdef class Transmitter:
    cdef object context
    cdef uint64_t address
    cdef IdSource ids
    cdef Path out_path
    cdef TransmitBatch run_out
    cdef SessionKey run_key
    cdef int run_suite
    cdef Py_ssize_t run_offset
    cdef Py_ssize_t run_stride
    cdef Py_ssize_t run_last
    cdef Py_ssize_t run_count

    @cython.locals(path=Path)
    cpdef Path route(self, Peer peer, int64_t now)
    @cython.locals(path=Path, n=Py_ssize_t, count=int, offset=Py_ssize_t)
    cpdef Py_ssize_t reserve(self, Peer peer, TransmitBatch out, Py_ssize_t payload_length, int64_t now)
    @cython.locals(path=Path, n=Py_ssize_t, offset=Py_ssize_t, flags=int, count=int)
    cpdef seal(self, Peer peer, TransmitBatch out, Py_ssize_t payload_length, int verb, int64_t now)
    @cython.locals(path=Path, n=Py_ssize_t, first=Py_ssize_t, count=Py_ssize_t, i=Py_ssize_t, o=Py_ssize_t)
    cpdef Py_ssize_t repeat(self, Peer peer, TransmitBatch out, Py_ssize_t payload_length, Py_ssize_t same,
                            Py_ssize_t most, int64_t now) except -1
    cdef extend(self, TransmitBatch out, Py_ssize_t offset, Py_ssize_t n, Peer peer)
    @cython.locals(count=Py_ssize_t, out=TransmitBatch, key=SessionKey)
    cpdef complete(self)
    @cython.locals(i=int, start=Py_ssize_t, length=Py_ssize_t, packet_id=uint64_t)
    cdef cut(self, TransmitBatch out, Py_ssize_t offset, Py_ssize_t n, int count, Path path)
