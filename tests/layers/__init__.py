"""The layers, each against its paper's formula."""

import pytest

pytest.register_assert_rewrite("tests.layers.contract")
