import keras
import numpy as np

from course_utils.layers import MLP, DropPath
from course_utils.models import macs
from tests.layers import reference
from tests.layers.support import built, weights_by_path

to_numpy = keras.ops.convert_to_numpy


def test_mlp_is_two_dense_layers_with_an_exact_gelu():
    x = np.random.default_rng(0).normal(0, 2, (3, 5, 4)).astype("float32")
    layer = built(MLP(9), x)
    expected = reference.mlp(x.astype("float64"), weights_by_path(layer))
    np.testing.assert_allclose(to_numpy(layer(x)), expected, atol=1e-5)
    assert macs(layer) == 5 * (4 * 9 + 9 * 4)


def test_mlp_drops_only_in_training_and_where_it_is_told():
    """With a constant W2, values dropped in the hidden layer show as other sums."""
    x = np.ones((4, 50, 8), "float32")
    for hidden_dropout in (True, False):
        layer = MLP(16, dropout=0.5, hidden_dropout=hidden_dropout)
        layer.build(x.shape)
        layer.hidden.bias.assign(np.linspace(1, 2, 16))
        layer.output_layer.kernel.assign(np.ones((16, 8)))
        y = to_numpy(layer(x, training=True))
        assert 0.4 < (y == 0).mean() < 0.6
        found = len(np.unique(y[y != 0].round(3)))
        assert found > 10 if hidden_dropout else found == 1
        np.testing.assert_allclose(to_numpy(layer(x)), to_numpy(layer(x))[0, 0, 0], rtol=1e-6)


def test_drop_path_drops_whole_images_and_keeps_the_mean():
    x = np.ones((4000, 3, 2), "float32")
    y = to_numpy(DropPath(0.25)(x, training=True))
    per_image = y.reshape(4000, -1)
    assert (per_image == per_image[:, :1]).all()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.03
    np.testing.assert_array_equal(to_numpy(DropPath(0.9)(x, training=False)), x)
    np.testing.assert_array_equal(to_numpy(DropPath(0.0)(x, training=True)), x)
