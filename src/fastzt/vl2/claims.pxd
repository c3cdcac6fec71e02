cimport cython


@cython.final
cdef class Claims:
    cdef readonly dict tags
    cdef readonly frozenset owned
    cdef readonly list capabilities
