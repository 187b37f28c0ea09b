"""How sharply a token attends: the entropy of its row."""

import numpy as np


def entropy(attention: np.ndarray) -> np.ndarray:
    """Returns the entropy of each row of attention weights, `−Σ aⱼ · log2 aⱼ`, in bits.

    0 bits: everything comes from one token. `log2 n` bits: all `n` tokens give alike. A weight of 0 counts 0.

    Args:
        attention: `(…, n)`, rows summing to 1, as `probes.attention` gives them.

    Returns:
        float64 `(…)`.

    Raises:
        ValueError: a weight is negative, or a row does not sum to 1.
    """
    attention = np.asarray(attention, dtype="float64")
    if attention.ndim == 0 or attention.size == 0:
        raise ValueError(f"entropy: attention must be (…, n), but its shape is {attention.shape}")
    sums = attention.sum(axis=-1)
    if not np.all(attention >= 0) or not np.allclose(sums, 1, atol=1e-2):  # bfloat16 keeps numbers to 0.4 % only
        raise ValueError("entropy: the rows of attention must be 0 or more and sum to 1")
    logs = np.log2(attention, out=np.zeros_like(attention), where=attention > 0)
    return np.maximum(-(attention * logs).sum(axis=-1), 0.0)  # a single 1 would give −0
