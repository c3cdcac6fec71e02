from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t

cdef extern from "passed_socket.h" nogil:
    long ft_socket_receive(int fd, unsigned char *p, size_t n)
    long ft_socket_send(int fd, const unsigned char *p, size_t n)
    int64_t ft_socket_until(double seconds)
    long ft_socket_wait_to_receive(int fd, int64_t until)
    long ft_socket_send_later(int fd, const unsigned char *p, size_t n, int64_t until)


# These hold the GIL.
cdef inline Py_ssize_t receive_now(int fd, object sock, object buffer) except? -1:
    cdef Py_buffer view
    cdef Py_ssize_t n
    PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
    n = ft_socket_receive(fd, <unsigned char *> view.buf, <size_t> view.len)
    PyBuffer_Release(&view)
    return n


cdef inline Py_ssize_t send_now(int fd, object sock, object buffer, Py_ssize_t offset) except? -1:
    cdef Py_buffer view
    cdef Py_ssize_t n
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    n = ft_socket_send(fd, <const unsigned char *> view.buf + offset, <size_t> (view.len - offset))
    PyBuffer_Release(&view)
    return n


# These let it go, and take it back once.
cdef inline Py_ssize_t receive_later(int fd, object sock, object buffer, double seconds) except? -1:
    cdef int64_t until = ft_socket_until(seconds)
    cdef long found
    with nogil:
        found = ft_socket_wait_to_receive(fd, until)
    PyErr_CheckSignals()
    return found if found < 0 else receive_now(sock.fileno(), sock, buffer)


cdef inline Py_ssize_t send_later(
    int fd, object sock, object buffer, Py_ssize_t offset, double seconds
) except? -1:
    cdef Py_buffer view
    cdef Py_ssize_t n
    cdef int64_t until = ft_socket_until(seconds)
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    with nogil:
        n = ft_socket_send_later(
            fd, <const unsigned char *> view.buf + offset, <size_t> (view.len - offset), until
        )
    PyBuffer_Release(&view)
    PyErr_CheckSignals()
    return n
