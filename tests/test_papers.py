"""A paper is one line: a pooling mixer that only this test knows is trained, saved, analysed, drawn and tabulated."""

import ast

import keras
import numpy as np
import pytest

from course_utils.analysis import influence
from course_utils.data import load_dataset
from course_utils.explorers import explore_influence
from course_utils.layers import MLP, DropPath, TokenLayer
from course_utils.layers.base import LayerNorm
from course_utils.models import CONFIGS, Config, blocks, classifier, describe, macs
from course_utils.papers import PAPERS, Paper
from course_utils.results import cards, tables
from course_utils.training import evaluate, train
from tools.settings import ROOT


class PoolBlock(TokenLayer):
    """PoolFormer's block: a token is mixed with the mean of its neighbours, minus itself. Source: arXiv 2111.11418."""

    def __init__(self, grid, mlp_dim, dropout=0.0, drop_path=0.0, **kwargs):
        super().__init__(**kwargs)
        self.grid, dtype = tuple(grid), self.dtype_policy
        self.norm1, self.norm2 = LayerNorm("norm1", dtype), LayerNorm("norm2", dtype)
        self.pool = keras.layers.AveragePooling2D(3, 1, "same", data_format="channels_last", dtype=dtype)
        self.mlp = MLP(mlp_dim, dropout, name="mlp", dtype=dtype)
        self.drop_path1, self.drop_path2 = DropPath(drop_path, dtype=dtype), DropPath(drop_path, dtype=dtype)

    def call(self, x, training=None):
        _, n, d = x.shape
        y = self.norm1(x)
        mean = keras.ops.reshape(self.pool(keras.ops.reshape(y, (-1, *self.grid, d))), (-1, n, d))
        y = x + self.drop_path1(mean - y, training=training)
        return y + self.drop_path2(self.mlp(self.norm2(y), training=training), training=training)


def _pool(config, grid, **common):
    return PoolBlock(grid, config.channels_mlp_dim, **common)


@pytest.fixture
def pool(monkeypatch):
    """The paper's line in the list, and its configuration."""
    monkeypatch.setitem(PAPERS, "pool", Paper("pool", "PoolFormer", "2111.11418", _pool))
    monkeypatch.setitem(CONFIGS, "pool_tiny", Config("pool", 8, 32, 2, channels_mlp_dim=64))


def test_a_paper_of_ones_own_works_everywhere(pool, tmp_path, monkeypatch):
    data = load_dataset("shapes", size=320).subset(train=128)
    model = classifier("pool", data.input_shape, data.num_classes, drop_path=0.1)
    assert macs(blocks(model)[0]) == 2 * 16 * 32 * 64  # pooling adds, and additions are not counted

    run = train(model, data, "quick", epochs=1, batch_size=64, monitor="none", card=tmp_path / "pool.json")
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 2
    assert (run.label, run.model.config.mixing) == ("pool tiny, drop path=0.1", "pool")
    assert np.isfinite(run.history["loss"][0])

    model.save(tmp_path / "pool.keras")
    loaded = keras.models.load_model(tmp_path / "pool.keras")
    assert describe(loaded) == describe(model) == run.model
    assert evaluate(loaded, data.x_test, data.y_test) == evaluate(model, data.x_test, data.y_test)

    image = data.x_test[0]
    moved = influence(model, image, 1).reshape(4, 4, 4, 4) > 0
    near = np.abs(np.subtract.outer(range(4), range(4))) <= 1
    around = near[:, None, :, None] & near[None, :, None, :]
    np.testing.assert_array_equal(moved, around)  # a token sees the 3 × 3 around it

    explorer = explore_influence({"pool": model}, {"a puzzle": image})
    assert explorer.png().startswith(b"\x89PNG")
    assert "pool" in explorer.page()

    monkeypatch.setattr(cards, "folder", lambda: tmp_path)
    (row,) = tables.measured("pool")
    assert (row["parameters"], row["epochs"]) == (model.count_params(), 1)


def papers_in(node) -> set[str]:
    """Returns the papers that a tuple, list, set or dict in source text names one by one."""
    parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    return {part.value for part in parts if isinstance(part, ast.Constant)} & set(PAPERS)


# The keras.io examples written again, each by hand; and what three papers' layers are called in timm's networks.
BY_HAND = {ROOT / "benchmarks" / "plain.py", ROOT / "course_utils" / "models" / "published.py"}


@pytest.mark.parametrize("folder", ["course_utils", "benchmarks", "tools"])
def test_there_is_no_second_list_of_papers(folder):
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path not in BY_HAND
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if len(papers_in(node)) > 2
    ]
    assert found == []


def test_every_line_is_complete():
    for key, paper in PAPERS.items():
        assert paper.key == key
        assert {CONFIGS[f"{key}_{size}"].mixing for size in ("tiny", "course")} == {key}
        assert set(paper.uses) <= set(Config.__dataclass_fields__)
