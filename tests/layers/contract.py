"""What every block of the course must do, whatever it mixes with."""

import itertools
import json

import keras
import numpy as np
import pytest

from course_utils.models import macs
from tests.layers.support import answer, built, randomised, saved_and_loaded, weights_by_path

to_numpy = keras.ops.convert_to_numpy


class BlockContract:
    """A test class for one block inherits these tests and says which block and which formula.

    Attributes:
        branches: how many residual branches the block has.
        parameters: how many it has for 9 tokens of 6 channels.
        macs: how many MACs one such image costs.
    """

    branches = 2
    parameters: int
    macs: int

    def make(self, **kwargs):
        """Returns the block; `kwargs` are `dropout`, `drop_path` and what every Keras layer takes."""
        raise NotImplementedError

    def formula(self, x, w):
        """Returns the block of one image `x` `(n, d)`, in NumPy; `w` maps weight paths to arrays."""
        raise NotImplementedError

    def without_branches(self, x, w):
        """Returns what is left of one image when every branch is dropped: the image as it is."""
        return x

    def in_a_model(self, x, **kwargs):
        block = self.make(**kwargs)
        inputs = keras.Input(x.shape[1:])
        return block, keras.Model(inputs, block(inputs))

    def built(self, x, **kwargs):
        return built(self.make(**kwargs), x)

    def test_it_agrees_with_the_papers_formula(self, x):
        block = self.built(x)
        w = weights_by_path(block)
        expected = np.stack([self.formula(image, w) for image in x.astype("float64")])
        np.testing.assert_allclose(to_numpy(block(x)), expected, atol=1e-5)

    def test_one_step_of_adamw_agrees_with_numpy(self, x):
        """Finite differences of the NumPy formula give the gradient; AdamW's first step is worked out by hand."""
        x = x[:1]
        block, model = self.in_a_model(x)
        w = weights_by_path(randomised(block))
        target = np.random.default_rng(1).normal(size=x.shape)
        rate, decay, epsilon = 1e-2, 0.1, 1e-7
        # One step: on TensorFlow a graph would take longer to build than to do without.
        eagerly = keras.backend.backend() == "tensorflow"
        optimizer = keras.optimizers.AdamW(rate, weight_decay=decay, epsilon=epsilon)
        model.compile(optimizer, loss="mse", run_eagerly=eagerly)
        model.train_on_batch(x, target.astype("float32"))

        def loss(weights):
            return ((self.formula(x[0].astype("float64"), weights) - target[0]) ** 2).mean()

        after = weights_by_path(block)
        fixed = {variable.path.split("/", 1)[1] for variable in block.non_trainable_variables}
        rng = np.random.default_rng(2)
        checked = 0
        for path, value in w.items():
            if path in fixed:
                np.testing.assert_array_equal(after[path], value)
                continue
            for flat in rng.choice(value.size, min(value.size, 5), replace=False):
                index = np.unravel_index(flat, value.shape)
                high, low = dict(w), dict(w)
                high[path], low[path] = value.copy(), value.copy()
                high[path][index] += 1e-5
                low[path][index] -= 1e-5
                gradient = (loss(high) - loss(low)) / 2e-5
                if abs(gradient) < 1e-4:  # the sign of a vanishing gradient is float32 noise
                    continue
                decayed = value[index] * (1 - rate * decay)
                # At step 1, m / sqrt(v) is g / |g|; Keras adds epsilon to sqrt(v) before v is corrected for its
                # start at 0.
                step = rate * gradient / (abs(gradient) + epsilon / np.sqrt(1 - 0.999))
                assert after[path][index] == pytest.approx(decayed - step, abs=2e-5), path
                checked += 1
        assert checked > 20

    def test_drop_path_drops_each_branch_of_an_image_alone(self, x):
        many = np.repeat(x[:1], 400, axis=0)
        block = self.built(many, drop_path=0.5)
        got = to_numpy(block(many, training=True))
        left = self.without_branches(x[0].astype("float64"), weights_by_path(block))
        share = (np.abs(got - left).max(axis=(1, 2)) < 1e-5).mean()
        assert abs(share - 0.5**self.branches) < 0.08
        outcomes = []
        for image in got:
            if not any(np.allclose(image, known, atol=1e-4) for known in outcomes):
                outcomes.append(image)
        assert len(outcomes) == 2**self.branches

    def test_outside_training_nothing_is_dropped(self, x):
        block, plain = self.built(x, dropout=0.5, drop_path=0.5), self.built(x)
        np.testing.assert_array_equal(to_numpy(block(x)), to_numpy(plain(x)))
        assert np.abs(to_numpy(block(x, training=True)) - to_numpy(plain(x))).max() > 0.1

    @pytest.mark.one_backend
    def test_it_survives_saving(self, x, tmp_path):
        block = self.make(dropout=0.1, drop_path=0.2)
        model, loaded = saved_and_loaded(block, x.shape[1:], tmp_path)
        np.testing.assert_array_equal(answer(model, x), answer(loaded, x))
        again = loaded.layers[-1]
        assert json.dumps(again.get_config()) == json.dumps(block.get_config())  # in JSON, a tuple is a list
        assert [weight.path for weight in again.weights] == [weight.path for weight in block.weights]

    @pytest.mark.rehearsal
    @pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
    def test_it_trains_under_mixed_precision(self, policy, x):
        exact = self.built(x)
        block, model = self.in_a_model(x, dtype=policy)
        block.set_weights(exact.get_weights())
        assert all(weight.dtype == "float32" for weight in block.weights)
        half = to_numpy(model(x))
        assert half.dtype != np.float32
        np.testing.assert_allclose(half.astype("float32"), to_numpy(exact(x)), atol=0.15, rtol=0.05)
        model.compile("adamw", loss="mse")
        model.optimizer.build(model.trainable_variables)  # else TensorFlow builds its graph twice
        losses = model.fit(x, np.zeros_like(x), epochs=3, verbose=0).history["loss"]
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]

    @pytest.mark.rehearsal
    def test_it_compiles_with_xla(self, x):
        keras.utils.set_random_seed(0)  # with dropout, chance may undo small steps
        _, model = self.in_a_model(x, dropout=0.1, drop_path=0.1)
        model.compile(keras.optimizers.SGD(0.05), loss="mse", jit_compile=True)
        model.optimizer.build(model.trainable_variables)
        losses = model.fit(x, np.zeros_like(x), epochs=10, verbose=0).history["loss"]
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]

    @pytest.mark.one_backend
    def test_its_shapes_parameters_and_cost_are_the_papers(self):
        block = self.make()
        assert block(keras.Input((9, 6))).shape == (None, 9, 6)
        assert block.count_params() == self.parameters
        assert macs(block) == self.macs

    @pytest.mark.one_backend
    def test_rates_outside_their_range_are_named(self):
        for name, bad in itertools.product(("dropout", "drop_path"), (1.5, -0.1, float("nan"), True)):
            with pytest.raises(ValueError, match=f": (dropout|rate) should be .*, but it is {bad}"):
                self.make(**{name: bad})

    @pytest.mark.one_backend
    def test_a_wrong_rank_is_named(self):
        block = self.make()
        with pytest.raises(ValueError, match=rf"{type(block).__name__}: .* 3 axes \(b, n, d\), .* is \(2, 9\)"):
            block(np.zeros((2, 9), "float32"))
