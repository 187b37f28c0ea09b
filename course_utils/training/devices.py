"""More than one device, and the number format that a device is good at."""

import contextlib
import re

import keras

_SINCE_AMPERE = (
    r"TPU( v\d\w*)?|A(2|10G?|16|30|40|100|800)|L(2|4|20|40S?)|G?H(20|100|200|800)|G?B(100|200|300)"
    r"|GeForce RTX [345]0\d\d|RTX A\d+|RTX .*(Ada|Blackwell)"
)
_VOLTA_AND_TURING = r"T4G?|V100S?|TITAN (V|RTX)|GeForce RTX 20\d\d|Quadro RTX \d+"


def available() -> list[str]:
    """Returns the devices that a run can be spread over: the accelerators, or else the CPU's (virtual) devices."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        names = [f"{device.device_type}:{device.name.split(':')[-1]}" for device in tf.config.list_logical_devices()]
    else:
        names = keras.distribution.list_devices()
    accelerators = [name for name in names if not name.lower().startswith("cpu")]
    return accelerators or names


def spread(model, devices: int | None, batch_size: int):
    """Returns a model whose training is spread over several devices, each with its share of every batch.

    It is a copy, whose weights are for the caller to bring back; without `devices` it is the model itself. With it
    comes a function that makes the context in which it is compiled and trained. ValueError if there are not so many
    devices or they cannot share a batch evenly, NotImplementedError on other backends than TensorFlow and JAX.
    """
    if devices is None:
        return model, contextlib.nullcontext
    found = available()
    if devices > len(found):
        raise ValueError(f"train: devices must be from 1 to {len(found)} ({', '.join(found)}), but it is {devices!r}")
    if batch_size % devices:
        raise ValueError(f"train: {batch_size} images of a batch cannot be shared evenly among devices={devices}")
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        # TensorFlow's way between CPU devices works for one number of devices in a process only.
        between = tf.distribute.ReductionToOneDevice() if found[0].startswith("CPU") else None
        scope = tf.distribute.MirroredStrategy(found[:devices], cross_device_ops=between).scope
    elif backend == "jax":
        scope = keras.distribution.DataParallel(devices=found[:devices], auto_shard_dataset=False).scope
    else:
        raise NotImplementedError(f"train: devices needs TensorFlow or JAX, but Keras runs on {backend}")
    with scope():
        twin = keras.models.clone_model(model)
        twin.set_weights(model.get_weights())
    return twin, scope


def precision(accelerators: list[str]) -> str:
    """Returns the Keras policy that trains fastest on what `system.accelerators()` names without losing accuracy.

    "mixed_bfloat16" on TPUs and on NVIDIA's GPUs since Ampere, "mixed_float16" on Volta and Turing (V100, T4), whose
    matrix units know no bfloat16, "float32" on a CPU and on anything unknown: half precision that a device only
    imitates is slower.
    """
    name = accelerators[0] if accelerators else ""
    if re.search(rf"\b({_SINCE_AMPERE})\b", name, re.I):
        return "mixed_bfloat16"
    if re.search(rf"\b({_VOLTA_AND_TURING})\b", name, re.I):
        return "mixed_float16"
    return "float32"
