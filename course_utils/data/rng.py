"""Random numbers that are the same on every machine and under every release of NumPy."""

import numpy as np


class Draw:
    """Draws random whole numbers; `seed` is one from 0 on."""

    def __init__(self, seed: int):
        self._bits = np.random.PCG64(seed)

    def integers(self, high: int, size: int | tuple[int, ...]) -> np.ndarray:
        """Whole numbers in 0..high-1, int64 of shape `size`. `high` may be up to 2**31."""
        count = int(np.prod(size))
        # The upper 32 bits, scaled: the bias, high / 2**32, is far too small to matter here.
        upper = self._bits.random_raw(count) >> np.uint64(32)
        return ((upper * np.uint64(high)) >> np.uint64(32)).astype(np.int64).reshape(size)

    def order(self, count: int) -> np.ndarray:
        """A random order of 0..count-1, int64."""
        return np.argsort(self._bits.random_raw(count), kind="stable")
