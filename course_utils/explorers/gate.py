"""The gate explorer: a gMLP's spatial gates while they learn, their rows drawn as maps over the image."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import figures
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place, Slider

MOST_EPOCHS = 11
"""How many epochs are shown at most; of more, these many are taken, evenly spread, the first and the last included."""

Snapshots = Mapping[int, Sequence[tuple[np.ndarray, np.ndarray]]]

ALL, ROW, BIAS = "All rows of W, where their tokens lie", "The row pointed at", "The bias b"


def _checked(snapshots, grid) -> tuple[dict[str, dict[int, list]], list[int], int]:
    """Returns the snapshots of the epochs that are shown, these epochs, and the number of blocks."""
    owner = "gate_explorer_from_arrays"
    n = grid[0] * grid[1]
    if not isinstance(snapshots, Mapping) or not snapshots:
        raise ValueError(f"{owner}: snapshots must be {{network: {{epoch: [(W, b), …]}}}} with at least one network")
    for name, diary in snapshots.items():
        if not isinstance(diary, Mapping) or not diary or not all(len(blocks) for blocks in diary.values()):
            raise ValueError(f"{owner}: snapshots[{name!r}] must be {{epoch: [(W, b), …]}} with at least one epoch")
        for epoch, blocks in diary.items():
            for k, (weights, bias) in enumerate(blocks, start=1):
                if np.shape(weights) != (n, n) or np.shape(bias) != (n,):
                    raise ValueError(
                        f"{owner}: block {k} of {name!r}, epoch {epoch}, must be W ({n}, {n}) and b ({n},), "
                        f"but they are {np.shape(weights)} and {np.shape(bias)}"
                    )
                if not (np.all(np.isfinite(weights)) and np.all(np.isfinite(bias))):
                    raise ValueError(f"{owner}: block {k} of {name!r}, epoch {epoch}, holds NaN or infinite numbers")
    depths = {len(blocks) for diary in snapshots.values() for blocks in diary.values()}
    if len(depths) > 1:
        raise ValueError(f"{owner}: all snapshots must have as many blocks, but they have {sorted(depths)}")
    common = set.intersection(*(set(diary) for diary in snapshots.values()))
    if not common:
        raise ValueError(f"{owner}: no epoch is in all of {', '.join(map(repr, snapshots))}")
    epochs = sorted(common)
    if len(epochs) > MOST_EPOCHS:
        epochs = [epochs[k] for k in np.linspace(0, len(epochs) - 1, MOST_EPOCHS).round().astype(int)]
    return {name: {e: list(diary[e]) for e in epochs} for name, diary in snapshots.items()}, epochs, depths.pop()


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
        title: shown above.

    Raises:
        ValueError: shapes that do not fit, NaN, networks of different depth, or none of their epochs in common.
    """
    rows, columns = map(int, grid)
    n = rows * columns
    snapshots, epochs, depth = _checked(snapshots, (rows, columns))

    first, several = next(iter(snapshots)), len(snapshots) > 1

    def weights(block, epoch, network=first):
        return np.asarray(snapshots[network][epoch][block - 1][0], np.float64)

    def bias(block, epoch, network=first):
        return np.asarray(snapshots[network][epoch][block - 1][1], np.float64)

    def limit(block, network=first):
        return max(float(np.abs(weights(block, e, network)).max()) for e in epochs)

    def middle(block, network=first):
        return float(bias(block, epochs[0], network).mean())

    def reach(block, network=first):
        at = middle(block, network)
        return max(float(np.abs(bias(block, e, network) - at).max()) for e in epochs)

    def maps(block, epoch, network=first):
        values = weights(block, epoch, network).reshape(n, rows, columns)
        return figures.diverging(values, limit(block, network))

    def bias_map(block, epoch, network=first):
        values = (bias(block, epoch, network) - middle(block, network)).reshape(rows, columns)
        return figures.diverging(values, reach(block, network))

    def weight_ticks(block, epoch, network=first):
        return figures.bar_ticks(limit(block, network), signed=True)

    def bias_ticks(block, epoch, network=first):
        at, high = middle(block, network), reach(block, network)
        if high == 0:
            return [(0.5, _plain(at))]
        places = (0.0, 0.25, 0.5, 0.75, 1.0)
        return [(place, _plain(at + (2 * place - 1) * high)) for place in places]

    def words(block, epoch, token, network=first):
        row, b = weights(block, epoch, network)[token], bias(block, epoch, network)[token]
        who = f"{network}, block {block}" if several else f"Block {block}"
        when = "before training" if epoch == 0 else f"after epoch {epoch}"
        head = f"{who}, {when}: the gate of token {token} (row {token // columns}, column {token % columns})"
        size = float(np.abs(row).max())
        if size < 1e-3:
            return f"{head} is {_plain(b)}, its bias, and reads nobody: no weight of its row is larger than {size:.6f}."
        most = int(np.abs(row).argmax())
        whom = "itself" if most == token else f"token {most} (row {most // columns}, column {most % columns})"
        own = "" if most == token else f" Its own weight is {_signed(row[token])}."
        share = np.abs(row[token]) / np.abs(row).sum()
        return (
            f"{head} reads most from {whom}, weight {_signed(row[most])}.{own} Of all the row's weights, signs left "
            f"out, {100 * share:.0f} % is its own; b = {_plain(b)}."
        )

    settings = [
        Choice("block", "Block", list(range(1, depth + 1))),
        Slider("epoch", "Epoch", epochs, ["0 (before training)" if e == 0 else str(e) for e in epochs]),
        Place("token", "Token", (rows, columns)),
    ]
    if several:
        settings.insert(0, Choice("network", "Network", list(snapshots)))
    outer = [setting.name for setting in settings[:-1]]
    panels = [
        Panel(
            ALL,
            [Layer(maps, (*outer, "token"))],
            f"Small map i is row i of W: {rows} × {columns} weights, laid out like the image. It lies where token i "
            "lies. Point at one.",
            size=380,
            sheet=True,
            columns=columns,
        ),
        Panel(
            ROW,
            [Layer(maps, (*outer, "token"))],
            "Red adds to the gate, blue takes away. The outlined place is the token itself. One scale for all epochs "
            "of this block.",
            size=220,
            spots="grid",
            bar=Bar(figures.DIVERGING, weight_ticks),
        ),
        Panel(
            BIAS,
            [Layer(bias_map, outer)],
            "One b for each token. White is where b stood at first; red is above it, blue below.",
            size=220,
            spots="grid",
            beneath=True,
            bar=Bar(figures.DIVERGING, bias_ticks),
        ),
    ]
    start = {"block": depth, "epoch": epochs[-1], "token": (rows // 2) * columns + columns // 3}
    return Explorer("gate", settings, panels, words, title=title, start=start)


def _signed(value: float) -> str:
    return f"{value:+.2g}".replace("-", "−")


def _plain(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


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
    from course_utils import analysis

    return gate_explorer_from_arrays(snapshots, analysis.token_grid(model))
