cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core.datagram_batch cimport DatagramBatch, TransmitBatch
from fastzt._core.timer_wheel cimport TimerWheel
from fastzt.netstack.socket_table cimport SocketTable
from fastzt.node.verbs cimport Verbs
from fastzt.netstack.window_budget cimport WindowBudget
from fastzt.node.adapter cimport Inlet, Lane, Outlet
from fastzt.vl1.switch cimport Switch
from fastzt.vl2.networks cimport Networks


cdef class Core(Verbs):
    cdef readonly object identity
    cdef readonly uint64_t address
    cdef readonly object entropy
    cdef readonly object stack_config
    cdef readonly Switch switch
    cdef readonly Networks networks
    cdef readonly TimerWheel wheel
    cdef readonly WindowBudget windows
    cdef readonly SocketTable sockets
    cdef readonly object controller
    cdef dict _by_id
    cdef list _lanes
    cdef list _overlays
    cdef TransmitBatch _nothing

    @cython.locals(lane=Lane)
    cpdef receive(self, DatagramBatch batch, int64_t now)
    @cython.locals(lane=Lane, more=bint)
    cpdef bint transmit(self, TransmitBatch out, int64_t now) except -1
    @cython.locals(found=int64_t, other=int64_t, lane=Lane)
    cpdef int64_t deadline(self) except? -1
    @cython.locals(lane=Lane, timer=int)
    cpdef tick(self, int64_t now)
    cpdef list jobs(self)
    cpdef bint has_news(self) except -1
    cpdef list ready(self)
    cpdef list events(self)
