"""Claims of the lessons on MLP-Mixer, FNet and gMLP."""

from functools import lru_cache

import numpy as np
from keras import ops

from benchmarks.claims import claim
from benchmarks.claims.parts import learned, plan, puzzle
from course_utils import analysis
from course_utils.models import blocks, classifier
from course_utils.training import train

AT_CHANCE = 0.1  # chance is 1 in 16


def untrained(name, seed, **changes):
    """Returns a network as the lessons build it for the puzzle."""
    return classifier(name, puzzle().input_shape, puzzle().num_classes, seed=seed, **changes)


def trained(network, seed, after_epoch=None):
    """Returns its run, as in profile `quick`."""
    how = plan(network.configuration.mixing)
    return train(network, puzzle(), how, seed=seed, monitor="none", after_epoch=after_epoch)


def influence(network):
    """Returns the influence up to the last block, on the image that the lessons show."""
    return analysis.influence(network, puzzle().x_test[0], len(blocks(network)))


def own_share(values):
    """Returns the share that an output token has in its own influence, averaged over the tokens."""
    return (np.diag(values) / values.sum(axis=1)).mean()


@claim(
    "01_mlp_mixer",
    "On the puzzle, training lowers a token's own share under *Up to block* 2: there the other fifteen gain.",
    lambda found: found["after"] < found["before"],
)
def own_share_falls(seed):
    network, _ = learned("mixer", seed)
    return {name: own_share(influence(net)) for name, net in (("before", untrained("mixer", seed)), ("after", network))}


@claim(
    "01_mlp_mixer",
    "The network without mixing has nearly as many parameters, and it stays at chance.",
    lambda found: max(found.values()) < AT_CHANCE,
)
def no_mixing_at_chance(seed):
    _, run = learned("no_mixing", seed)
    return {"training accuracy": run.history["accuracy"][-1], "test accuracy": run.test.top1}


# Two claims are about one training, so its numbers are kept.
@lru_cache
def fnet(seed):
    network, said = untrained("fnet", seed), []
    images, positions = puzzle().x_test[:500].astype("float32"), puzzle().y_test[:500]
    before = influence(network)
    run = trained(network, seed, lambda _: said.append(np.argmax(ops.convert_to_numpy(network(images)), axis=1)))
    after = influence(network)
    mistakes = [(answers[wrong], positions[wrong]) for answers in said for wrong in [answers != positions]]
    itself = np.eye(16, dtype=bool)
    cross = itself | itself[-np.arange(16) % 16]
    return {
        "share of the mistakes": max((a == -p % 16).mean() for a, p in mistakes if len(p) >= 50),
        "test accuracy": run.test.top1,
        "X before": before[cross].sum() / before.sum(),
        "X after": after[cross].sum() / after.sum(),
    }


@claim(
    "02_fnet",
    "For a while *most* mistakes are the mirrored position: the odd shape is found, but not on which side of the row "
    "it lies. Then the network learns that, too.",
    lambda found: found["share of the mistakes"] > 0.6 and found["test accuracy"] > 0.95,
)
def mirror_mistakes(seed):
    return {name: fnet(seed)[name] for name in ("share of the mistakes", "test accuracy")}


@claim("02_fnet", "On the puzzle, training makes the X paler.", lambda found: found["X after"] < found["X before"])
def x_turns_pale(seed):
    return {name: fnet(seed)[name] for name in ("X before", "X after")}


@claim(
    "02_fnet",
    "Without mixing the network stays at chance, 1 in 16. With any of the three mixings it learns most of the puzzle, "
    "even with *random* matrices.",
    lambda found: found["none"] < AT_CHANCE and min(found["linear"], found["random"]) > 0.6,
)
def any_mixing_will_do(seed):
    runs = {name: learned("fnet", seed, epochs=3, token_mixing=name)[1] for name in ("linear", "random", "none")}
    return {name: run.test.top1 for name, run in runs.items()}


@lru_cache
def gmlp(seed):
    network, gates = untrained("gmlp", seed), []
    trained(network, seed, lambda _: gates.append(analysis.gate_weights(network)))
    row, column = np.divmod(np.arange(16), 4)
    steps = np.maximum(np.abs(row[:, None] - row), np.abs(column[:, None] - column))
    found = {}
    for k, (weights, bias) in enumerate(gates[-1]):
        lines = weights / np.linalg.norm(weights, axis=1, keepdims=True)
        sizes = {epoch: np.abs(gates[epoch][k][0]).mean() for epoch in (1, 3, 6)}
        found[k + 1] = {f"size after {epoch}": size for epoch, size in sizes.items()} | {
            "bias": bias.mean(),
            "rows alike": ((lines @ lines.T).sum() - 16) / (16 * 15),
            "near by far": np.abs(weights[steps == 1]).mean() / np.abs(weights[steps > 1]).mean(),
        }
    values = influence(network)
    return found, {"smallest by largest": values.min() / values.max()}


def gates(seed, *names):
    """Returns numbers of both blocks' gates."""
    return {f"{name}, block {k}": numbers[name] for k, numbers in gmlp(seed)[0].items() for name in names}


@claim(
    "03_gmlp",
    "On the puzzle, $W$ does most of its growing in the first half of the epochs. And $b$ falls: the paper "
    "opens the gate, training shuts it a little.",
    lambda found: all(
        found[f"size after 3, block {k}"] > 0.5 * found[f"size after 6, block {k}"] and found[f"bias, block {k}"] < 1
        for k in (1, 2)
    ),
)
def gates_grow(seed):
    return gates(seed, "size after 1", "size after 3", "size after 6", "bias")


@claim(
    "03_gmlp",
    "A neighbour counts about as much as a position far away: the odd cell can be anywhere.",
    lambda found: all(0.6 < ratio < 1.7 for ratio in found.values()),
)
def near_counts_like_far(seed):
    return gates(seed, "near by far")


@claim(
    "03_gmlp",
    "And the rows have become alike, those of the last block most: much of what the gates read is common to all.",
    lambda found: found["rows alike, block 2"] > found["rows alike, block 1"] > 0.1,
)
def rows_become_alike(seed):
    return gates(seed, "rows alike")


@claim(
    "03_gmlp",
    "On the puzzle, after training, all pairs are lit after the last block.",
    lambda found: found["smallest by largest"] > 1e-3,
)
def all_pairs_lit(seed):
    return gmlp(seed)[1]


@claim(
    "03_gmlp",
    "And training does not open the gates that began shut: their $b$ stays far below 1.",
    lambda found: max(found.values()) < 0.5,
)
def shut_gates(seed):
    network, _ = learned("gmlp", seed, gate_bias_start=0.0)
    return {f"block {k}": bias.mean() for k, (_, bias) in enumerate(analysis.gate_weights(network), start=1)}


@claim(
    "03_gmlp",
    "Without them no two tokens ever meet, and the network stays at chance: 1 in 16, about 6 %.",
    lambda found: found["test accuracy"] < AT_CHANCE,
)
def held_gates_at_chance(seed):
    network = untrained("gmlp", seed)
    for block in blocks(network):
        block.gate.spatial_weights.trainable = False
    return {"test accuracy": trained(network, seed).test.top1}
