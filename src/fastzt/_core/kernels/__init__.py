"""Kernels: the C headers that compiled modules include, and what stands for each when interpreted."""
