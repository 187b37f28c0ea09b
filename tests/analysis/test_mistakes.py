"""Calibration and confusions, against counting by hand."""

import re

import numpy as np
import pytest

from course_utils import analysis


def rows(*largest):
    """Probabilities over three classes, the largest of class 1."""
    return np.array([[(1 - p) / 2, p, (1 - p) / 2] for p in largest])


def test_a_bin_says_how_sure_and_how_often_right():
    sure, right, count = analysis.calibration(rows(0.52, 0.58, 0.91, 0.99, 1.0), np.array([1, 0, 1, 1, 2]))
    np.testing.assert_allclose(sure, [0.55, (0.91 + 0.99 + 1.0) / 3])
    np.testing.assert_allclose(right, [1 / 2, 2 / 3])
    np.testing.assert_array_equal(count, [2, 3])


def test_one_bin_is_the_mean_of_all():
    sure, right, count = analysis.calibration(rows(0.5, 0.7), np.array([1, 1]), bins=1)
    assert (sure[0], right[0], count[0]) == (pytest.approx(0.6), 1.0, 2)


def test_confusions_count_wrong_answers_alone_most_frequent_first():
    labels = np.array([0, 0, 1, 2, 2, 2, 1])
    said = np.array([0, 1, 1, 0, 0, 1, 1])
    assert analysis.confusions(said, labels) == [(2, 0, 2), (0, 1, 1), (2, 1, 1)]
    assert analysis.confusions(labels, labels) == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: analysis.calibration(rows(0.5), np.array([1, 1])), "labels"),
        (lambda: analysis.calibration(2 * rows(0.5), np.array([1])), "sum to 1"),
        (lambda: analysis.calibration(rows(0.5), np.array([1]), bins=0), "bins must be from 1"),
        (lambda: analysis.confusions(np.zeros((2, 2)), np.zeros((2, 2))), "must be (b,) both"),
        (lambda: analysis.confusions(np.zeros(2), np.zeros(3)), "must be (b,) both"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        call()
