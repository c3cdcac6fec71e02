cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt.vl2.claims cimport Claims

cdef int64_t NEVER


@cython.final
cdef class Member:
    cdef readonly uint64_t nwid
    cdef readonly uint64_t address
    cdef readonly uint64_t mac
    cdef public bint alive
    cdef public int64_t generation
    cdef public int64_t allowed_at
    cdef public Claims claims
    cdef public int64_t claims_at
    cdef public int64_t pushed_serial
    cdef public int pushed_parts
    cdef public int64_t last_push
    cdef public object answers
    cdef public int64_t complained_at
    cdef public int64_t liked_at
    cdef public object com
    cdef public int64_t com_threshold
    cdef public dict tags
    cdef public dict capabilities
    cdef public dict ownerships
    cdef public dict revocations


@cython.final
cdef class Memberships:
    cdef public Member last
    cdef public dict by_network
    cdef public object gate
    cdef public uint64_t credentials_id
