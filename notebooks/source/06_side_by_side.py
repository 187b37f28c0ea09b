# %% [markdown]
# # 06 · Side by side: five mixers and a convolution in one skeleton
#
# **24 minutes to show, 70 as a lab.** Five papers, five ways to let tokens meet, and beside them the way that everybody knows: a
# convolution. Here they stand in one skeleton (patches of one size, one width, one depth), on the same data, with the
# same recipe. Then you hunt bugs: real ones, from the keras.io examples on [the
# MLPs](https://keras.io/examples/vision/mlp_image_classification/),
# [ViT](https://keras.io/examples/vision/image_classification_with_vision_transformer/) and [ViT for small data
# sets](https://keras.io/examples/vision/vit_small_ds/).
#
# After this lesson you can
#
# - say of each mixer where its weights come from, what it costs, and whether it knows where a token is,
# - compare networks fairly: parameters, MACs, seconds and accuracy, never one of them alone,
# - explain what little data does to a network, and which comparison shows it,
# - write a test that catches a bug which no training curve shows.
#
# | name here | paper | lesson |
# |---|---|---|
# | MLP | MLP-Mixer, [arXiv 2105.01601](https://arxiv.org/abs/2105.01601) | 01 |
# | Fourier | FNet, [arXiv 2105.03824](https://arxiv.org/abs/2105.03824) | 02 |
# | gate | gMLP, [arXiv 2105.08050](https://arxiv.org/abs/2105.08050) | 03 |
# | attention | ViT, [arXiv 2010.11929](https://arxiv.org/abs/2010.11929) | 04 |
# | SPT + LSA | ViT for small-size data sets, [arXiv 2112.13492](https://arxiv.org/abs/2112.13492) | 05 |
# | convolution | a CNN beside the papers, after [arXiv 2210.13452](https://arxiv.org/abs/2210.13452) | |
# | none | no paper: the same network with the mixer taken out | |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is and chooses how much of the lesson it can run; lesson 01 explains the profiles. Write `setup("colab")`
# to choose yourself.

# %% [markdown] tags=["teacher"]
# - **Ask:** Name the five mixers without looking.
# - **Students say:** They forget one: whichever they have not built.
# - **Misconception:** That this lesson ranks them.
# - **If late:** Run it while you ask.

# %%
from course_utils import setup

PROFILE = setup()

# %%
from dataclasses import replace

import keras
import numpy as np
from keras import ops

from course_utils import analysis, classifier, exercises, load_dataset, recipe, selftest, session, show, train
from course_utils.exercises.bugs import SharedNormMixerBlock as BrokenMixerBlock
from course_utils.exercises.bugs import WrongGradientNorm as OtherLayerNorm
from course_utils.explorers import explore_influence, influence_explorer_from_arrays, predict
from course_utils.figures import bar_chart, line_chart, training_curves
from course_utils.layers import ConvBlock
from course_utils.models import CONFIGS, blocks, describe, macs
from course_utils.papers import PAPERS
from course_utils.results import cards, tables

WORDS = {"mixer": "MLP", "fnet": "Fourier", "gmlp": "gate", "vit": "attention"}
WORDS |= {"conv": "convolution", "no_mixing": "none"}
MIXERS = {WORDS.get(key, paper.title): key for key, paper in PAPERS.items()}  # {name here: the paper's key}

# %% [markdown]
# ## See it · 3 minutes
#
# Seven networks that nobody has trained. All cut the image into the same 16 tokens, all are 64 channels wide and two
# blocks deep. How much does each input token move the one that you point at? That is the *influence* of lesson 01, the
# norm of the token Jacobian.

# %% [markdown] tags=["teacher"]
# - **Ask:** One block: which of the seven moves every token, which none?
# - **Students say:** “The gate mixes.” Not before training.
# - **Misconception:** That influence says where the weights come from. It says only how much.
# - **If late:** Keep it: point at token 9 and switch.

# %%
predict(
    "After *one* block, untrained: which of the five papers' mixers does nothing at all between tokens?",
    ["MLP", "Fourier", "Gate", "Attention", "SPT + LSA"],
    answer="It starts as an identity. And in which of the seven does every token move every other one?",
    right=2,
)

# %% [markdown]
# Set *Up to block* to 1, point at a token, and switch the network: the token stays.

# %%
puzzle = load_dataset("shapes")
untrained = {name: classifier(paper, puzzle.input_shape, puzzle.num_classes, seed=0) for name, paper in MIXERS.items()}
explore_influence(untrained, {"a puzzle": puzzle.x_test[0]})

# %% [markdown]
# - **None** lights one token, at every depth. So does the **gate**: it starts as an identity, and must learn to mix.
# - **MLP** and **attention** light all tokens and prefer the token itself: the residual connection hands it through.
# - **SPT + LSA** lights all tokens and prefers itself as well, although its attention may not take from itself: the
#   residual connection sees to that.
# - **Fourier** lights all tokens in the first block, and the token itself is not special. A Fourier transform is a sum
#   over *all* tokens, and it is far larger than the $x$ that the residual adds to it.
# - **Convolution** lights the token's neighbours alone, those across the corners too. With the second block it reaches
#   two steps far: from a corner, that is nine of the sixteen tokens.
#
# You see only *how much*. Where do the weights of that sum come from? That is the real difference between them.

# %% [markdown]
# ## Build it · 6 minutes
#
# | mixer | how tokens meet | the weights of the sum are |
# |---|---|---|
# | MLP | $T(\mathrm{LN}(x))$, an MLP along the tokens | learned, fixed to positions |
# | Fourier | $\mathrm{Re}(F_n · x · F_d)$ | sines and cosines, never learned |
# | gate | $z_1 · (W · \mathrm{LN}(z_2) + b)$ | learned, fixed to positions; the product depends on the image |
# | attention | $\mathrm{softmax}(Q K^\top / \sqrt{d_h}) · V$ | computed anew from every image |
# | SPT + LSA | the same with a learned $τ$ for $\sqrt{d_h}$ and no diagonal | computed anew from every image |
# | convolution | $D(\mathrm{LN}(x))$, depthwise over 3 × 3 tokens | learned, the same everywhere, fixed to neighbours |
#
# (*Depthwise*: each channel has its own 3 × 3 weights, and channels do not meet there.) You have seen the five papers'
# blocks in their lessons. Here is the one that is new, with the two sums that you know:

# %% [markdown] tags=["teacher"]
# - **Ask:** Fill the last column of the table from memory.
# - **Students say:** “Same width, so same size.” Look at the parameters.
# - **Misconception:** That MACs are time.
# - **If late:** Skip the chart of more tokens.

# %%
show.source(ConvBlock)

# %% [markdown]
# Around the blocks everything is alike: the size of a patch, the width, the number of blocks, a last LayerNorm, the
# mean over the tokens, one dense layer. What a paper brings with its mixer stays: a position embedding or none, how
# wide the hidden layer along the channels is, where the LayerNorm stands (Fourier: after the sum), and SPT's tokens.
# These are the networks you are about to train:


# %% tags=["nbval-check-output"]
def built(name, network):
    about, sizes = describe(network), network.configuration
    return {
        "mixer": name,
        "tokens made by": type(network.get_layer("patch_embedding")).__name__,
        "block": type(blocks(network)[0]).__name__,
        "position embedding": "yes" if sizes.position_embedding else "no",
        "hidden width": sizes.channels_mlp_dim,
        "parameters": about.parameters,
        "MACs": about.macs,
    }


show.table([built(name, network) for name, network in untrained.items()])

# %% [markdown]
# "Same width and depth" does not mean "same size". SPT + LSA has the largest network because its first layer sees five
# images instead of one. The Fourier mixer has no parameters at all, and its network still has more than the MLP's: as
# in its paper, the layer hidden in the channels' MLP is four times as wide as a token. Remember that when you compare
# accuracies.
#
# ### What if there were more tokens?
#
# You halve the patch size, and $n$ becomes four times as large. Every block then costs *at least* four times as much.

# %%
predict(
    "Which cost more than that?",
    ["MLP and Fourier", "Attention and gate", "All"],
    answer="They hold a matrix of $n × n$ numbers.",
    right=1,
)


# %%
def thousands(paper, side):
    """Returns the MACs of one block for one token of side × side, in thousands."""
    config = CONFIGS[f"{paper}_tiny"]
    block = PAPERS[paper].block(config, (side, side))
    block.build((1, side**2, config.embed_dim))
    return macs(block) / side**2 / 1000


sides = np.array([4, 8, 16, 32, 64])
line_chart(
    {
        "tokens n": {
            name: (sides**2, [thousands(paper, int(side)) for side in sides])
            for name, paper in MIXERS.items()
            if paper != "small_data_vit"  # its blocks cost what those of plain attention cost
        }
    },
    "thousand MACs for one token",
    x_scale="log",
    markers=True,
    order=list(MIXERS),
    title="What one block costs",
)

# %% [markdown]
# A flat line is a cost that grows with $n$, a rising line one that grows with $n^2$. Attention and the gate hold a
# matrix of $n × n$ numbers: at 16 tokens you do not notice, at 4096 it is nearly everything. The MLP's hidden width
# stays the same however many tokens there are, a convolution asks nine tokens and no more, and a Fourier transform
# needs no dense layer at all (its own $n \log n$ is not counted here).

# %% [markdown]
# ## Train it · 4 minutes
#
# Seven networks, one after another, with one recipe and one seed.

# %% [markdown] tags=["teacher"]
# - **Ask:** Write an order down; nobody may change it later.
# - **Students say:** “Convolution is broken.” It is slow: look at 25 epochs.
# - **Misconception:** That chance after seven epochs proves something. A proof needs an argument, as for *none*.
# - **If late:** Show the bars of the stored notebook and train one network.

# %%
predict(
    "Which one will be best? (Write down the whole order, and which is fastest for an epoch.)",
    ["MLP", "Fourier", "Gate", "Attention", "SPT + LSA", "Convolution"],
)

# %%
dataset, size, how = session.lesson_plan("side_by_side", PROFILE)

# %%
monitor = "none" if PROFILE == "quick" else None  # a quick run is over before you have read its curve
trained, runs = {}, {}


def train_all(names):
    for name in names:
        trained[name] = classifier(f"{MIXERS[name]}_{size}", dataset.input_shape, dataset.num_classes, seed=0)
        runs[name] = train(trained[name], dataset, how, monitor=monitor)
        print(f"{name:11} test accuracy {show.percent(runs[name].test.top1)}")


train_all(list(MIXERS)[:3])

# %%
train_all(list(MIXERS)[3:])

# %% [markdown]
# Four questions, four bars:

# %%
bar_chart(
    {
        name: {
            "parameters": run.model.parameters,
            "MACs (million)": run.model.macs / 1e6,
            "seconds, fastest epoch": min(run.history["seconds"]),
            "test accuracy": run.test.top1,
        }
        for name, run in runs.items()
    },
    texts={
        "MACs (million)": "{:.2f}".format,
        "seconds, fastest epoch": "{:.2f}".format,
        "test accuracy": lambda value: f"{100 * value:.1f} %",
    },
    title=f"{len(runs)} networks on {dataset.name}: {how.epochs} epochs, one seed",
)

# %% [markdown]
# **None** stays at chance on the puzzle, as in lesson 01: its tokens never meet. The five papers' mixers have solved
# it, or nearly. Between them, a difference of a percent or two means nothing here: one seed is one throw.
#
# And the **convolution**? On the puzzle it is at chance as well, although its tokens do meet. Can it not learn this, or
# has it not learned it *yet*? More epochs tell: the same network and recipe, 25 epochs instead of 7, from recorded runs
# with three seeds.

# %%
longer = cards.recorded("seeds/convolution", cards.Seeds).runs["convolution"]
training_curves(
    {f"seed {run.seed}": run.history for run in longer},
    keys=("val_accuracy", "loss"),
    chance=1 / 16,
    title="Convolution on the puzzle, 25 epochs",
)

# %% [markdown]
# It was slow, not unable. It brings the wrong assumption: that what matters is *near*. Here the odd cell must be
# compared with cells anywhere, and the answer is a position, of which nothing tells a convolution but the zeros around
# the border. **A network at chance is a question, not an answer.** About **none** we know more, because we can prove
# it: lesson 01 did.
#
# Now compare the second panel of the bars with the third. On the whole they agree, but not network by network. MACs
# count the products in dense layers, in convolutions, in attention's matrices and in the gate, and nothing else. A
# small network also spends time on transposes, softmax, LayerNorms and on starting each operation. **MACs belong to the
# network; seconds belong to the network, the machine and the code.**
#
# ### Accuracy against time
#
# "A is better than B after ten epochs" and "A is better than B after ten seconds" are two statements.

# %%
predict(
    "Which network's curve moves most when the axis changes from epochs to seconds?",
    ["MLP", "Fourier", "Gate", "Attention", "SPT + LSA", "Convolution"],
)

# %%
line_chart(
    {
        "epoch": {name: (np.arange(1, run.epochs + 1), run.history["val_accuracy"]) for name, run in runs.items()},
        "seconds of training": {
            name: (np.cumsum(run.history["seconds"]), run.history["val_accuracy"]) for name, run in runs.items()
        },
    },
    "validation accuracy (%)",
    chance=1 / dataset.num_classes,
)

# %% [markdown]
# Whoever pays most for an epoch slides furthest to the right. (The first epoch takes longest: it holds the time for
# building the graph.) Read both panels before you call a network "faster": the left one says who needs fewer images,
# the right one who needs less of your time, on this machine.

# %% [markdown]
# ## Look inside · 4 minutes
#
# The first image of this lesson once more, after training. One token pointed at, the mixer switched.

# %% [markdown] tags=["teacher"]
# - **Ask:** Does the pattern follow the image? Does it know the position? Two columns, seven rows.
# - **Students say:** “Fourier does not know positions.” It knows all but its mirrors.
# - **Misconception:** That a zero in a chart is rounding. For attention it is exact.
# - **If late:** Only the two bars.

# %%
predict(
    "Will the gate still light one token only?",
    ["Yes", "No"],
)

# %%
images = {f"test image {k + 1}": dataset.x_test[k] for k in range(2)}
depths = (1, len(blocks(trained["none"])))
influences = {
    name: np.stack([[analysis.influence(network, image, k) for k in depths] for image in images.values()])
    for name, network in trained.items()
}
influence_explorer_from_arrays(influences, images, depths, analysis.token_grid(trained["none"]))

# %% [markdown]
# ### Who looks at the image, who knows the position?
#
# Two questions to the *first* block of each trained network.
#
# 1. Take two images. What share of the influence on a token comes from other positions in the second image than in
#    the first?
# 2. Shuffle the tokens. If the output is the same, only shuffled, the block does not know where a token is. (We give
#    the difference as a share of the output's standard deviation.)

# %%
predict(
    "Whose pattern follows the image most?",
    ["MLP", "Fourier", "Gate", "Attention"],
    answer="Only attention computes its weights from the image. And who knows the position?",
    right=3,
)


# %%
def follows_the_image(matrices):
    """(2, n, n) -> mean share of a row that moves elsewhere from one image to the other."""
    rows = matrices / matrices.sum(axis=-1, keepdims=True)
    return np.abs(rows[0] - rows[1]).sum(axis=-1).mean() / 2


def knows_the_position(block, x, order):
    """How far block(shuffled x) is from shuffled block(x), as a share of the output's standard deviation."""
    shuffled_after = ops.convert_to_numpy(block(x))[:, order]
    shuffled_before = ops.convert_to_numpy(block(x[:, order]))
    return np.abs(shuffled_after - shuffled_before).mean() / shuffled_after.std()


rng = np.random.default_rng(0)
n, d = blocks(trained["none"])[0].input.shape[1:]
x, order = rng.normal(size=(8, n, d)).astype("float32"), rng.permutation(n)
bar_chart(
    {
        name: {
            "influence that moves elsewhere": follows_the_image(influences[name][:, 0]),
            "difference after a shuffle": knows_the_position(blocks(network)[0], x, order),
        }
        for name, network in trained.items()
    },
    texts={
        "influence that moves elsewhere": lambda share: f"{100 * share:.1f} %",
        "difference after a shuffle": lambda share: f"{100 * share:.1f} %",
    },
)

# %% [markdown]
# The left panel is what sets attention apart. On the puzzle the odd cell is somewhere else in the second image, and
# attention looks somewhere else: a large part of its influence moves. The weights of MLP, Fourier, gate and convolution
# are the same for every image. What little moves there is the work of LayerNorm, GELU and the gate's product.
#
# The right panel says who knows nothing of positions without a position embedding: for both kinds of attention, and for
# none, a shuffle changes nothing. MLP and gate have weights that belong to positions. A convolution's belong to steps
# (one up, one to the left): after a shuffle, every token has other neighbours. A Fourier transform has its waves, but
# one shuffle is not every shuffle: lesson 02 found orders, such as the mirrored one, that an FNet cannot tell apart. So
# it has a position embedding, too.

# %% [markdown]
# ## Take it apart · 4 minutes
#
# ### Fewer training images
#
# "Transformers need much data." Do they? We take images away and keep all else: the network, the batch size, the
# number of *steps*. With few images, each is simply seen more often.
#
# Why not the same number of *epochs*? Then a sixteenth of the images would also mean a sixteenth of the steps, and we
# would change two things at once.
#
# To save time, these runs have about half as many steps as the ones above.

# %% [markdown] tags=["teacher"]
# - **Ask:** Which suffers most with few images? Who says “attention” should say why.
# - **Students say:** “Transformers need much data.” Not for this task.
# - **Misconception:** That the left ends of the lines can be compared with the right ends: they have other numbers of
#   steps.
# - **If late:** Skip it; it trains longest.

# %%
predict(
    "Which of three suffers most when images become few?",
    ["The MLP", "Attention", "SPT + LSA, which was made for small data sets"],
)

# %%
total = len(dataset.x_train)
counts = [total // 8] if PROFILE == "quick" else [total // 16, total // 4]
shorter = recipe(how, epochs=max(2, how.epochs // 2))


def learn_from(count, network):
    """Trains on the first `count` images, again and again until an epoch has as many steps as with all of them."""
    chosen = np.arange(total) % count
    few = replace(dataset, x_train=dataset.x_train[chosen], y_train=dataset.y_train[chosen])
    return train(network, few, shorter, monitor="none")


def fresh(paper, **changes):
    return classifier(f"{paper}_{size}", dataset.input_shape, dataset.num_classes, seed=0, **changes)


learned = {}
for name in ("MLP", "attention", "SPT + LSA"):
    learned[name] = [learn_from(count, fresh(MIXERS[name])) for count in counts]
    print(f"{name:9}", ", ".join(show.percent(run.test.top1) for run in learned[name]))

# %%
line_chart(
    {
        "training images (accuracy on these, last epoch)": {
            name: ([*counts, total], [run.history["accuracy"][-1] for run in (*found, runs[name])])
            for name, found in learned.items()
        },
        "training images (accuracy on the test images)": {
            name: ([*counts, total], [run.test.top1 for run in (*found, runs[name])]) for name, found in learned.items()
        },
    },
    "accuracy (%)",
    x_scale="log",
    markers=True,
    chance=1 / dataset.num_classes,
    order=list(MIXERS),
)

# %% [markdown]
# (Compare the points that stand one above the other, not along a line: those at the right end are the runs from above,
# with more images *and* about twice as many steps.) Look at both panels. Where the left one is near 100 % and the
# right one is not, images were learned by heart: too little data. Where the left one is low as well, the network was
# still learning: too few steps, and no word about data.
#
# **On the puzzle**, it is not the Transformer that suffers:
#
# - Plain attention needs the *fewest* images. It compares tokens by one rule that is the same for all positions, and
#   the puzzle asks for just that. What it learns about the top left corner holds in every corner.
# - The MLP has weights of its own for every position, and must see the odd cell in each of them, in many colours.
# - SPT + LSA is far behind plain attention. Look at the left panel before you blame the images: it had not learned
#   even those by heart. Something makes it slow. Is it SPT, or LSA?
#
# Lesson 05 took the two apart: it is SPT. Through shifted patches the odd colour stands in up to nine tokens. That
# makes it quick to notice and slow to pin down, and this task asks *where*: nearly all of SPT's wrong answers lay in a
# cell next to the right one. (`learn_from(counts[0], fresh("small_data_vit", shifted_patches=False))` is LSA alone.)
#
# **Every mixer brings an assumption. Much data can make up for a wrong one; with little data you see whether it fits.**
# With photographs it is the other way round. What is near belongs together there: a convolution assumes just that, and
# attention has to learn it from many images (ViT paper, section 1). Shifted patches are meant to give some of it back:
# in their paper, SPT and LSA together brought a small ViT from 73.81 to 76.92 % on CIFAR-100 alone. In lesson 05, with
# 16 tokens and 8 epochs, SPT cost three points. So it also depends on the patches and on how long you train.
#
# Each point is one seed. Where two points lie close together, repeat the run before you believe their order: lesson 05
# shows what a seed can do.

# %% [markdown]
# ## The bug hunt: what a test must see · lab · 12 minutes
#
# The [keras.io example on ViT for small data sets](https://keras.io/examples/vision/vit_small_ds/) trains two networks,
# a plain ViT and one with SPT and LSA. It was published with these accuracies on CIFAR-100. When its code was run again
# on a newer Keras, this came out:

# %% [markdown] tags=["teacher"]
# - **Ask:** 53 % published, 11 % when run again: list causes before you read on.
# - **Students say:** “A bug in the example.” Some; the gradient was in the library.
# - **Misconception:** That a right output means a right layer.
# - **If late:** Do it in any case: it is why the course tests.

# %%
bar_chart(
    {
        "plain ViT, as first published": {"test accuracy on CIFAR-100": 53.10},
        "plain ViT, run again": {"test accuracy on CIFAR-100": 11.01},
        "SPT + LSA, as first published": {"test accuracy on CIFAR-100": 56.11},
        "SPT + LSA, run again": {"test accuracy on CIFAR-100": 5.80},
    },
    texts={"test accuracy on CIFAR-100": "{:.2f} %".format},
)

# %% [markdown]
# One reason lay in no line of the example, but below it: a layer of Keras gave the right output, and every network
# still learned a little. Here are two suspects: the LayerNorm of two versions of Keras. One is wrong. (You need no old
# Keras: the older one is written down in `course_utils.exercises.bugs`.)

# %% tags=["nbval-check-output"]
VERSIONS = {"version A": keras.layers.LayerNormalization, "version B": OtherLayerNorm}
tokens = np.random.default_rng(0).normal(size=(2, 9, 8)).astype("float32")  # (b, n, d)
outputs = [ops.convert_to_numpy(make(epsilon=1e-6)(tokens)) for make in VERSIONS.values()]
print("the outputs agree:", np.allclose(*outputs, atol=1e-5))

# %% [markdown]
# Outputs say nothing. What training uses is the *gradient*: by how much a number changes when $x$ moves a little. You
# need no derivative to find that. Move $x$ a little, and look.
#
# ### 0 · The slope, by trying
#
# `value` is any function from $x$ to a number.


# %% exercise="finite_difference"
def finite_difference(value, x):
    """A function and a point (d,) -> the gradient there, (d,)."""
    ### BEGIN SOLUTION
    step = 1e-6
    ways = step * np.eye(len(x))
    return np.array([(value(x + way) - value(x - way)) / (2 * step) for way in ways])
    ### END SOLUTION


exercises.check_finite_difference(finite_difference)

# %% [markdown]
# The wrong one has the right output.

# %%
predict(
    "How will its slopes be wrong?",
    ["In single channels", "By a factor", "All by the same amount"],
    answer="Every channel is pushed the same way: the mean was held fixed.",
    right=2,
)

# %%
rng = np.random.default_rng(0)
x, direction = rng.normal(1, 1, 8), rng.normal(size=8)


def norm_then_sum(x):
    """LayerNorm's formula, then a weighted sum of the channels."""
    return ((x - x.mean()) / np.sqrt(x.var() + 1e-6) * direction).sum()


slopes = finite_difference(norm_then_sum, x)
if slopes is None:  # the exercise is not answered yet: the same, channel by channel
    ways = 1e-6 * np.eye(8)
    slopes = np.array([norm_then_sum(x + way) - norm_then_sum(x - way) for way in ways]) / 2e-6
gradients = {name: selftest.input_gradient(make, x, direction) for name, make in VERSIONS.items()}
for name, gradient in gradients.items():
    off = np.abs(gradient - slopes).max()
    print(f"{name}: off by at most {off:.6f}; all slopes together {gradient.sum():+.4f}")
found = {"version A": gradients["version A"], "finite difference": slopes, "version B": gradients["version B"]}
line_chart(
    {"channel": {name: (np.arange(1, 9), values) for name, values in found.items()}},
    "gradient with respect to x",
    markers=True,
)

# %% [markdown]
# All by the same amount: version B pushes every channel the same way. The norm itself does not notice such a push; all
# the weights before it do.
#
# Version B is Keras 3.0.0 to 3.0.2. Its variance, $\mathrm{mean}(x^2) - \mathrm{mean}(x)^2$, was right, but the second
# term was held fixed when the gradient was taken, as if the mean did not depend on $x$. (With a mean of 0 the two
# agree; the further the mean from 0, the more wrong.) No error was raised, and the numbers were believed.
#
# Finite differences find it, but they need the formula once more. Is there a test that needs none? Look at the sums
# that were printed. LayerNorm takes out whatever is added to *all* channels alike. So no loss can depend on such a
# shift, and the slopes must sum to **exactly 0**. A dense layer before the norm has a bias that starts at 0; after one
# step of plain SGD, the sum over that bias must still be 0.


# %% tags=["nbval-check-output"]
def right_gradient(make):
    """make() gives a LayerNorm. True if nothing tries to move all channels at once."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8), make(), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    rng = np.random.default_rng(0)
    model.train_on_batch(rng.normal(1, 1, (64, 8)), rng.normal(size=(64, 1)))
    bias = ops.convert_to_numpy(model.layers[0].bias)
    return bool(abs(bias.sum()) < 1e-5)


print("your Keras passes the test:    ", right_gradient(keras.layers.LayerNormalization))
print("Keras 3.0.0's norm passes it:  ", right_gradient(OtherLayerNorm))

# %% [markdown]
# (`python -m course_utils.selftest` asks this and more of your installation, in seconds.)
#
# That is the form of every test below: a function of a *maker*. It makes the thing, asks it one question, and says True
# (right) or False (broken).
#
# ### Why not just train and look?
#
# Here is a Mixer with one of the five bugs that you will hunt, beside the right one. Same few images, same recipe.

# %%
predict(
    "How far below the right curve will its curve lie?",
    ["Far below", "A little below", "You will not see it"],
)


# %%
def with_other_blocks(network, kind):
    """The same network, untrained, with blocks of another kind."""

    def copied(layer):
        make = kind if layer.name.startswith("block_") else type(layer)
        return make.from_config(layer.get_config())

    keras.utils.set_random_seed(0)
    return keras.models.clone_model(network, clone_function=copied)


with_bug = learn_from(counts[-1], with_other_blocks(trained["MLP"], BrokenMixerBlock))
line_chart(
    {
        "epoch": {
            name: (np.arange(1, run.epochs + 1), run.history["val_accuracy"])
            for name, run in (("the right Mixer", learned["MLP"][-1]), ("with a bug", with_bug))
        }
    },
    "validation accuracy (%)",
    markers=True,
    chance=1 / dataset.num_classes,
)

# %% [markdown]
# On the puzzle you would never find it by its curve. Most bugs of this kind cost a little accuracy on hard data and
# none on easy data, and a curve cannot show a missing point if you do not know the target. A test asks whether the
# layer does what the *paper* says. Three kinds of questions find nearly everything:
#
# 1. **Count**: which parameters are there, how many, which of them are trained?
# 2. **Invariance**: what must *not* change, or change in a known way, when the input is scaled, shifted or shuffled?
# 3. **Effect**: after one step, what has moved? Which number does the optimizer really use?

# %% [markdown]
# ## Your turn: five real bugs · lab · 34 minutes
#
# Each exercise names a promise from a paper. A keras.io example broke it. Write the test that tells a right layer from
# a broken one; the check runs it on several of both, in different sizes, and says what was wrong once you have caught
# it.
#
# `exercises.bugs.suspects` gives you a maker of the right thing and one of the broken thing, to look at and to try your
# test on:

# %% [markdown] tags=["teacher"]
# - **Ask:** Count, invariance or effect: which question for which bug?
# - **Students say:** “I would see it in the curve.” The next cell up shows that you would not.
# - **Misconception:** That reading the code is enough. Each line looks right.
# - **If late:** Bugs 1 and 4 in class; the others at home.

# %%
right, broken = exercises.bugs.suspects("norms")
for block in (right(), broken()):
    block(tokens)  # the first call makes the weights
    print(len(block.weights), "arrays of weights, output", tuple(block(tokens).shape))

# %% [markdown]
# ### 1 · Two norms
#
# `make()` gives a Mixer block: $y = x + T(\mathrm{LN}_1(x))$, $z = y + C(\mathrm{LN}_2(y))$.
#
# **The promise:** $\mathrm{LN}_1$ and $\mathrm{LN}_2$ are two layers. Each learns a $γ$ and a $β$ of its own.
#
# (`weight.path` is a weight's full name, such as `block/norm1/gamma`.)


# %% exercise="two_norms"
def two_norms(make):
    block = make()
    block(tokens)
    ### BEGIN SOLUTION
    return sum("gamma" in weight.path for weight in block.weights) == 2
    ### END SOLUTION


exercises.check_two_norms(two_norms)

# %% [markdown]
# ### 2 · The raw x
#
# `make()` gives a gMLP block: $y = x + V · \mathrm{SGU}(\mathrm{GELU}(U · \mathrm{LN}(x)))$.
#
# **The promise:** the residual hands on $x$ as it came.
#
# You need not look inside. What should come out for $10x$, if all the rest of the block sees only $\mathrm{LN}(x)$?
# (Compare with `np.allclose(…, atol=1e-3)`: rounding, and the small number that LN adds to the variance, leave tiny
# differences.)


# %% exercise="raw_residual"
def raw_residual(make):
    block = make()
    once = ops.convert_to_numpy(block(tokens))
    ### BEGIN SOLUTION
    tenfold = ops.convert_to_numpy(block(10 * tokens))
    # LN(10 x) = LN(x): the branch gives the same, so only the residual can differ, by 9 x.
    return np.allclose(tenfold - once, 9 * tokens, atol=1e-3)
    ### END SOLUTION


exercises.check_raw_residual(raw_residual)

# %% [markdown]
# ### 3 · A temperature that learns
#
# `make()` gives the attention of lesson 05: $A = \mathrm{softmax}(\mathrm{mask}(Q K^\top) / τ)$.
#
# **The promise:** $τ$ is learned. (An attribute `temperature` is there in both kinds, and shows a sensible number. That
# proves nothing.) Here it is enough to ask which weights the layer hands to an optimizer; exercise 6 of lesson 05 is
# the stricter test.


# %% exercise="learned_temperature"
def learned_temperature(make):
    layer = make()
    layer(tokens)
    ### BEGIN SOLUTION
    return any("temperature" in weight.path for weight in layer.trainable_variables)
    ### END SOLUTION


exercises.check_learned_temperature(learned_temperature)

# %% [markdown]
# ### 4 · A schedule in use
#
# `make(steps)` gives a small compiled model, about to be trained for that many steps.
#
# **The promise:** the learning rate climbs from 0 to its peak and falls back to 0.
#
# You need not train. `optimizer.iterations.assign(k)` says "we are at step `k`", and
# `ops.convert_to_numpy(optimizer.learning_rate)` is the rate the optimizer would use there.


# %% exercise="schedule_in_use"
def schedule_in_use(make):
    optimizer = make(100).optimizer
    ### BEGIN SOLUTION
    rates = []
    for step in (0, 25, 50, 100):
        optimizer.iterations.assign(step)
        rates.append(float(ops.convert_to_numpy(optimizer.learning_rate)))
    return rates[0] < max(rates) / 100 and rates[-1] < max(rates) / 100
    ### END SOLUTION


exercises.check_schedule_in_use(schedule_in_use)

# %% [markdown]
# Once you have caught it, look at both:

# %%
rates = {}
for name, make in zip(("right", "broken"), exercises.bugs.suspects("schedule"), strict=True):
    optimizer, rates[name] = make(100).optimizer, []
    for step in range(101):
        optimizer.iterations.assign(step)
        rates[name].append(float(ops.convert_to_numpy(optimizer.learning_rate)))
line_chart({"step": {name: (range(101), values) for name, values in rates.items()}}, "learning rate")

# %% [markdown]
# ### 5 · As wide as you asked
#
# `make(channels_mlp_dim=…)` gives a Mixer block.
#
# **The promise:** the hidden layer of $C$ has `channels_mlp_dim` units, whatever the number of tokens.
# (`block.channel_mlp` is $C$; its two dense layers are `hidden` and `output_layer`, and each has a `kernel`.)


# %% exercise="hidden_width"
def hidden_width(make):
    block = make(channels_mlp_dim=20)
    block(tokens)
    ### BEGIN SOLUTION
    return block.channel_mlp.hidden.kernel.shape[-1] == 20
    ### END SOLUTION


exercises.check_hidden_width(hidden_width)

# %% [markdown]
# All five are real. Bugs 1, 2 and 5 stood in the keras.io example on the MLPs, bugs 3 and 4 in the one on ViT for small
# data sets. Nobody was careless: each line looks right, the code runs, the loss falls.
#
# **Go on from here.** Three more stood in those examples. An attention whose heads are each as wide as the whole token
# (`key_dim = d` instead of `d / heads`). A head of flatten and two wide dense layers that held nearly all the
# parameters, so that the Transformer before it hardly mattered. A position embedding added *outside* the model, so that
# no optimizer saw it. Which question finds each: count, invariance or effect?

# %% [markdown]
# ## What the papers found, what we measured · 2 minutes
#
# **The papers**, each in a sentence:
#
# - MLP-Mixer: trained on enough images, two MLPs come close to the best networks with attention or convolutions; with
#   fewer images a Mixer overfits more than a ViT.
# - FNet: a Fourier transform reaches 92 to 97 % of BERT's accuracy on a language benchmark, and trains 80 % faster on
#   GPUs (abstract).
# - gMLP: gating matches Transformers on ImageNet; attention is not needed for that (abstract).
# - ViT: on mid-sized data a Transformer stays a few points below a ResNet of its size; with large data it overtakes
#   (section 1).
# - Small data sets: SPT and LSA help a ViT that is trained on a small data set alone (abstract).
#
# **This course**, from recorded runs: all of CIFAR-100, 8 epochs each with one recipe and one seed, beside what the
# keras.io examples had reached by then.

# %% [markdown] tags=["teacher"]
# - **Ask:** Which sentence of the five papers would you now test first?
# - **Students say:** “The best one is …” Ask: for which task, how many images, how much time?
# - **Misconception:** That the table is a ranking.
# - **If late:** Only the three things to take home.

# %%
show.table(tables.at_the_same_epoch("short"))

# %% [markdown]
# And every recorded run of these networks, on the puzzle too:

# %%
show.table([{"mixer": name, **row} for name, paper in MIXERS.items() for row in tables.measured(paper)])

# %% [markdown]
# **Three things to take home.**
#
# 1. The mixers differ first of all in one thing: where the weights of the sum over tokens come from. Fixed, learned for
#    each position, learned once for all neighbours, or computed from the image.
# 2. No mixer is best. Each brings an assumption, and the task, the number of images and the clock decide whether it
#    fits.
# 3. A curve that rises proves that something learns. What the paper says, only a test proves.
