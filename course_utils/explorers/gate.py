"""The gate explorer: a gMLP's spatial gates while they learn, their rows drawn as maps over the image."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import analysis, figures
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import middle, signed
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place, Slider
from course_utils.explorers.core.words import at, number

MOST_EPOCHS = 11
"""How many epochs are shown at most; of more, these many, evenly spaced, the first and the last included."""

Snapshots = Mapping[int, Sequence[tuple[np.ndarray, np.ndarray]]]

ALL, ROW, BIAS = "All rows of W, where their tokens lie", "The row pointed at", "The bias b"


def _checked(owner: str, snapshots, n: int) -> tuple[dict, list[int], int]:
    """Returns {(network, epoch, block): (W, b)}, the epochs that are shown, and the number of blocks."""
    gates, epochs, depths = {}, [], set()
    for name, diary in checks.named(owner, "snapshots", snapshots, "{network: {epoch: [(W, b), …]}}").items():
        diary = checks.named(owner, f"snapshots[{name!r}]", diary, "{epoch: [(W, b), …]}")
        epochs.append({checks.whole(owner, f"an epoch of snapshots[{name!r}]", epoch, least=0) for epoch in diary})
        for epoch, blocks in diary.items():
            depths.add(len(blocks))
            for k, (weights, bias) in enumerate(blocks, start=1):
                where = f"of block {k} of {name!r}, epoch {epoch},"
                weights = checks.numbers(owner, f"W {where}", weights, (n, n))
                gates[name, int(epoch), k] = weights, checks.numbers(owner, f"b {where}", bias, (n,))
    if len(depths) > 1 or not gates:
        raise ValueError(f"{owner}: all snapshots must have as many blocks, at least one, but they have {depths}")
    common = sorted(set.intersection(*epochs))
    if not common:
        raise ValueError(f"{owner}: no epoch is in all of {', '.join(map(repr, snapshots))}")
    if len(common) > MOST_EPOCHS:
        common = [common[k] for k in np.linspace(0, len(common) - 1, MOST_EPOCHS).round().astype(int)]
    return gates, common, depths.pop()


def gate_explorer_from_arrays(
    snapshots: Mapping[str, Snapshots],
    grid: tuple[int, int],
    *,
    title: str = "What each token's gate reads",
) -> Explorer:
    """Builds the explorer from weights.

    Colours are the same for all epochs and rows of one network and block, so that growth is seen.

    Args:
        snapshots: {network: {epoch: for each block `(W (n, n), b (n,))`}}; row `i` of `W` is how the gate of token `i`
            weighs all tokens. Epochs that not all networks have are left out.
        grid: (rows, columns) of tokens; `n = rows * columns`.

    Raises:
        ValueError: shapes that do not fit, NaN, networks of different depth, or none of their epochs in common.
    """
    owner = "gate_explorer_from_arrays"
    rows, columns = grid = checks.grid_of(owner, grid)
    gates, epochs, depth = _checked(owner, snapshots, rows * columns)
    first, several = next(iter(snapshots)), len(snapshots) > 1

    def gate(block, epoch, network=first):
        return gates[network, epoch, block]

    def limit(block, network=first, **_):
        return max(float(np.abs(gate(block, epoch, network)[0]).max()) for epoch in epochs)

    def moved(block, network=first, **_):
        """Returns where the bias began, and how far from there it went at most."""
        began = float(gate(block, epochs[0], network)[1].mean())
        return began, max(float(np.abs(gate(block, epoch, network)[1] - began).max()) for epoch in epochs)

    def maps(**state):
        return figures.diverging(gate(**state)[0].reshape(-1, *grid), limit(**state))

    def bias_map(**state):
        began, reach = moved(**state)
        return figures.diverging((gate(**state)[1] - began).reshape(grid), reach)

    def bias_ticks(**state):
        began, reach = moved(**state)
        return figures.bar_ticks(reach, signed=True, write=lambda away: number(began + away, ".2f"))

    def words(block, epoch, token, network=first):
        weights, biases = gate(block, epoch, network)
        row, b = weights[token], number(biases[token], ".2f")
        who = f"{network}, block {block}" if several else f"Block {block}"
        when = "before training" if epoch == 0 else f"after epoch {epoch}"
        head = f"{who}, {when}: the gate of {at(token, columns)}"
        size = float(np.abs(row).max())
        if size < 1e-3:
            return f"{head} is {b}, its bias, and reads nobody: no weight of its row is larger than {size:.6f}."
        most = int(np.abs(row).argmax())
        whom = "itself" if most == token else at(most, columns)
        own = "" if most == token else f" Its own weight is {number(row[token], '+.2g')}."
        share = np.abs(row[token]) / np.abs(row).sum()
        return (
            f"{head} reads most from {whom}, weight {number(row[most], '+.2g')}.{own} Of all the row's weights, signs "
            f"left out, {100 * share:.0f} % is its own; b = {b}."
        )

    settings = [
        *[Choice("network", "Network", list(snapshots))] * several,
        Choice("block", "Block", list(range(1, depth + 1))),
        Slider("epoch", "Epoch", epochs, ["0 (before training)" if e == 0 else str(e) for e in epochs]),
        Place("token", "Token", grid),
    ]
    outer = [setting.name for setting in settings[:-1]]
    layers = [Layer(maps, (*outer, "token"))]
    captions = (
        f"Small map i is row i of W: {rows} × {columns} weights, laid out like the image. It lies where token i lies. "
        "Point at one.",
        "Red adds to the gate, blue takes away. The outlined position is the token itself. One scale for all epochs of "
        "this block.",
        "One b for each token. White is where b stood at first; red is above it, blue below.",
    )
    bar = Bar(figures.DIVERGING, bias_ticks)
    panels = [
        Panel(ALL, layers, captions[0], 380, sheet=True, columns=columns),
        Panel(ROW, layers, captions[1], 220, "grid", bar=signed(limit)),
        Panel(BIAS, [Layer(bias_map, outer)], captions[2], 220, "grid", beneath=True, bar=bar),
    ]
    start = {"block": depth, "epoch": epochs[0], "token": middle(grid)}
    return Explorer("gate", settings, panels, words, title=title, start=start)


def explore_gate(snapshots: Mapping[str, Snapshots], model) -> Explorer:
    """Shows how the spatial gates of gMLPs grow: every row of `W` as a map over the image, and the bias `b`.

    Keep the snapshots while training:

        diary = {}
        train(model, dataset, after_epoch=lambda epoch: diary.update({epoch: analysis.gate_weights(model)}))
        explore_gate({"gMLP": diary}, model)

    Args:
        snapshots: {network: {epoch: what `analysis.gate_weights` gave then}}.
        model: one of these networks; asked how its tokens lie in the image.

    Raises:
        ValueError: no snapshot, or snapshots that do not fit the model or each other.
    """
    return gate_explorer_from_arrays(snapshots, analysis.token_grid(model))
