from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer

cdef extern from "stream_linux.h" nogil:
    long ft_stream_receive(int fd, unsigned char *p, size_t n)
    long ft_stream_send(int fd, const unsigned char *p, size_t n)


# These hold the GIL.
cdef inline Py_ssize_t receive_now(int fd, object sock, object buffer) except? -1:
    cdef Py_buffer view
    cdef Py_ssize_t n
    PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
    n = ft_stream_receive(fd, <unsigned char *> view.buf, <size_t> view.len)
    PyBuffer_Release(&view)
    return n


cdef inline Py_ssize_t send_now(int fd, object sock, object buffer, Py_ssize_t offset) except? -1:
    cdef Py_buffer view
    cdef Py_ssize_t n
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    n = ft_stream_send(fd, <const unsigned char *> view.buf + offset, <size_t> (view.len - offset))
    PyBuffer_Release(&view)
    return n
