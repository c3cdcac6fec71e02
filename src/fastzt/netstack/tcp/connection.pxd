cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.tcp_header cimport TcpOptions
from fastzt.netstack.tcp.half_open cimport HalfOpen
from fastzt.netstack.tcp.output cimport Output
from fastzt.netstack.tcp.state cimport (
    CLOSE, CLOSE_WAIT, CLOSED, CLOSING, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, LAST_ACK, PASSIVE_OPEN, SYN_ACKED,
    SYN_RECEIVED, SYN_SENT, TIME_WAIT, step
)
from fastzt.netstack.tcp.timers cimport GIVE_UP


@cython.final
cdef class Connection(Output):
    cdef bint may_write(self) noexcept
    @cython.locals(taken=Py_ssize_t)
    cpdef Py_ssize_t write(self, object data, int64_t now, Py_ssize_t start=*, Py_ssize_t most=*) except -1
    cpdef bint keeps_back(self) noexcept
    cpdef bint may_keep_back(self, Py_ssize_t size) noexcept
    cpdef void push(self, int64_t now) except *
    @cython.locals(taken=Py_ssize_t)
    cpdef Py_ssize_t read_into(self, object target, int64_t now) except -1
    cdef void after_read(self, int64_t now) except *
    cdef void raise_error(self) except *
    cpdef void shutdown_write(self, int64_t now) except *
    cpdef void close(self, int64_t now) except *
    @cython.locals(options=TcpOptions)
    cpdef void take_over(self, HalfOpen half, int64_t now) except *
