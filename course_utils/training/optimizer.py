"""From a recipe to Keras' optimizer, with its schedule."""

import keras

from course_utils.training.recipes import Recipe

NOT_DECAYED = ["bias", "gamma", "beta", "positions", "temperature", "class_token"]


def optimizer_for(recipe: Recipe, steps_per_epoch: int) -> keras.Optimizer:
    """Returns the recipe's optimizer with its schedule over `epochs × steps_per_epoch` steps.

    "muon" moves the matrices inside the blocks along their orthogonalised momentum, all else gets AdamW; ValueError if
    this Keras has no Muon. Under "plateau" the rate is the recipe's first one: `train` lowers it between epochs.
    """
    steps = recipe.epochs * steps_per_epoch
    warmup = round(recipe.warmup * steps)
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else recipe.learning_rate,
            decay_steps=max(steps - warmup, 1),
            alpha=recipe.last_rate / recipe.learning_rate,
            warmup_target=recipe.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    elif warmup and recipe.schedule == "constant":
        rate = keras.optimizers.schedules.PolynomialDecay(0.0, warmup, end_learning_rate=recipe.learning_rate)
    else:
        rate = recipe.learning_rate
    decay = recipe.weight_decay
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=decay)
    elif hasattr(keras.optimizers, "Muon"):
        # Keras' Muon leaves to AdamW what has not two axes, and what is called like one of `exclude_layers`.
        optimizer = keras.optimizers.Muon(
            rate, weight_decay=decay, adam_weight_decay=decay, exclude_layers=[r"^(?!block_\d)"]
        )
    else:
        raise ValueError(
            f"optimizer 'muon' needs a newer Keras than {keras.__version__}: install keras>=3.13, or choose "
            "optimizer='adamw'"
        )
    optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer
