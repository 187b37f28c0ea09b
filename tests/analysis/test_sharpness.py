import math

import numpy as np
import pytest

from course_utils import analysis


def test_entropy_in_bits():
    rows = [[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0], [0.5, 0.25, 0.125, 0.125]]
    found = analysis.entropy(np.array(rows, "float32"))
    np.testing.assert_allclose(found, [0, 2, 1, 1.75])
    assert math.copysign(1, found[0]) == 1  # not −0


def test_entropy_of_each_row_agrees_with_the_sum_over_its_weights():
    rng = np.random.default_rng(0)
    attention = rng.dirichlet(np.ones(5), size=(2, 3, 4))
    found = analysis.entropy(attention)
    assert found.shape == (2, 3, 4)
    assert found[1, 2, 3] == pytest.approx(-sum(a * math.log(a, 2) for a in attention[1, 2, 3]))


@pytest.mark.parametrize("rows", [[[0.5, 0.2]], [[1.5, -0.5]], [[math.nan, 1.0]], [[-1e-3, 1.0]]])
def test_what_is_no_share_is_refused(rows):
    with pytest.raises(ValueError, match="must be 0 or more and sum to 1"):
        analysis.entropy(rows)


@pytest.mark.parametrize("nothing", [1.0, np.zeros((3, 0))])
def test_no_rows_are_refused(nothing):
    with pytest.raises(ValueError, match=r"must be \(…, n\)"):
        analysis.entropy(nothing)
