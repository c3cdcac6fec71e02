from libc.stdint cimport int32_t, int64_t, uint32_t

cpdef int32_t diff(uint32_t a, uint32_t b) noexcept nogil
cpdef uint32_t add(uint32_t a, int64_t n) noexcept nogil
cpdef bint lt(uint32_t a, uint32_t b) noexcept nogil
cpdef bint leq(uint32_t a, uint32_t b) noexcept nogil
cpdef bint between(uint32_t low, uint32_t x, uint32_t high) noexcept nogil
cpdef int64_t unwrap(uint32_t sequence, int64_t near) noexcept nogil
