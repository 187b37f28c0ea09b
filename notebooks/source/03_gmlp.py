# %% [markdown]
# # 03 · gMLP: a gate that lets tokens meet
#
# **28 minutes to show, 54 as a lab.** One MLP along the channels, and in its middle a gate: the one place where tokens
# can meet. You will see what it does before training, and watch it grow.
#
# After this lesson you can
#
# - write the spatial gating unit and the gMLP block from memory,
# - show in numbers what the unit does before it has learned anything, and say what that is good for,
# - read a trained gate: which positions decide what passes at which position,
# - test a paper's choice on your own task, and report honestly what you found.
#
# The paper: Liu et al. 2021, *Pay Attention to MLPs* ([arXiv 2105.08050](https://arxiv.org/abs/2105.08050)).
#
# | | symbol | in this lesson |
# |---|---|---|
# | tokens (patches) in an image | $n$ | 16 or 64 |
# | channels (width of a token) | $d$ | 64 or 128 |
# | width in the block, before the gate | $2k$ | 192 or 768 |
# | the gate's weights, one for each pair of tokens | $W$ | $n × n$ |
# | the gate's bias, one for each token | $b$ | $n$ |
#
# (In the comments of the layers' source, `(b, n, k)` begins with the number of images in a batch, as in lesson 01.)

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is and chooses how much of the lesson it can run: `quick` (images made by the course, two CPU cores),
# `colab` (CIFAR-100 on one GPU) or `full`. Write `setup("colab")` to choose yourself.

# %% [markdown] tags=["teacher"]
# - **Ask:** What is a gate, in one word? (Multiplication.)
# - **Students say:** “0 or 1.” Any number, negative ones too.
# - **Misconception:** That a gate decides from its own token. Here it reads all positions.
# - **If late:** Run it while you ask.

# %%
from course_utils import setup

PROFILE = setup()

# %%
import keras
import numpy as np
from IPython.display import display
from keras import ops

from course_utils import analysis, classifier, exercises, figures, load_dataset, session, show, train
from course_utils.explorers import Tabs, explore_gate, explore_gating, explore_influence, predict
from course_utils.figures import training_curves
from course_utils.layers import GMLPBlock, MixerBlock, PatchEmbedding, SpatialGatingUnit
from course_utils.models import blocks, describe, load_trained
from course_utils.results import tables

# %% [markdown]
# ## See it · 3 minutes
#
# ### A gate multiplies
#
# A gate is a number that something is multiplied by. 1 lets it through, 0 shuts it out. A *spatial* gate has one such
# number for each position of the image, and works it out from **all** positions:
#
# $$\text{gate} = W z + b \qquad\qquad \text{what passes} = z · \text{gate}$$
#
# Below, each token is one number, its brightness, and the gates are written by hand. (The real unit has two more steps,
# under *Build it*.)

# %% [markdown] tags=["teacher"]
# - **Ask:** What passes with W = 0, b = 1? With both 0? Which row of W finds an odd cell?
# - **Students say:** “b = 1 shuts.” It lets everything through: the start of the real network.
# - **Misconception:** That W is a picture of the image. It is weights between positions, the same for every image.
# - **If late:** Two gates are enough: identity, and itself − all others.

# %%
predict(
    "What passes if *W* = 0 and *b* = 1?",
    ["Nothing", "Everything, as it is", "Half of it"],
    answer=(
        "The gate is 1 everywhere. With *b* = 0 nothing passes. And in the puzzle, where one cell has another "
        "brightness: which gate lets the odd cell alone through?"
    ),
    right=1,
)

# %% [markdown]
# Then go through the gates, and point at positions: *One row of W* shows what the gate of that position reads.

# %%
explore_gating()

# %% [markdown]
# - $W = 0, b = 1$: everything passes as it is, an identity. Remember this one.
# - $W = 0, b = 0$: nothing passes at all.
# - *Itself − its neighbours* finds edges in the photograph.
# - *Itself − all others* lets the odd cell through and hardly anything else.
#
# The last two *compare*: their rows of $W$ subtract other positions from the position itself.
#
# ### The task: which one is odd?
#
# The quick profile trains on this puzzle, as in lesson 01: fifteen shapes in one colour, one in another, and the class
# is *where* the odd one is. No cell can tell alone; they must be compared.

# %%
puzzle = load_dataset("shapes")
show.samples(puzzle)

# %% [markdown]
# ## Build it · 7 minutes
#
# One block is one sum:
#
# $$y = x + V · \mathrm{SGU}\big(\mathrm{GELU}(U · \mathrm{LN}(x))\big)$$
#
# $U$ widens each token, $V$ brings it back to $d$ channels: an ordinary MLP, token by token. Between them stands the
# **spatial gating unit**. It splits the channels into two halves, and the second half decides about the first:
#
# $$\mathrm{SGU}(z) = z_1 · \big(W · \mathrm{LN}(z_2) + b\big)$$
#
# (Before the bracket, · multiplies number by number; after $W$, as after $U$ and $V$, it is a product of matrices.)

# %% [markdown] tags=["teacher"]
# - **Ask:** Which half is normalised, and why not both?
# - **Students say:** “For stability.” Ask for more: what grows with the square otherwise?
# - **Misconception:** That an untrained gMLP mixes a little. The cell counts: one token of sixteen moves.
# - **If late:** Skip the table of configurations and the factor of two.

# %%
show.source(SpatialGatingUnit, GMLPBlock)

# %% [markdown]
# The unit owns $W$ and $b$: look at `build`, where they get their first values. In `call`, only $z_2$ is normalised,
# and $W$ works along the **tokens** (it stands on the left of the product). The block around it adds the raw $x$. Here
# are the shapes on the way:

# %% tags=["nbval-check-output"]
image = puzzle.x_test[:1].astype("float32")
embedding = PatchEmbedding(patch_size=8, embed_dim=64)
block = GMLPBlock(mlp_dim=192)

x = embedding(image)
y = block(x)
z = keras.activations.gelu(block.widen(block.norm(x)), approximate=False)
z1, z2 = ops.split(z, 2, axis=-1)
W, b = block.gate.spatial_weights, block.gate.spatial_bias
gate = ops.matmul(W, block.gate.norm(z2)) + b[:, None]
print("tokens                x   (batch, n, d) ", tuple(x.shape))
print("widened by U          z   (batch, n, 2k)", tuple(z.shape))
print("the half that passes  z1  (batch, n, k) ", tuple(z1.shape))
print("the half that decides z2  (batch, n, k) ", tuple(z2.shape))
print("the gate's weights    W   (n, n)        ", tuple(W.shape))
print("the gate's bias       b   (n,)          ", tuple(b.shape))
print("the gate                  (batch, n, k) ", tuple(gate.shape))
print("after the block       y   (batch, n, d) ", tuple(y.shape))

# %% [markdown]
# The gate has its own value for every token *and* channel, but all channels share one $W$.
#
# ### The start
#
# The paper starts $W$ near 0 and $b$ at 1.

# %%
predict(
    "One token of the image changes. How many tokens does an untrained gMLP block change?",
    ["One", "Its neighbours, too", "All 16"],
    answer="*W* is almost 0: nobody hears of it. And an untrained Mixer block?",
    right=0,
)


# %% tags=["nbval-check-output"]
def to_numpy(tensor):
    return ops.convert_to_numpy(tensor)


def tokens_moved(layer):
    """How many output tokens change if one input token does."""
    other = to_numpy(x).copy()
    other[:, 5] = np.random.default_rng(0).normal(size=64)
    moved = np.abs(to_numpy(layer(other)) - to_numpy(layer(x))).max(axis=(0, 2)) > 1e-3
    return f"{moved.sum()} of {len(moved)}"


print("the gate is 1 everywhere, to 0.001:", bool(np.abs(to_numpy(gate) - 1).max() < 1e-3))
print("the unit gives z1 back, to 0.001:  ", bool(np.abs(to_numpy(block.gate(z)) - to_numpy(z1)).max() < 1e-3))
print("tokens moved, untrained gMLP block: ", tokens_moved(block))
print("tokens moved, untrained Mixer block:", tokens_moved(MixerBlock(tokens_mlp_dim=64, channels_mlp_dim=128)))

# %% [markdown]
# An untrained gMLP does not mix at all: it is an MLP on each token alone. Mixing has to be learned, and all of it can
# only grow in $W$.
#
# ### Why is only $z_2$ normalised?
#
# Take a gate with a $W$ of some size, and make $z$ twice as large.

# %%
predict(
    "How much larger is SGU(*z*)?",
    ["As large as before", "Twice", "Four times"],
    answer="*z*₁ doubles; the LayerNorm keeps the gate as it was. Without the norm it would be four times.",
    right=1,
)

# %% tags=["nbval-check-output"]
keras.utils.set_random_seed(0)
busy = SpatialGatingUnit(weight_std=0.3)
busy.build(z.shape)
once, twice = to_numpy(busy(z)), to_numpy(busy(2 * z))
print(f"with the LayerNorm:    {np.linalg.norm(twice) / np.linalg.norm(once):.1f} times")

raw1, raw2 = to_numpy(z1), to_numpy(z2)
mixing = to_numpy(busy.spatial_weights)
once, twice = raw1 * (mixing @ raw2), 2 * raw1 * (mixing @ (2 * raw2))
print(f"z1 · (W z2), no norm:  {np.linalg.norm(twice) / np.linalg.norm(once):.1f} times")

# %% [markdown]
# A product of two things that both grow would grow with the square. The LayerNorm keeps the gate at its size, whatever
# the size of $z$. And $z_1$? It must come through as it is: were it normalised too, the unit would not start as an
# identity.
#
# The named configurations. S is the paper's (table 1): 20 million parameters.

# %% tags=["nbval-check-output"]
for name, shape, classes in [
    ("gmlp_tiny", (32, 32, 3), 16),
    ("gmlp_course", (32, 32, 3), 100),
    ("gmlp_s16", (224, 224, 3), 1000),
]:
    network = describe(classifier(name, shape, classes))
    width, depth = network.config.embed_dim, network.config.depth
    print(f"{name:11} {network.tokens:4} tokens × {width:3}, {depth:2} blocks,", end=" ")
    print(f"{network.parameters:11,} parameters, {network.macs:14,} MACs")

# %% [markdown]
# ## Train it · 1 minute
#
# Below a gMLP learns from scratch. After each epoch we keep a copy of its gates, to look through them afterwards.

# %% [markdown] tags=["teacher"]
# - **Ask:** After which epoch will the gate have opened? Guess, then look at the curve.
# - **Students say:** “It starts slower than the Mixer.” Sometimes: it has to grow its mixing first.
# - **Misconception:** That the copies of the gates cost much. They are n × n numbers.
# - **If late:** Start it and go on.

# %%
dataset, config, how = session.lesson_plan("gmlp", PROFILE)


# %%
def learn(network, data, recipe):
    """Trains a network; returns the run, and its gates: {epoch: [(W, b) of each block]}, epoch 0 before training."""
    gates = {}

    def after_epoch(epoch):
        gates[epoch] = analysis.gate_weights(network)

    run = train(network, data, recipe, after_epoch=after_epoch)
    return run, gates


model = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
run, gates = learn(model, dataset, how)

# %%
show.samples(dataset, model=model)

# %% [markdown]
# ## Look inside · 8 minutes
#
# ### The gate grows
#
# Row $i$ of $W$ says how the gate of token $i$ weighs all tokens: $n$ numbers, a map of the image. Here are all rows,
# each where its token lies.
#
# Epoch 0 is before training.

# %% [markdown] tags=["teacher"]
# - **Ask:** Move the epoch from 0 on. When do the maps appear, and in which block first?
# - **Students say:** “A gate reads its own position most.” One position of sixteen: look at the table, then at another
#   seed.
# - **Misconception:** That b = 1 stays. Training pulls it down: predict that before the chart.
# - **If late:** Keep the time-lapse; skip the table of distances.

# %%
predict(
    "After training: what will a gate read most?",
    ["Its own position", "Its neighbours", "Positions far away", "All alike"],
)

# %% [markdown]
# The course brings another gMLP, trained on photographs: CIFAR-100, 8 epochs, 64 tokens, 4 blocks.

# %%
predict(
    "There, point at a token near the middle, then at the one beside it. How will their maps compare?",
    ["They are unrelated", "It is the same map", "It is the same pattern, moved along with the token"],
    answer="A kernel that slides over the image: the network found it by itself.",
    right=2,
)

# %% [markdown]
# Move the epoch from 0 on, in each block, and point at tokens. Then open the other tab.

# %%
recorded = {epoch: load_trained("gmlp_course", epoch) for epoch in (1, 8)}
photographed = {epoch: analysis.gate_weights(network) for epoch, network in recorded.items()}
Tabs(
    {
        "your network": explore_gate({"gMLP": gates}, model),
        "the recorded one": explore_gate({"on photographs": photographed}, recorded[8]),
    }
)

# %% [markdown]
# Yours: before training all maps are blank, for the gates read nobody. Then they fill.
#
# The recorded one: in every block the gates now weigh, on average, their own position most, then its neighbours, then
# the rest. And a token's map is much like its neighbour's, moved by one: nearly a convolution, and nobody built it in.
# After one epoch there is little of it. The paper finds both, locality and the same filter everywhere, in its networks
# (section 3).
#
# $W$ is the same for every image. What a gate *reads* is fixed after training; what it finds there differs from
# image to image. (Attention, in lesson 04, chooses anew for every image.)
#
# The same growth in numbers. Before training, an entry of $W$ is about a millionth in size, and $b$ is 1.

# %%
predict(
    "Which way will training move *b*?",
    ["Up", "Down", "It stays at 1"],
)

# %%
growth = {
    f"block {k + 1}": {
        "size": [np.abs(gates[epoch][k][0]).mean() for epoch in sorted(gates) if epoch],
        "bias": [gates[epoch][k][1].mean() for epoch in sorted(gates) if epoch],
    }
    for k in range(len(blocks(model)))
}
training_curves(growth, keys=("size", "bias"), labels={"size": "mean size of W's entries", "bias": "mean of b"})

# %% [markdown]
# On the puzzle, $W$ does most of its growing in the first half of the epochs. And $b$ falls: the paper opens the gate,
# training shuts it a little. <!-- claim: gates_grow -->

# %% [markdown]
# ### The paper's size, trained on ImageNet
#
# With the internet, you can look into gMLP-S/16 (timm's copy on the Hugging Face hub: 78 MB, fetched once). Each map is
# one row of $W$, the filter of one token in the middle of the image, in all 30 blocks, row by row; red adds, blue
# subtracts, each map with its own scale. Will the filter look alike, only shifted, if you change `TOKEN`?

# %%
FETCH = False  # True fetches it
TOKEN = (7, 7)  # (row, column), from 0 to 13

if gmlp_s16 := session.published("gmlp_s16", FETCH):
    size = analysis.token_grid(gmlp_s16.model)
    k = np.ravel_multi_index(TOKEN, size)
    filters = [weights[k].reshape(size) for weights, _ in analysis.gate_weights(gmlp_s16.model)]
    maps = np.stack([figures.diverging(values) for values in filters])
    words = f"30 maps of 14 × 14 weights: how the gate of token {TOKEN} weighs all tokens, one map for each block."
    display(show.image(figures.sheet(maps.repeat(5, axis=1).repeat(5, axis=2), 10, 6), words))

# %% [markdown]
# ### Itself, its neighbours, or far away?
#
# Two questions to each block. How large are the weights that a gate gives to its own position, to those next to it
# (across corners too), and to all others, on average? And are the rows alike? 1 means that all gates read the same
# positions in the same way, 0 that they have nothing in common.

# %%
rows, columns = analysis.token_grid(model)
row, column = np.divmod(np.arange(rows * columns), columns)
steps = np.maximum(np.abs(row[:, None] - row), np.abs(column[:, None] - column))


def alike(weights):
    """(n, n) -> mean cosine of two different rows."""
    lines = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    n = len(lines)
    return ((lines @ lines.T).sum() - n) / (n * (n - 1))


show.table(
    [
        {
            "": f"epoch {epoch}, block {k}",
            "itself": f"{np.abs(weights[steps == 0]).mean():.2f}",
            "next to it": f"{np.abs(weights[steps == 1]).mean():.2f}",
            "farther": f"{np.abs(weights[steps > 1]).mean():.2f}",
            "rows alike": f"{alike(weights):+.2f}",
        }
        for epoch in (min(gates), max(gates))
        for k, (weights, _) in enumerate(gates[epoch], start=1)
    ]
)

# %% [markdown]
# Does a gate weigh its own position most, or least? With another seed the answer may be another. Two things held on the
# puzzle with each of five seeds. A neighbour counts about as much as a position far away: the odd cell can be
# anywhere. <!-- claim: near_counts_like_far -->
# And the rows have become alike, those of the last block most: much of what the gates read is common to
# all. <!-- claim: rows_become_alike -->
# Every token is multiplied by something gathered from the whole image.
#
# ### Who moves whom, before and after
#
# The influence, as in lesson 01: the norm of the token Jacobian.

# %%
predict(
    "You know the answer for the untrained network. After training, how many input tokens move an output token?",
    ["One", "A few", "All"],
)

# %%
before = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
explore_influence(
    {"gMLP, before training": before, "gMLP, after training": model},
    {"a test image": dataset.x_test[0]},
)

# %% [markdown]
# Before training only the diagonal is lit: each token moves itself. (The caption may count a few others: $W$ is nearly
# 0, not 0, and they move it by about a millionth.) On the puzzle, after training, all pairs are lit after the last
# block. <!-- claim: all_pairs_lit -->

# %% [markdown]
# ## Take it apart · 6 minutes
#
# ### The bias: 1 or 0?
#
# The paper finds it *critical* for stable training that $W$ starts near 0 and $b$ at 1, so that at the start each
# block is an ordinary MLP and tokens meet only gradually (section 2.1). So set $b$ to 0 and see. Everything else stays
# as it is.
#
# With $W ≈ 0$ and $b = 0$ the unit gives 0, whatever comes in. Only the residual passes: at the start each block does
# nothing at all.

# %% [markdown] tags=["teacher"]
# - **Ask:** The paper calls b = 1 critical. What would you need to see before you disagree?
# - **Students say:** “So the paper is wrong.” No: thirty blocks on ImageNet, two here.
# - **Misconception:** That one run is a finding. The table of five seeds is why it stands there.
# - **If late:** Read the seeds table instead of training: it is recorded.

# %%
predict(
    "Will this network learn?",
    ["No: nothing passes, so nothing can learn", "Yes, but more slowly", "Yes, and sooner"],
)

# %%
if dataset.name == puzzle.name:
    opened, open_run, open_gates = model, run, gates
else:
    opened = classifier("gmlp", puzzle.input_shape, puzzle.num_classes, seed=0)
    open_run, open_gates = learn(opened, puzzle, "quick")

shut = classifier("gmlp", puzzle.input_shape, puzzle.num_classes, seed=0, gate_bias_start=0.0)
shut_run, shut_gates = learn(shut, puzzle, "quick")

# %%
training_curves(
    {"b starts at 1": open_run.history, "b starts at 0": shut_run.history},
    keys=("loss", "val_accuracy"),
    chance=1 / puzzle.num_classes,
)

# %%
for name, kept in (("b starts at 1", open_gates), ("b starts at 0", shut_gates)):
    last = kept[max(kept)]
    means = ", ".join(f"block {k}: {bias.mean():+.2f}" for k, (_, bias) in enumerate(last, start=1))
    print(f"{name}; mean after training: {means}")

# %% [markdown]
# It learns: the gradient of $W$ and $b$ has the factor $z_1$, which is not 0. So these two move first, and $U$ and $V$
# follow. And training does not open the gates that began shut: their $b$ stays far below 1. <!-- claim: shut_gates -->
#
# Which of the two is ahead? One run is no finding. Both were repeated with five seeds, with the quick recipe.
# Validation accuracy after the second epoch, and test accuracy at the end:

# %%
show.table(tables.seeds("gate_bias", epoch=2))

# %%
show.table(tables.seeds("gate_bias"))

# %% [markdown]
# So on the puzzle $b = 0$ is *sooner*, and in the end both solve it.
#
# Is the paper wrong? No. It trains networks of 30 blocks on ImageNet, and language models; ours has two blocks, and a
# task in which comparing is everything. What we have is: *on this task, at this size, b = 1 is no help.* A paper's
# choice is a finding about the paper's networks. On yours, try it, and with more than one seed.
#
# ### No W at all
#
# Now hold $W$ at its first value, which is almost 0. $b$ may still learn: the gate can become louder or quieter at each
# position, but it reads nobody.

# %%
predict(
    "What accuracy can it reach?",
    ["Chance: 1 in 16", "About half", "Nearly what the others reach"],
    answer="*W* is the only place where tokens meet. Keep your choice in mind, run on, and compare.",
)

# %%
unmixed = classifier("gmlp", puzzle.input_shape, puzzle.num_classes, seed=0)
for layer in blocks(unmixed):
    layer.gate.spatial_weights.trainable = False
unmixed_run, _ = learn(unmixed, puzzle, "quick")

# %%
show.table(
    [
        {
            "network": name,
            "parameters that learn": sum(int(np.prod(weight.shape)) for weight in network.trainable_variables),
            "test accuracy": show.percent(result.test.top1),
        }
        for name, network, result in (
            ("b starts at 1", opened, open_run),
            ("b starts at 0", shut, shut_run),
            ("b starts at 1, W held near 0", unmixed, unmixed_run),
        )
    ]
)

# %% [markdown]
# Only 2 · 16 · 16 = 512 parameters were held, one in a hundred.
# Without them no two tokens ever meet, and the network stays at chance: 1 in 16,
# about 6 %. <!-- claim: held_gates_at_chance -->
#
# ### A tiny attention
#
# $W$ cannot choose from image to image whom to read. On a task with pairs of sentences the paper's gMLP is behind a
# Transformer, and catches up with a *tiny attention*: one head of width 64, added to the gate (aMLP, section 4.3).
# Attention is lesson 04; here are its three lines, in the untrained block from above.

# %%
predict(
    "One token changes. How many tokens does the block with the tiny attention change, before any training?",
    ["One", "A few", "All 16"],
    answer="Attention compares every token with every other from the start: it needs no *W*.",
    right=2,
)

# %% tags=["nbval-check-output"]
keras.utils.set_random_seed(0)
query, key, value, out = (keras.layers.Dense(width) for width in (64, 64, 64, 96))


def tiny_attention(x):
    scores = ops.matmul(query(x), ops.transpose(key(x), (0, 2, 1))) / 64**0.5  # (batch, n, n)
    return out(ops.matmul(ops.softmax(scores), value(x)))  # (batch, n, k)


def amlp_block(x):
    normed = block.norm(x)
    z1, z2 = ops.split(keras.activations.gelu(block.widen(normed), approximate=False), 2, axis=-1)
    gate = ops.matmul(W, block.gate.norm(z2)) + b[:, None] + tiny_attention(normed)
    return x + block.narrow(z1 * gate)


print("tokens moved, gMLP block:          ", tokens_moved(block))
print("tokens moved, with tiny attention: ", tokens_moved(amlp_block))

# %% [markdown]
# ## Your turn · lab · 26 minutes
#
# Write the missing line, run the cell, read what the check says. A solution unfolds below. Arrays are NumPy.
#
# ### 1 · The gate
#
# $\mathrm{SGU}(z) = z_1 · (W · \mathrm{LN}(z_2) + b)$. `norm` normalises along the last axis. Mind the axis of $b$.

# %% [markdown] tags=["teacher"]
# - **Ask:** Exercise 2: what would a gate look like that is the identity at one position only?
# - **Students say:** “b + W z” without the axis: b belongs to tokens, not channels.
# - **Misconception:** That a right output on one input proves an identity.
# - **If late:** 1 and 2 in class; the rest at home.


# %% exercise="spatial_gate"
def spatial_gate(z, W, b, norm):
    """(batch, n, 2k) -> (batch, n, k), with W (n, n) and b (n,)."""
    ### BEGIN SOLUTION
    z1, z2 = np.split(z, 2, axis=-1)
    return z1 * (W @ norm(z2) + b[:, None])
    ### END SOLUTION


exercises.check_spatial_gate(spatial_gate)

# %% [markdown]
# ### 2 · A test: does a gate start as an identity?
#
# `gate` takes `(1, n, 2k)` and gives `(1, n, k)`. Return True if it hands the first half of the channels through, to
# 0.001 at *every* position. The check tries your test on twelve gates, right and wrong ones.


# %% exercise="starts_as_identity"
def starts_as_identity(gate, z):
    """Returns True or False."""
    ### BEGIN SOLUTION
    first_half = z[..., : z.shape[-1] // 2]
    return bool(np.abs(gate(z) - first_half).max() < 1e-3)
    ### END SOLUTION


exercises.check_starts_as_identity(starts_as_identity)

# %% [markdown]
# ### 3 · The block
#
# $y = x + V · \mathrm{SGU}(\mathrm{GELU}(U · \mathrm{LN}(x)))$. The
# [keras.io example](https://keras.io/examples/vision/mlp_image_classification/) on gMLP has one mistake in exactly this
# line; the check knows it. `widen` is $U$, `narrow` is $V$.


# %% exercise="gmlp_block"
def gmlp_block(x, norm, widen, gelu, gate, narrow):
    """(batch, n, d) -> (batch, n, d)."""
    ### BEGIN SOLUTION
    return x + narrow(gate(gelu(widen(norm(x)))))
    ### END SOLUTION


exercises.check_gmlp_block(gmlp_block)

# %% [markdown]
# ### 4 · A gate by hand
#
# Tokens lie in `rows` × `columns`, counted row by row. Write $W$ and $b$ so that the gate of each token is what its
# *left neighbour* holds. A token without a left neighbour gets a gate of 1.


# %% exercise="left_neighbour"
def left_neighbour(rows, columns):
    """Returns W (n, n) and b (n,)."""
    n = rows * columns
    W, b = np.zeros((n, n)), np.zeros(n)
    ### BEGIN SOLUTION
    for i in range(n):
        if i % columns:
            W[i, i - 1] = 1
        else:
            b[i] = 1
    ### END SOLUTION
    return W, b


exercises.check_left_neighbour(left_neighbour)

# %% [markdown]
# **Go on from here.** Is $b = 0$ still ahead when the network is deeper (`depth=6`), or when training is shorter
# (`course_utils.recipe("quick", epochs=3)`)? `classifier` and `learn` take two lines. Use three seeds at least, and
# write down beforehand what would change your mind.

# %% [markdown]
# ## What the paper found, what we measured · 2 minutes
#
# **The paper.** Trained on ImageNet alone, gMLP-Ti, S and B reach 72.3, 79.6 and 81.6 % top-1; DeiT, a Transformer of
# about the same size each, 72.2, 79.8 and 81.8 % (table 2). The learned rows of $W$ look local there, and each is about
# the one beside it, moved by one position: the gates became something like convolutions (figure 3). On our puzzle the
# rows read the *same* positions, wherever they stand.
#
# **What came next.** Models for long texts multiply by gates again, made from the text itself: Hyena
# ([2302.10866](https://arxiv.org/abs/2302.10866)), Mamba ([2312.00752](https://arxiv.org/abs/2312.00752)).
#
# **This course**, from recorded runs on CIFAR-100. (`docs/results.md` compares with the keras.io example.)

# %% [markdown] tags=["teacher"]
# - **Ask:** “Attention is not needed”: for what, on which data?
# - **Students say:** “gMLP has no attention.” The paper also adds a tiny one, and says when it helps.
# - **Misconception:** That equal accuracy means equal networks. Look at the MACs.
# - **If late:** Only the three things to take home.

# %%
show.table([row for row in tables.measured("gmlp") if row["data"] == "cifar100" and "recipe" in row])

# %% [markdown]
# **Three things to take home.**
#
# 1. A gMLP block is one MLP with a gate in its middle: $z_1 · (W · \mathrm{LN}(z_2) + b)$. All mixing of tokens is in
#    $W$.
# 2. Starting as an identity is a choice: $W ≈ 0$, $b = 1$. You can test it in one line, and you can test whether your
#    task needs it.
# 3. $W$ belongs to positions and not to images: fixed filters, multiplied with what each image holds.
