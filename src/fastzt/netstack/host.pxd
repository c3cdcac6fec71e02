from libc.stdint cimport int64_t

from fastzt._core.stats cimport Stats
from fastzt._core.timer_wheel cimport TimerWheel
from fastzt.netstack.emitter cimport Emitter
from fastzt.netstack.flow_table cimport Flow
from fastzt.netstack.socket_table cimport SocketTable
from fastzt.netstack.tcp.segment cimport Segment
from fastzt.netstack.window_budget cimport WindowBudget


cdef class Host:
    cdef readonly object config
    cdef readonly Emitter emitter
    cdef readonly TimerWheel wheel
    cdef readonly SocketTable sockets
    cdef readonly Stats stats
    cdef readonly WindowBudget windows

    cpdef void wake(self, Flow flow) except *
    cpdef void touch(self, Flow flow) except *
    cpdef void detach(self, Flow flow) except *
    cpdef void linger(self, Flow flow, Flow record, int64_t now) except *
    cpdef void refuse(self, Segment segment, object peer) except *
    cpdef void opened(self, Flow flow, Segment segment, int64_t now) except *
    cpdef bint may_challenge(self, int64_t now) except -1
