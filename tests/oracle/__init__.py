"""Slow, independent computations that the package is compared with."""
