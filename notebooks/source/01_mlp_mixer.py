# %% [markdown]
# # 01 · MLP-Mixer: two MLPs, one along each axis
#
# **28 minutes to show, 60 as a lab.** No attention, no convolution: MLP-Mixer looks at an image with two small MLPs,
# and one of them lets the patches talk to each other. You will see it mix.
#
# After this lesson you can
#
# - cut an image into tokens and put it back together,
# - write the Mixer block from memory, and say which axis each MLP works along,
# - measure which part of an image moves which token in a real network,
# - find out by experiment what a network can learn whose tokens never meet, and what it cannot.
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
import numpy as np
from IPython.display import display
from keras import layers, ops

from course_utils import analysis, classifier, exercises, load_dataset, session, show, train
from course_utils.data.images import photographs
from course_utils.explorers import (
    Tabs,
    explore_influence,
    explore_patches,
    explore_token_mixing,
    predict,
    token_mixing_explorer_from_arrays,
)
from course_utils.figures import training_curves
from course_utils.layers import MixerBlock, PatchEmbedding, Patches
from course_utils.models import describe, load_trained
from course_utils.results import tables

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
        "number of tokens *n*?"
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
# Three networks that nobody has trained yet, on a photograph of 8 × 8 tokens: a Mixer, the same network without token
# mixing, and one that mixes by a convolution of 3 × 3 tokens, as a CNN does. If input token $j$ changes a little, how
# much does output token $i$ change? That is a gradient, $‖∂y_i/∂x_j‖$, taken through the real network: the norm of the
# *token Jacobian*. We call it the *influence* of $j$ on $i$.

# %%
predict(
    "Point at one output token. Which input tokens light up in the Mixer after one block, before any training?",
    ["Only the token itself", "Its neighbours", "All of them"],
    answer="One MLP along the tokens joins them all at once. And in the two others, block by block? Look.",
    right=2,
)

# %%
print("This takes about 10 seconds.")
small = {"patch_size": 4, "depth": 3, "seed": 0}
explore_influence(
    {
        "Mixer": classifier("mixer", (32, 32, 3), 16, **small),
        "no mixing": classifier("no_mixing", (32, 32, 3), 16, **small),
        "convolution": classifier("conv", (32, 32, 3), 16, **small),
    },
    {"a cat": photographs(32)["cat"]},
)

# %% [markdown]
# - *No mixing*: a token is moved by itself alone, at every depth.
# - *Convolution*: block by block its *receptive field* grows, from 3 × 3 tokens to 5 × 5 and 7 × 7.
# - *Mixer*: one block is enough. Every output token is moved by every input token.
#
# After one block the diagonal is nearly always the brightest: that is the residual connection, which hands every token
# through.

# %% [markdown]
# ## Build it · 5 minutes
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
# “No convolution”? The patch embedding multiplies every patch by the same matrix. That *is* a convolution, with a step
# (*stride*) as wide as its kernel. Give a convolution the same weights:

# %% tags=["nbval-check-output"]
kernel, bias = embedding.get_weights()
convolution = layers.Conv2D(64, kernel_size=8, strides=8, data_format="channels_last")
convolution.build(image.shape)
convolution.set_weights([kernel.reshape(8, 8, 3, 64), bias])
difference = ops.reshape(convolution(image / 255), x.shape) - embedding(image / 255)
print("the same tokens, to 1e-5:", bool(ops.max(ops.abs(difference)) < 1e-5))

# %% [markdown]
# A classifier is: patch embedding, some blocks, a last LayerNorm, the mean over the tokens, one dense layer. Here are
# the course's named configurations, with what they cost. *MACs* are multiply-accumulate operations for one image. B/16
# is the paper's (its table 1 leaves out the last layer: 59 million parameters).

# %% tags=["nbval-check-output"]
for name, shape, classes in [
    ("mixer_tiny", (32, 32, 3), 16),
    ("mixer_course", (32, 32, 3), 100),
    ("mixer_b16", (224, 224, 3), 1000),
]:
    network = describe(classifier(name, shape, classes))
    width, depth = network.config.embed_dim, network.config.depth
    print(f"{name:13} {network.tokens:4} tokens × {width:3}, {depth:2} blocks,", end=" ")
    print(f"{network.parameters:11,} parameters, {network.macs:14,} MACs")

# %% [markdown]
# **A question before you train.** No Mixer here adds a learned vector for the position (a *position embedding*). Does
# it know where a patch was? It does: each hidden unit of $T$ has its own weights for each position, one to read it and
# one to write to it.

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
# - **Ask:** Point at one token, block by block, before and after: what has changed? Then: what would a unit have to
#   look like to find a horizon?
# - **Students say:** “After training it should be only the odd cell.” The picture is about one image; ask for another.
# - **Misconception:** That a bright map means an important region. It is a weight, not what came through it.
# - **If late:** Keep the influence explorer; of the units show the maps alone, not the table.

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
recorded = load_trained("mixer_course")
Tabs(
    {
        "your network": explore_influence(
            {"Mixer, before training": before, "Mixer, after training": model},
            {"a test image": dataset.x_test[0]},
        ),
        "the recorded one": explore_influence(
            {"Mixer, on photographs": recorded}, {"a cat": photographs(32)["cat"]}, depths=[1, 2]
        ),
    }
)

# %% [markdown]
# Go through the blocks of your network, before and after, and read the caption above the images. On the puzzle,
# training lowers a token's own share under *Up to block* 2: there the other fifteen gain.
# <!-- claim: own_share_falls --> Under the other tab is a Mixer that has learned photographs, for the next question.
#
# ### What a unit reads, learned from photographs
#
# A hidden unit of $T$ has one weight for each token: a map of the image. Its *input weights* say which positions it
# reads, its *output weights* to which positions it writes. On the puzzle's 4 × 4 tokens such a map shows little. So we
# take the recorded Mixer, which the course brings: trained on CIFAR-100 for 8 epochs, it is right on 52 % of the test
# images (100 classes).

# %%
predict(
    (
        "The paper saw units that look at the whole image, units that look at a small region, and many pairs with"
        " opposite signs (section 3.5), after training on 300 million images. And this one, after 45,000 images, eight"
        " times each?"
    ),
    ["Smooth waves over the whole image", "Small regions", "Pairs with opposite signs", "Little but noise"],
)

# %%
untaught = classifier("mixer_course", (32, 32, 3), 100, seed=0)
both = {"before training": untaught, "after 8 epochs": recorded}
print("This takes a few seconds.")
explore_token_mixing(both)

# %% [markdown]
# Is anything there? Two numbers for what each block reads. *Alike below*: how alike a unit reads a position and the one
# below it (1: the same, 0: as in noise). *Most opposite*: the cosine of a unit with the one that is most opposite to it
# (−1: a pair; mean over the units).


# %%
def alike_below(maps):
    return (maps[:, 1:] * maps[:, :-1]).mean() / (maps**2).mean()


def most_opposite(maps):
    units = maps.reshape(len(maps), -1)
    units = units / np.linalg.norm(units, axis=1, keepdims=True)
    return (units @ units.T).min(axis=1).mean()


rows = []
for name, network in both.items():
    maps = [w_in.T.reshape(-1, 8, 8) for w_in, _ in analysis.token_mixing_weights(network)]
    for what, measure in (("alike below", alike_below), ("most opposite", most_opposite)):
        rows.append({"": f"{name}: {what}"})
        rows[-1] |= {f"block {k}": f"{measure(block):+.2f}" for k, block in enumerate(maps, start=1)}
show.table(rows)

# %% [markdown]
# In every block neighbours are read a little more alike with training: the maps begin to be smooth. But there are no
# pairs: with 64 units of 64 weights, −0.3 is what noise gives. Do pairs take more data, more training, more blocks?
# This does not say.

# %% [markdown]
# ### The paper's own network
#
# With the internet, look for pairs in Mixer-B/16, trained on ImageNet-21k, as its authors published it (timm's copy on
# the Hugging Face hub: 240 MB, fetched once), in the very layers that you have just read. The paper's figure 5 shows
# such maps of its first three blocks.

# %%
FETCH = False  # True fetches it

if mixer_b16 := session.published("mixer_b16", FETCH):
    weights = analysis.token_mixing_weights(mixer_b16.model)[:3]
    display(token_mixing_explorer_from_arrays({"Mixer-B/16": weights}, analysis.token_grid(mixer_b16.model)))

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
# - **If late:** Stop after the table; ask the question of the four photographs, and leave its cell to be read at home.

# %%
predict(
    "Without token mixing: what will the *training* accuracy do?",
    ["Rise to 100 %, for it learns by heart", "Stay near chance", "Rise more slowly than with mixing"],
    answer="Nothing in it compares. Run on, and look at the test accuracy too.",
)

# %%
untrained, unmixed = (classifier(name, puzzle.input_shape, 16, seed=0) for name in ("mixer", "no_mixing"))
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
# The network without mixing has nearly as many parameters, and it stays at chance. <!-- claim: no_mixing_at_chance -->
# On new images it must: it works on each token alone and takes the mean, so it gives the same answer wherever the odd
# cell lies.
#
# You may object that it does not know *where* a token is. True, and positions alone give it a trick instead of an
# insight: "the reddest cell is the odd one" is right for half of the puzzles. Comparing needs mixing.
#
# ### Another number of patches
#
# The weights of $T$ belong to positions, so a Mixer for 64 tokens cannot read 256. The paper still fine-tunes on larger
# images (appendix C): cut them into four quarters, each with as many tokens as before, and let a larger $T$ start as
# four copies of the old one along its diagonal, with zeros elsewhere.

# %%
predict(
    "The larger Mixer gets one photograph four times, two by two. What does it say of it?",
    ["The same as the old one of the photograph", "Something else", "That depends on the photograph"],
    answer="Each copy of *T* works on its quarter as before, and the mean over four equal quarters is that of one.",
    right=0,
)

# %% tags=["nbval-check-output"]
old, new = load_trained("mixer_course"), classifier("mixer_course", (64, 64, 3), 100, tokens_mlp_dim=256)
# Where each of the 16 × 16 tokens stands if the four quarters are written one behind the other.
order = np.argsort(np.arange(256).reshape(2, 8, 2, 8).transpose(0, 2, 1, 3).ravel())


def enlarged(weight):
    copies = np.kron(np.eye(4), weight) if weight.ndim == 2 else np.tile(weight, 4)
    return copies[np.ix_(*[order] * weight.ndim)]


for large, small in zip(new.layers, old.layers, strict=True):
    large.set_weights([enlarged(w.numpy()) if "token_mlp" in w.path else w.numpy() for w in small.weights])

cat = photographs(32)["cat"][None].astype("float32")
difference = ops.max(ops.abs(new(np.tile(cat, (1, 2, 2, 1))) - old(cat)))
print("the same logits, to 1e-4:", bool(difference < 1e-4))

# %% [markdown]
# The quarters do not hear each other yet: the zeros are there to be learned.
#
# **At home.** Which learning rate, dropout and batch size? The course's homework notebook repeats a student report's
# experiment on Fashion-MNIST, every combination of them, chosen on the validation images.

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
# **What came next.** ResMLP ([2105.03404](https://arxiv.org/abs/2105.03404)) needs no more than one matrix in the place
# of $T$; ConvMixer ([2201.09792](https://arxiv.org/abs/2201.09792)) takes a depthwise convolution instead; MetaFormer
# ([2111.11418](https://arxiv.org/abs/2111.11418)) asks how much the choice of the mixer matters at all.
#
# **This course**, from recorded runs on CIFAR-100. *CPU minutes*: how long a run kept processor cores busy, added up;
# on a GPU, minutes by the clock. (A well-known lesson, the
# [keras.io example](https://keras.io/examples/vision/mlp_image_classification/), trains the same three papers;
# `docs/results.md` compares.)

# %% [markdown] tags=["teacher"]
# - **Ask:** Which of these rows may be compared, and which may not? And in the chart: where does overfitting begin?
# - **Students say:** “The Mixer is worse than a ViT.” With less data, yes: the paper's own point.
# - **Misconception:** That two rows with other recipes say which idea is better.
# - **If late:** Read the three things to take home aloud, and end.

# %%
show.table([row for row in tables.measured("mixer") if row["data"] == "cifar100" and "recipe" in row])

# %%
runs = {run.recipe.name: run.history for run in tables.runs_of("mixer")}
training_curves({"flip and crop": runs["long"], "and MixUp, CutMix": runs["course"]}, keys=("accuracy", "val_accuracy"))

# %% [markdown]
# Two runs of one Mixer, *long* and *course* above. The first learns 70 % of its training images and 50 % of the
# validation images: it overfits, as the paper says. The second mixes its training images in pairs. Which one would you
# stop earlier?
#
# %% [markdown]
# **Three things to take home.**
#
# 1. A Mixer block is two MLPs on one table, one along each axis. The transpose is the idea.
# 2. Token mixing is what lets patches be compared, all of them in one block: a convolution needs many.
# 3. The weights of $T$ belong to positions. That is why a Mixer needs no position embedding, and why $T$ must be
#    enlarged for an image with more patches.
