from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc

cdef extern from "proof_of_work.h" nogil:
    enum: FT_MEMORY
    void ft_salsa20_setup()
    void ft_memory_hard(unsigned char *digest, unsigned char *memory)


cpdef bytes memory_hard_hash(bytes public)


cdef inline void setup() noexcept:
    ft_salsa20_setup()

cdef inline bytes mix(bytes digest):
    cdef bytes out = PyBytes_FromStringAndSize(PyBytes_AS_STRING(digest), 64)
    cdef unsigned char *result = <unsigned char *> PyBytes_AS_STRING(out)
    cdef unsigned char *memory = <unsigned char *> PyMem_RawMalloc(FT_MEMORY)
    if memory == NULL:
        raise MemoryError
    with nogil:
        ft_memory_hard(result, memory)
    PyMem_RawFree(memory)
    return out
