# %% [markdown]
# # 01 · MLP-Mixer: two MLPs, one along each axis
#
# **27 minutes to show, 59 as a lab.** No attention, no convolution: MLP-Mixer looks at an image with two small MLPs, and one of them lets
# the patches talk to each other. You will see it mix.
#
# After this lesson you can
#
# - cut an image into tokens and put it back together,
# - write the Mixer block from memory, and say which axis each MLP works along,
# - measure which part of an image moves which token in a real network,
# - show by experiment that a network whose tokens never meet cannot solve a task that is about *relations*.
#
# The paper: Tolstikhin et al. 2021, *MLP-Mixer: An all-MLP Architecture for Vision*
# ([arXiv 2105.01601](https://arxiv.org/abs/2105.01601)).
#
# | | symbol | in this lesson |
# |---|---|---|
# | images in a batch | $b$ | |
# | tokens (patches) in an image | $n$ | 16 or 64 |
# | channels (width of a token) | $d$ | 64 or 128 |
# | side of a patch, in pixels | $p$ | 8 or 4 |
# | colours of a pixel | $c$ | 3 (Fashion-MNIST: 1) |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is and chooses how much of the lesson it can run:
#
# - `quick`: images made by the course itself, two CPU cores, no download;
# - `colab`: CIFAR-100 on one GPU;
# - `full`: the schedules that the recorded results were made with.
#
# Write `setup("colab")` to choose yourself.

# %% [markdown] tags=["teacher"]
# - **Ask:** Who has a GPU here, and who has two cores? Both will see the same lesson.
# - **Students say:** “Mine says quick: do I miss something?” No: every explorer and every exercise is the same; the
#   networks are smaller.
# - **Misconception:** That a folded cell hides something to be configured. It only brings the helper package.
# - **If late:** Let them run both cells while you say what a patch is.

# %%
from course_utils import setup

PROFILE = setup()

# %%
import itertools

import numpy as np
from IPython.display import display
from keras import ops

from course_utils import analysis, classifier, exercises, load_dataset, session, show, train
from course_utils.explorers import (
    explore_influence,
    explore_patches,
    explore_token_mixing,
    predict,
    token_mixing_explorer_from_arrays,
)
from course_utils.figures import training_curves
from course_utils.layers import MixerBlock, PatchEmbedding, Patches
from course_utils.models import PublishedError, describe, load_published
from course_utils.results import tables
from course_utils.training import Recipe

# %% [markdown]
# ## See it · 9 minutes
#
# ### An image becomes a row of tokens
#
# Every network of this course starts in the same way: cut the image into $n$ patches of $p × p$ pixels, and write the
# $p·p·c$ numbers of each patch in a row. That row is the token.

# %% [markdown] tags=["teacher"]
# - **Ask:** Before the explorer: what happens to the number of tokens when a patch is twice as wide? Then: can one
#   cell of the puzzle alone know that it is odd?
# - **Students say:** “Twice as many numbers in a token.” It is four times: both sides double.
# - **Misconception:** That cutting into patches loses or compresses something. The layer below puts the image back
#   exactly.
# - **If late:** Skip “use your own image” and the source of `Patches.call`; keep the puzzle and the influence
#   explorer, everything later needs them.

# %%
predict(
    (
        "An image is 64 × 64 pixels with 3 colours. You double the patch size from 8 to 16. What happens to the "
        "number of tokens $n$?"
    ),
    ["It halves", "It falls to a quarter", "It stays"],
    answer=(
        "A patch covers four times as many pixels, so there are a quarter as many. One token becomes four times as "
        "long, and the product stays. Check it below."
    ),
    right=1,
)

# %% [markdown]
# Then move the patch size, and point at a patch (or focus the image and use the arrow keys). Try your own image
# too.

# %%
explore_patches()

# %% [markdown]
# $n$ falls to a quarter, a token grows to four times its length, the product stays: it is the number of pixels times 3.
# Cutting changes nothing; it only says which numbers belong together.
#
# The layer is a reshape and a transpose, and it can be undone exactly:

# %% tags=["nbval-check-output"]
patches = Patches(patch_size=8)
image = load_dataset("shapes", size=100).x_test[:1].astype("float32")
tokens = patches(image)
back = patches.unpatch(tokens, image.shape[1:])
print("image  ", image.shape)
print("tokens ", tuple(tokens.shape))
print("restored exactly:", bool(np.all(ops.convert_to_numpy(back) == image)))

# %%
show.source(Patches.call)

# %% [markdown]
# ### The task: which one is odd?
#
# Here is what the quick profile trains on. Sixteen shapes, fifteen in one colour and one in another. The class is
# *where* the odd one is.

# %%
predict(
    "Cover all but one cell with your hand. Can you tell from that cell alone whether it is the odd one?",
    ["Yes, by its colour", "Yes, by its shape", "No"],
    answer="A red star is odd among blue shapes, and ordinary among red ones.",
    right=2,
)

# %%
puzzle = load_dataset("shapes")
show.samples(puzzle)

# %% [markdown]
# You cannot: a red star is odd among blue shapes, and ordinary among red ones. The answer lies in *comparing* patches.
# With $p = 8$ each shape is exactly one token, so a network must let its tokens meet.
#
# ### Who moves whom?
#
# Two networks that nobody has trained yet. One is a Mixer; the other is the same network without token mixing. For each
# of them we ask: if input token $j$ changes a little, how much does output token $i$ change? That is a gradient,
# $‖∂y_i/∂x_j‖$, taken through the real network: the norm of the *token Jacobian*. We call it the *influence* of $j$ on
# $i$.

# %%
predict(
    "Point at one output token. Which input tokens light up in the Mixer after one block, before any training?",
    ["Only the token itself", "Its neighbours", "All of them"],
    answer="One MLP along the tokens joins them all at once. And in the network without mixing? Look.",
    right=2,
)

# %%
untrained = classifier("mixer", puzzle.input_shape, puzzle.num_classes, seed=0)
unmixed = classifier("no_mixing", puzzle.input_shape, puzzle.num_classes, seed=0)
explore_influence(
    {"Mixer, untrained": untrained, "no mixing, untrained": unmixed},
    {"puzzle 1": puzzle.x_test[0], "puzzle 2": puzzle.x_test[1]},
)

# %% [markdown]
# Without mixing, a token is moved by itself alone, at every depth. In the Mixer one block is enough: every output token
# is moved by every input token. (A convolution of 3 × 3 reaches only its neighbours in one step: see lesson 06.)
#
# The diagonal is the brightest: that is the residual connection, which hands every token through.

# %% [markdown]
# ## Build it · 4 minutes
#
# One Mixer block is two sums:
#
# $$y = x + T(\mathrm{LN}_1(x)) \qquad z = y + C(\mathrm{LN}_2(y))$$
#
# - $x$ is a table: $n$ rows (tokens), $d$ columns (channels).
# - $T$, *token mixing*: an MLP along a **column**. The same for every channel. Here patches meet.
# - $C$, *channel mixing*: an MLP along a **row**. The same for every token. Here a patch thinks for itself.
# - $\mathrm{LN}_1$, $\mathrm{LN}_2$: two LayerNorms. Each brings the $d$ numbers of a token to mean 0 and standard
#   deviation 1, and then scales and shifts them by learned weights.
#
# An MLP is two dense layers here, with a GELU, a smooth ReLU, between them.
#
# An MLP always works along the last axis. So how does $T$ get at the columns?

# %% [markdown] tags=["teacher"]
# - **Ask:** Cover the formula. Which of the two MLPs may swap two patches without noticing?
# - **Students say:** “The transpose is a detail.” It is the idea: the same MLP, on the other axis.
# - **Misconception:** That token mixing has one set of weights for each channel. All channels share one.
# - **If late:** Leave out the table of named configurations.

# %%
show.source(MixerBlock)

# %% [markdown]
# That is the whole class, but for its docstring, which `MixerBlock?` shows. `__init__` names the parts: two norms, two
# MLPs, and two *drop paths* that may leave a branch out in training (we never do). `call` is the formula: swap the
# axes, apply the MLP, swap back. That is the whole idea of the paper. Watch the shapes on the way:

# %% tags=["nbval-check-output"]
embedding = PatchEmbedding(patch_size=8, embed_dim=64)
block = MixerBlock(tokens_mlp_dim=32, channels_mlp_dim=128)

x = embedding(image)
z = block(x)
columns = ops.transpose(block.norm1(x), (0, 2, 1))
print("pixels                 (b, h, w, c)", image.shape)
print("tokens               x (b, n, d)   ", tuple(x.shape))
print("columns, for T         (b, d, n)   ", tuple(columns.shape))
print("hidden layer of T      (b, d, 32)  ", tuple(block.token_mlp.hidden(columns).shape))
print("hidden layer of C      (b, n, 128) ", tuple(block.channel_mlp.hidden(block.norm2(x)).shape))
print("after the block      z (b, n, d)   ", tuple(z.shape))

# %% [markdown]
# A classifier is: patch embedding, some blocks, a last LayerNorm, the mean over the tokens, one dense layer. Here are
# the course's named configurations, with what they cost. *MACs* are multiply-accumulate operations for one image. S/16
# and B/16 are the paper's. Without the head they have 18.0 and 59.1 million parameters; the paper's table 1 leaves the
# head out and says 18 and 59.

# %% tags=["nbval-check-output"]
for name, shape, classes in [
    ("mixer_tiny", (32, 32, 3), 16),
    ("mixer_course", (32, 32, 3), 100),
    ("mixer_s16", (224, 224, 3), 1000),
    ("mixer_b16", (224, 224, 3), 1000),
]:
    network = describe(classifier(name, shape, classes))
    width, depth = network.config.embed_dim, network.config.depth
    print(f"{name:13} {network.tokens:4} tokens × {width:3}, {depth:2} blocks,", end=" ")
    print(f"{network.parameters:11,} parameters, {network.macs:14,} MACs")

# %% [markdown]
# **A question before you train.** None of these Mixers has a position embedding. Does it know where a patch was?
#
# It does: each hidden unit of $T$ has a weight of its own for each position, one to read it and one to write to it.
# Shuffle the patches and it sees another image.

# %% [markdown]
# ## Train it · 1 minute
#
# Below a Mixer learns from scratch. The bar shows epoch, step and time left. Stop the cell whenever you like:
# everything up to the last finished epoch is kept. At the end the weights of the epoch that was best on the validation
# images are put back (*kept*). *Top-5* counts an answer as right if the class is among the five likeliest.

# %% [markdown] tags=["teacher"]
# - **Ask:** What will the curve do in the first three epochs, and why?
# - **Students say:** “It does not learn!” in epoch 1. Let it run: the puzzle is at chance until tokens are compared.
# - **Misconception:** That validation and test images are the same thing. Validation chooses the epoch; the test
#   chooses nothing.
# - **If late:** Start the cell, and go on to the next section while it runs.

# %%
dataset, config, how = session.lesson_plan("mixer", PROFILE)

# %%
model = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
run = train(model, dataset, how)

# %%
show.samples(dataset, model=model)

# %% [markdown]
# ## Look inside · 6 minutes
#
# ### What did training do to the mixing?
#
# The same question as before, now of the network before and after training, block by block.

# %% [markdown] tags=["teacher"]
# - **Ask:** Point at one token, block 1, before and after: what has changed? Then: why would a unit write the same to
#   every token?
# - **Students say:** “After training it should be only the odd cell.” The picture is about one image; ask for another.
# - **Misconception:** That a bright map means an important region. It is a weight, not what came through it.
# - **If late:** Keep the influence explorer; drop the maps of token mixing.

# %%
predict(
    (
        "In the puzzle every cell may have to be compared with every other. After training, will an output token be "
        "moved by itself more than before, or less?"
    ),
    ["More, in every block", "Less, in every block", "It depends on the block"],
)

# %%
before = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
explore_influence(
    {"Mixer, before training": before, "Mixer, after training": model},
    {"a test image": dataset.x_test[0]},
)

# %% [markdown]
# Go through the blocks, before and after, and read the caption above the images. On the puzzle, training has raised a
# token's own share of the total up to block 1, and lowered it up to block 2, the last: there the other fifteen have
# gained.
#
# ### The weights of token mixing, as maps
#
# A hidden unit of $T$ has one weight for each token: a map of the image. Its *input weights* say which positions it
# reads, its *output weights* say to which positions it writes. Before training they are noise.

# %%
predict(
    (
        "The paper saw units that look at the whole image, units that look at a small region, and many pairs of units"
        " with opposite signs (section 3.5). Which would help to find the odd one out?"
    ),
    ["Units that look at the whole image", "Units that look at a small region", "Pairs with opposite signs"],
)

# %%
explore_token_mixing({"before training": before, "after training": model})

# %% [markdown]
# Look at the *output weights* of the last block, after training. Many units have gone one colour: they write the same
# to every token. Here is that in numbers: 1 means that all weights of a unit have one sign, 0 that they cancel out
# (mean over the units).


# %%
def one_sign(weights):
    """(units, n) -> |mean| / mean of |…| of each unit's weights, averaged over the units."""
    return float((np.abs(weights.mean(axis=1)) / np.abs(weights).mean(axis=1)).mean())


for name, network in (("before", before), ("after", model)):
    for k, (w_in, w_out) in enumerate(analysis.token_mixing_weights(network), start=1):
        print(f"{name:6} training, block {k}: reads {one_sign(w_in.T):.2f}, writes {one_sign(w_out):.2f}")

# %% [markdown]
# On the puzzle, what is *read* stays different from position to position, and what is *written* in the last block
# becomes much alike everywhere: the network gathers from single positions and tells everybody. That fits the end of the
# network, which takes the mean over all tokens: one loud answer, heard from everywhere.

# %% [markdown]
# ### The paper's own network
#
# With the internet, you can look into Mixer-B/16, trained on ImageNet-21k, as its authors published it (timm's copy on
# the Hugging Face hub: 240 MB, fetched once). Its weights go into the very layers that you have just read. The first
# three of its twelve blocks are the paper's figure 5.

# %%
FETCH = False  # True fetches it

try:
    published = load_published("mixer_b16") if FETCH else None
except PublishedError as error:
    published = print(f"Not shown: {error}.")
if published:
    weights = analysis.token_mixing_weights(published.model)[:3]
    display(token_mixing_explorer_from_arrays({"Mixer-B/16": weights}, analysis.token_grid(published.model)))

# %% [markdown]
# ## Take it apart · 4 minutes
#
# ### Without token mixing
#
# Remove one idea and keep the rest: the same width, depth, data and recipe, but no $T$. On the puzzle, chance is
# 1 in 16, which is 6.25 %.

# %% [markdown] tags=["teacher"]
# - **Ask:** What will the *training* accuracy of a network without mixing do? Vote by hand before the curve.
# - **Students say:** “It will overfit.” It cannot even learn its training images by comparing, for nothing compares.
# - **Misconception:** That more parameters or epochs would help. The argument on paper says no: a mean over
#   independent cells.
# - **If late:** The second experiment, settings that learn, is homework: stop after the table.

# %%
predict(
    "Without token mixing: what will the *training* accuracy do?",
    ["Rise to 100 %, for it learns by heart", "Stay near chance", "Rise more slowly than with mixing"],
    answer="Nothing in it compares. Run on, and look at the test accuracy too.",
    right=1,
)

# %%
with_mixing = run if dataset.name == puzzle.name else train(untrained, puzzle, "quick")
without_mixing = train(unmixed, puzzle, "quick")

# %%
training_curves(
    {"Mixer": with_mixing.history, "no mixing": without_mixing.history},
    keys=("loss", "accuracy", "val_accuracy"),
    chance=1 / puzzle.num_classes,
)

# %%
show.table(
    [
        {
            "network": name,
            "parameters": result.model.parameters,
            "MACs": result.model.macs,
            "test accuracy": show.percent(result.test.top1),
        }
        for name, result in (("Mixer", with_mixing), ("no mixing", without_mixing))
    ]
)

# %% [markdown]
# The network without mixing has nearly as many parameters, and it stays at chance. No training can help: it works on
# each token alone and takes the mean, and the mean of sixteen cells does not say which one was odd.
#
# You may object that it does not know *where* a token is. True, and positions alone give it a trick instead of an
# insight: "the reddest cell is the odd one" is right for half of the puzzles. Comparing needs mixing.
#
# ### Which settings learn?
#
# A student report trained a Mixer on Fashion-MNIST with every combination of two learning rates, two dropout rates and
# two batch sizes, and drew all runs in one figure. Its best run reached 89.17 % on the test images (learning rate
# 0.01, dropout 0.1, batch size 256, 60 epochs). Here is that experiment: whole in the `full` profile, shorter in
# `colab`. In `quick` it is a small one: a smaller network, 4 epochs, one batch size, and the puzzle where Fashion-MNIST
# is not at hand.

# %%
predict(
    "Which of the settings matters most?",
    ["The learning rate", "Dropout", "The batch size"],
)

# %%
if PROFILE == "quick":
    data = load_dataset("fashion_mnist" if session.has_data("fashion_mnist") else "shapes")
    data = data.subset(train=3200, validation=500, test=1000)
    batch_sizes, epochs = (32,), 4
    size = {"patch_size": data.input_shape[0] // 4, "embed_dim": 16, "depth": 1}
    size |= {"tokens_mlp_dim": 64, "channels_mlp_dim": 64}
else:
    data = load_dataset("fashion_mnist")
    batch_sizes, epochs = (256, 512), {"colab": 5, "full": 60}[PROFILE]
    size = {"patch_size": 4, "embed_dim": 16, "depth": 8}
    size |= {"tokens_mlp_dim": 1024, "channels_mlp_dim": 512}

runs = {}
for rate, dropout, batch_size in itertools.product((0.01, 0.001), (0.0, 0.1), batch_sizes):
    network = classifier("mixer", data.input_shape, data.num_classes, dropout=dropout, **size)
    settings = Recipe(epochs, batch_size, rate, schedule="constant", warmup=0.0, weight_decay=0.0)
    name = f"rate {rate}, dropout {dropout}, batch {batch_size}"
    runs[name] = train(network, data, settings, track_test=True, monitor="none")
    print(f"{name}: test accuracy {show.percent(runs[name].test.top1)}")

# %%
training_curves(
    {name: result.history for name, result in runs.items()},
    keys=("loss", "test_accuracy", "accuracy"),
    chance=1 / data.num_classes,
    title=f"{data.name}: learning rate × dropout × batch size",
)

# %% [markdown]
# In the small experiment it is the learning rate: after 4 epochs the smaller one is far behind. Dropout
# is there against overfitting, and 4 epochs are too few to overfit.
#
# Each line is one run with one seed. Two lines that lie close together may well change places with another seed: before
# you call a setting better, repeat the run.

# %% [markdown]
# ## Your turn · lab · 32 minutes
#
# Write the missing line, run the cell, read what the check says. A solution unfolds below.
#
# ### 1 · Cut an image into patches
#
# Use only `reshape` and `transpose`. Patches come row by row, pixels row by row inside a patch, and the channels of a
# pixel stay together.

# %% [markdown] tags=["teacher"]
# - **Ask:** Who has patchify without a loop? Explain your transpose to your neighbour.
# - **Students say:** “My patches are right but the check says no.” Nearly always the channels: they stay together,
#   last.
# - **Misconception:** That a passed check on one shape is a proof. The checks try several shapes.
# - **If late:** Exercises 1 and 2 in class, 3 and 5 at home. 4 is the best one for a strong group.


# %% exercise="patchify"
def patchify(images, p):
    """(b, h, w, c) -> (b, n, p*p*c), NumPy arrays."""
    b, h, w, c = images.shape
    ### BEGIN SOLUTION
    x = images.reshape(b, h // p, p, w // p, p, c)
    x = x.transpose(0, 1, 3, 2, 4, 5)  # (b, rows, columns, p, p, c)
    return x.reshape(b, (h // p) * (w // p), p * p * c)
    ### END SOLUTION


exercises.check_patchify(patchify)

# %% [markdown]
# ### 2 · Token mixing in one line
#
# `norm` normalises along the last axis, `mlp` works along the last axis. Write $y = x + T(\mathrm{LN}_1(x))$.


# %% exercise="token_mixing"
def token_mixing(x, norm, mlp):
    """(b, n, d) -> (b, n, d), NumPy arrays."""
    ### BEGIN SOLUTION
    return x + mlp(norm(x).transpose(0, 2, 1)).transpose(0, 2, 1)
    ### END SOLUTION


exercises.check_token_mixing(token_mixing)

# %% [markdown]
# ### 3 · How many parameters does a block have?
#
# Two LayerNorms (each a $γ$ and a $β$), two MLPs (each two dense layers with biases).


# %% exercise="block_parameters"
def block_parameters(n, d, tokens_mlp_dim, channels_mlp_dim):
    ### BEGIN SOLUTION
    norms = 2 * (d + d)
    token_mlp = n * tokens_mlp_dim + tokens_mlp_dim + tokens_mlp_dim * n + n
    channel_mlp = d * channels_mlp_dim + channels_mlp_dim + channels_mlp_dim * d + d
    return norms + token_mlp + channel_mlp
    ### END SOLUTION


exercises.check_block_parameters(block_parameters)

# %% [markdown]
# ### 4 · Write a test that knows a mixer when it sees one
#
# `network` takes tokens `(1, n, d)` and gives tokens `(1, n, d)`, both NumPy arrays. Return True if *any* output token
# depends on *another* input token. The check tries your test on seven networks; some of them hide it well.


# %% exercise="mixes_tokens"
def mixes_tokens(network, x):
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    start = network(x)
    for j in range(x.shape[1]):
        changed = x.copy()
        # Not a constant: LayerNorm would take it out again.
        changed[:, j] += rng.normal(size=x.shape[-1])
        moved = np.abs(network(changed) - start).max(axis=(0, 2)) > 1e-6
        moved[j] = False  # a token may always move itself
        if moved.any():
            return True
    return False
    ### END SOLUTION


exercises.check_mixes_tokens(mixes_tokens)

# %% [markdown]
# ### 5 · Shuffle the patches
#
# Move whole patches: position `i` of the new image shows patch `order[i]` of the old one. `Patches(p)` and its
# `unpatch` do most of the work. (`Patches` gives a tensor. `ops.convert_to_numpy` makes an array of it, which can be
# indexed with `order`.)


# %% exercise="shuffle_patches"
def shuffle_patches(images, order, p):
    """(b, h, w, c) -> (b, h, w, c), NumPy arrays."""
    patches = Patches(p)
    ### BEGIN SOLUTION
    tokens = ops.convert_to_numpy(patches(images))
    return ops.convert_to_numpy(patches.unpatch(tokens[:, order], images.shape[1:]))
    ### END SOLUTION


exercises.check_shuffle_patches(shuffle_patches)

# %% [markdown]
# **Go on from here.** Shuffle all images of the puzzle with one and the same `order` and train again. Does the Mixer
# mind? Would a convolution? (The paper's section 3.4 has the answer for a large data set.) Then give every image an
# order of its own.

# %% [markdown]
# ## What the paper found, what we measured · 2 minutes
#
# **The paper.** Trained on ImageNet alone, a Mixer overfits more than a ViT of the same size. Trained first on 300
# million images it comes close: Mixer-H/14 then reaches 87.94 % top-1 on ImageNet (table 2 of the paper).
#
# **This course**, from recorded runs, and the
# [keras.io example on the MLPs](https://keras.io/examples/vision/mlp_image_classification/), a well-known lesson on the
# same three papers. Parameters and MACs are listed next to each of our accuracies. *CPU minutes*: how long a run kept
# processor cores busy, all added up.

# %% [markdown] tags=["teacher"]
# - **Ask:** Which of these numbers may be compared, and which may not?
# - **Students say:** “The Mixer is worse than a ViT.” With less data, yes: the paper's own point.
# - **Misconception:** That two rows with other recipes say which idea is better.
# - **If late:** Read the three things to take home aloud, and end.

# %%
show.table(tables.measured("mixer"))

# %%
training_curves(tables.recorded_curves("mixer"), keys=("val_accuracy",))

# %% [markdown]
# The curves are of the same data, but not of the same network, size of image or schedule: they tell what you get for
# your epochs, not which idea is better. The course's runs had no GPU; recipe `course` is longer than `short`, and mixes
# the images in pairs against overfitting.
#
# **Three things to take home.**
#
# 1. A Mixer block is two MLPs on one table, one along each axis. The transpose is the idea.
# 2. Token mixing is what lets patches be compared: without it, the puzzle stays at chance.
# 3. The weights of $T$ belong to positions. That is why a Mixer needs no position embedding, and why it cannot be used,
#    as it is, on an image with another number of patches.
