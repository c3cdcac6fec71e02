cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from fastzt._core.access cimport be16, be32, be64, u8
from fastzt._core.slab cimport Slab
from fastzt.vl2.claims cimport Claims
from fastzt.vl2.frame_context cimport ETHERTYPE_IPV4, ETHERTYPE_IPV6, ICMP, ICMPV6, FrameContext
from fastzt.vl2.program cimport (
    ALTERNATIVE, FIRST, FLAGS, FOURTH, KIND, NEGATED, PER_PACKET, RECORD, SECOND, SMALL, THIRD, Program,
)

cdef enum:
    NO_MATCH = 0
    DROP = 1
    ACCEPT = 2
    SUPER_ACCEPT = 3
    REDIRECT = 4

cdef enum:
    FALSE = 0
    TRUE = 1
    FORCED_FALSE = 2
    FORCED_TRUE = 3
    FORCED_TRUE_SKIP = 4
    UNKNOWN_MATCHES = 0x8

cdef uint64_t FULL

@cython.locals(outcome=int, program=Program)
cpdef int judge(Program base, list capabilities, FrameContext frame) except -2

@cython.locals(slab=Slab, matching=bint, skip_drop=bint, super_accept=bint, i=int, o=Py_ssize_t, kind=int,
               flags=int, outcome=int, result=int, hit=bint)
cpdef int run(Program program, FrameContext frame) except -2

cdef int act(Slab slab, Py_ssize_t o, int kind, bint super_accept, FrameContext frame) noexcept
@cython.locals(target=uint64_t, cut=Py_ssize_t)
cdef int divert(Slab slab, Py_ssize_t o, int kind, FrameContext frame) noexcept
cdef int evaluate(Slab slab, Py_ssize_t o, int kind, bint super_accept, FrameContext frame) except -2
@cython.locals(first=uint64_t, size=uint64_t)
cdef int match_rare(Slab slab, Py_ssize_t o, int kind, FrameContext frame) except -2
@cython.locals(at=Py_ssize_t, high=uint64_t, low=uint64_t)
cdef int match_ip(Slab slab, Py_ssize_t o, int kind, FrameContext frame) noexcept
@cython.locals(port=int, low=int, high=int)
cdef int match_port(Slab slab, Py_ssize_t o, int at, FrameContext frame) noexcept
@cython.locals(tos=uint64_t)
cdef int match_tos(Slab slab, Py_ssize_t o, FrameContext frame) noexcept
@cython.locals(wanted="unsigned int", at=Py_ssize_t)
cdef int match_icmp(Slab slab, Py_ssize_t o, FrameContext frame) noexcept
@cython.locals(bits=int, size=int, at=Py_ssize_t, little=bint, value=uint64_t, i=int, step=int, spare=int)
cdef int match_integer(Slab slab, Py_ssize_t o, FrameContext frame) noexcept
@cython.locals(tag=uint64_t, mine_or_none=object, theirs_or_none=object, mine=uint64_t, theirs=uint64_t, value=uint64_t)
cdef int match_tags(Slab slab, Py_ssize_t o, int kind, bint super_accept, FrameContext frame) except -2
@cython.locals(claims=Claims, held=object)
cdef int match_one_tag(Slab slab, Py_ssize_t o, bint sender, bint super_accept, FrameContext frame) except -2
