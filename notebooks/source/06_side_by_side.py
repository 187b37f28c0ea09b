# %% [markdown]
# # 06 · Side by side: five mixers and a convolution in one skeleton
#
# **25 minutes to show, 71 as a lab.** Five papers, five ways to let tokens meet, and beside them a convolution: in one
# skeleton, on the same data, with one recipe. Then you hunt real bugs, from the keras.io examples on [the
# MLPs](https://keras.io/examples/vision/mlp_image_classification/),
# [ViT](https://keras.io/examples/vision/image_classification_with_vision_transformer/) and [ViT for small data
# sets](https://keras.io/examples/vision/vit_small_ds/).
#
# After this lesson you can
#
# - say of each mixer where its weights come from, what it costs, and whether it knows where a token is,
# - compare networks by parameters, MACs, seconds and accuracy, never by one of them alone,
# - write a test that catches a bug which no training curve shows.
#
# | name here | paper | lesson |
# |---|---|---|
# | MLP | MLP-Mixer, [arXiv 2105.01601](https://arxiv.org/abs/2105.01601) | 01 |
# | Fourier | FNet, [arXiv 2105.03824](https://arxiv.org/abs/2105.03824) | 02 |
# | gate | gMLP, [arXiv 2105.08050](https://arxiv.org/abs/2105.08050) | 03 |
# | attention | ViT, [arXiv 2010.11929](https://arxiv.org/abs/2010.11929) | 04 |
# | SPT + LSA | ViT for small data sets, [arXiv 2112.13492](https://arxiv.org/abs/2112.13492) | 05 |
# | convolution | a CNN beside the papers, after [arXiv 2210.13452](https://arxiv.org/abs/2210.13452) | |
# | none | no paper: the mixer taken out | |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing; the other chooses
# how much of the lesson your machine can run. Write `setup("colab")` to choose yourself.

# %% [markdown] tags=["teacher"]
# - **Ask:** Name the five mixers without looking.
# - **Students say:** They forget one: whichever they have not built.
# - **Misconception:** That this lesson ranks them.
# - **If late:** Run it while you ask.

# %%
from course_utils import setup

PROFILE = setup()

# %%
import keras
import numpy as np
from IPython.display import display
from keras import ops

from course_utils import analysis, classifier, exercises, figures, load_dataset, selftest, session, show, train
from course_utils.exercises.bugs import LAYER_NORMS, BrokenMixerBlock
from course_utils.explorers import explore_influence, influence_explorer_from_arrays, predict
from course_utils.figures import bar_chart, line_chart, training_curves
from course_utils.layers import ConvBlock
from course_utils.models import CONFIGS, blocks, describe, load_trained, macs, trained_names
from course_utils.papers import PAPERS
from course_utils.results import cards, tables

WORDS = {"mixer": "MLP", "fnet": "Fourier", "gmlp": "gate", "vit": "attention"}
WORDS |= {"conv": "convolution", "no_mixing": "none"}
MIXERS = {WORDS.get(key, paper.title): key for key, paper in PAPERS.items()}  # {name here: the paper's key}

# %% [markdown]
# ## See it · 3 minutes
#
# Seven networks that nobody has trained, all with 16 tokens, 64 channels and two blocks. How much does each input token
# move the one that you point at? That is the *influence* of lesson 01, the norm of the token Jacobian.

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
# Set *Up to block* to 1, pin a token, and switch the network.

# %%
puzzle = load_dataset("shapes")
untrained = {name: classifier(paper, puzzle.input_shape, puzzle.num_classes, seed=0) for name, paper in MIXERS.items()}
print("Asking seven networks: a few seconds.")
explore_influence(untrained, {"a puzzle": puzzle.x_test[0]})

# %% [markdown]
# - **None** lights one token, at every depth. So does the **gate**, but for a trace: it starts as an identity.
# - **MLP**, **attention** and **SPT + LSA** light all tokens, the token itself most: the residual hands it through.
# - **Fourier** lights all tokens in the first block; its sum over *all* is far larger than the $x$ that is added.
# - **Convolution** lights the token's neighbours alone, with the second block two steps far.
#
# That is *how much*. Where do the weights of that sum come from?

# %% [markdown]
# ## Build it · 5 minutes
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
# (*Depthwise*: each channel has its own 3 × 3 weights.) Here is the block that is new:

# %% [markdown] tags=["teacher"]
# - **Ask:** Fill the last column of the table from memory.
# - **Students say:** “Same width, so same size.” Look at the parameters.
# - **Misconception:** That MACs are time.
# - **If late:** Skip the chart of more tokens.

# %%
show.source(ConvBlock)

# %% [markdown]
# Around the blocks all is alike. But what a paper brings along stays, so the seven do *not* differ in the mixer alone:


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
# Fourier's mixer has no parameters, and yet its network has more than the MLP's. Why?
#
# ### What if there were more tokens?
#
# You halve the patch size, and $n$ becomes four times as large. Every block then costs *at least* four times as much.

# %%
predict(
    "Which cost more than that?",
    ["MLP and Fourier", "Attention and gate", "All"],
    answer="They hold a matrix of *n* × *n* numbers.",
    right=1,
)


# %%
def thousands(paper, side):
    """Returns the MACs of one block for one token of side × side, in thousands."""
    config = CONFIGS[f"{paper}_tiny"]
    block = PAPERS[paper].block(config, (side, side))
    block.build((1, side**2, config.embed_dim))
    return macs(block) / side**2 / 1000


bar_chart(
    {name: {f"n = {side**2:,}": thousands(paper, side) for side in (4, 16, 64)} for name, paper in MIXERS.items()},
    texts={f"n = {side**2:,}": "{:.0f}".format for side in (4, 16, 64)},
    title="Thousand MACs for one token in one block",
)

# %% [markdown]
# Where a number stays, the cost grows with $n$; where it rises, with $n^2$: attention and the gate hold a matrix of $n
# × n$ numbers. (A Fourier transform's own $n \log n$ is not counted.)

# %% [markdown]
# ## Train it · 5 minutes
#
# Seven networks, one recipe, one seed.

# %% [markdown] tags=["teacher"]
# - **Ask:** Write an order down; nobody may change it later.
# - **Students say:** “Convolution is broken.” It is slow: look at 25 epochs.
# - **Misconception:** That chance after five epochs proves something. A proof needs an argument, as for *none*.
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
learners, runs = {}, {}


def train_all(names):
    for name in names:
        print(f"{name:11}", end=" ", flush=True)
        learners[name] = classifier(f"{MIXERS[name]}_{size}", dataset.input_shape, dataset.num_classes, seed=0)
        runs[name] = train(learners[name], dataset, how, monitor=monitor)
        print(f"test accuracy {show.percent(runs[name].test.top1)}")


train_all(list(MIXERS)[:3])

# %%
train_all(list(MIXERS)[3:])

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
# Of two bars that differ by a percent or two, believe neither: one seed is one throw. On the puzzle **none** cannot
# leave chance: its tokens never meet (lesson 01). And the **convolution**? Can it not learn the puzzle, or not *yet*?
# 25 epochs instead of 5, recorded with three seeds:

# %%
longer = cards.recorded("seeds/convolution", cards.Seeds).runs["convolution"]
training_curves(
    {f"seed {run.seed}": run.history for run in longer},
    keys=("val_accuracy", "loss"),
    chance=1 / 16,
    title="Convolution on the puzzle, 25 epochs",
)

# %% [markdown]
# It was slow, not unable. One suspect: the answer is a position, and the table above says who is told positions. How
# would you test that? **A network at chance is a question, not an answer.**
#
# Now compare the second panel of the bars with the third. MACs count products alone. A small network also spends time
# on transposes, softmax, LayerNorms and on starting each operation. **MACs belong to the network; seconds belong to the
# network, the machine and the code.**
#
# ### Accuracy against time

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
# The left panel says who needs fewer images, the right one who needs less of your time, on this machine. (The
# first epoch also builds the graph.)

# %% [markdown]
# ## Look inside · 8 minutes
#
# One token pointed at, the mixer switched, now after training: your seven networks.

# %% [markdown] tags=["teacher"]
# - **Ask:** Does the pattern follow the image? Does it know the position? Two columns, seven rows.
# - **Students say:** “Fourier does not know positions.” It knows all but its mirrors.
# - **Misconception:** That a zero in a chart is rounding. For attention it is exact.
# - **If late:** Only the two bars.

# %%
predict(
    "Will the gate still light one token only?",
    ["Yes", "No"],
    answer="Switch the network to *gate*.",
)

# %%
images = {f"test image {k + 1}": dataset.x_test[k] for k in range(2)}
depths = (1, len(blocks(learners["none"])))
influences = {}
for name, network in learners.items():
    print(name, end=" ", flush=True)
    # On the puzzle 1024 gradients are all there are; with 64 tokens 256 give an estimate, in a quarter of the time.
    some = {"gradients": 1024 if PROFILE == "quick" else 256}
    influences[name] = np.stack(
        [[analysis.influence(network, image, k, **some) for k in depths] for image in images.values()]
    )
influence_explorer_from_arrays(influences, images, depths, analysis.token_grid(learners["none"]))

# %% [markdown]
# ### Who looks at the image, who knows the position?
#
# Two questions to the *first* block of each:
#
# 1. Take two images. What share of a token's influence comes from other positions in the second than in the first?
# 2. Shuffle the tokens. If the output is the same, only shuffled, the block does not know where a token is. (The
#    difference is a share of the output's standard deviation.)

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
n, d = blocks(learners["none"])[0].input.shape[1:]
x, order = rng.normal(size=(8, n, d)).astype("float32"), rng.permutation(n)
bar_chart(
    {
        name: {
            "influence that moves elsewhere": follows_the_image(influences[name][:, 0]),
            "difference after a shuffle": knows_the_position(blocks(network)[0], x, order),
        }
        for name, network in learners.items()
    },
    texts={
        "influence that moves elsewhere": lambda share: f"{100 * share:.1f} %",
        "difference after a shuffle": lambda share: f"{100 * share:.1f} %",
    },
)

# %% [markdown]
# Left: attention computes its weights from each image. Those of MLP, Fourier, gate and convolution are the same for
# every image; what moves there is the work of LayerNorm, GELU and the gate's product.
#
# Right: for both kinds of attention, and for none, a shuffle changes nothing but rounding. MLP and gate have weights
# that belong to positions, a convolution's belong to steps (one up, one to the left). Fourier knows all but its mirrors
# (lesson 02).
#
# ### Photographs: the recorded networks
#
# Trained on CIFAR-100 for 8 epochs, one recipe, one seed:

# %%
show.table(
    [
        {
            "mixer": name,
            "parameters": run.model.parameters,
            "MACs": run.model.macs,
            "test accuracy": show.percent(run.test.top1),
        }
        for name, paper in MIXERS.items()
        for run in tables.course_runs(paper)
        if run.recipe.label == "muon_short"
    ]
)

# %% [markdown]
# What do they get wrong? Here are the twelve mistakes of which one network was surest, and what it mixes up most. (The
# test images cannot be shipped: this runs where CIFAR-100 is.)

# %%
WHICH = "mixer_course"  # any of trained_names()

if session.has_data("cifar100") or dataset.name == "cifar100":
    cifar = load_dataset("cifar100")
    answers = {}
    for name in trained_names():
        print(name, end=" ", flush=True)
        logits = load_trained(name).predict(cifar.x_test.astype("float32"), batch_size=250, verbose=0)
        answers[name] = ops.convert_to_numpy(ops.softmax(logits))
    sure, said = answers[WHICH].max(axis=1), answers[WHICH].argmax(axis=1)
    worst = np.flatnonzero(said != cifar.y_test)
    worst = worst[sure[worst].argsort()[::-1][:12]]
    tiles = [
        figures.with_title(
            figures.enlarge(cifar.x_test[k], 4),
            cifar.class_names[cifar.y_test[k]],
            f"says {cifar.class_names[said[k]]}, {100 * sure[k]:.0f} %",
        )
        for k in worst
    ]
    for row in (tiles[:6], tiles[6:]):
        display(show.image(figures.beside(row), "Test images, their class, and what the network says instead."))
    names = cifar.class_names
    found = analysis.confusions(said, cifar.y_test)[:6]
    display(show.table([{"is": names[a], "says": names[b], "of 100 images": times} for a, b, times in found]))
    checked = {name: analysis.calibration(shares, cifar.y_test)[:2] for name, shares in answers.items()}
    panel = {name: (100 * confident, right) for name, (confident, right) in checked.items()}
    panel["as sure as right"] = ((0, 100), (0, 1))
    display(line_chart({"how sure it is (%)": panel}, "how often it is right (%)", markers=True))
else:
    print("CIFAR-100 is not on this machine: with COURSE_DATA, or in Colab with a GPU, this cell shows the mistakes.")

# %% [markdown]
# In the last chart (*calibration*: Guo et al. 2017, [arXiv 1706.04599](https://arxiv.org/abs/1706.04599)) a network
# below the diagonal is too sure.

# %% [markdown]
# ## Take it apart · 2 minutes
#
# ### Fewer training images
#
# "Transformers need much data." Do they? An eighth of the puzzles, 1,000, in as many *steps* as three epochs have with
# all 8,000; three seeds, recorded.

# %% [markdown] tags=["teacher"]
# - **Ask:** Which suffers more with few images? Who says “attention” should say why.
# - **Students say:** “Transformers need much data.” Not for this task.
# - **Misconception:** That a high training accuracy is a good sign. Compare the two panels.
# - **If late:** Only the table.

# %%
predict(
    "Which suffers more when images become few?",
    ["The MLP", "Attention"],
)

# %%
few = cards.recorded("seeds/few_images", cards.Seeds).runs
line_chart(
    {
        f"epoch ({part})": {
            name: (range(1, 28), np.mean([run.history[key] for run in found], axis=0)) for name, found in few.items()
        }
        for part, key in (("training", "accuracy"), ("validation", "val_accuracy"))
    },
    "accuracy (%)",
    chance=1 / 16,
    title="1,000 puzzles to learn from, mean of three seeds",
    order=list(MIXERS),
)

# %%
show.table(tables.seeds("few_images"))

# %% [markdown]
# Where the training accuracy is near 100 % and the other one is not, images were learned by heart: too little data.
# Where both are low, the network was still learning. (`dataset.subset(train=1000)` gives you few of your own.)
#
# With an eighth of the puzzles, attention solves more of them than the MLP. <!-- claim: attention_needs_fewer --> A
# likely reason: it compares by one rule for all positions, and the puzzle asks for just that. **Every mixer brings an
# assumption. With little data you see whether it fits.** In photographs what is near belongs together: a convolution
# assumes just that, and leads after 8 epochs. Attention has to learn it from many images (ViT paper, section 1).

# %% [markdown]
# ## The bug hunt: what a test must see · lab · 12 minutes
#
# The keras.io example on ViT for small data sets was published with these accuracies on CIFAR-100. When its code was
# run again on a newer Keras, this came out:

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
# One cause lay below the example: a layer of Keras gave the right output and a wrong gradient. In a small test on
# CIFAR-10 we put it in and took it out (one run each, from before this course kept result cards):

# %%
bar_chart(
    {
        "Keras 3.0.1, as it was": {"validation accuracy on CIFAR-10": 32},
        "Keras 3.0.1, gradient mended": {"validation accuracy on CIFAR-10": 46},
        "Keras 3.15, as it is": {"validation accuracy on CIFAR-10": 44},
        "Keras 3.15, old gradient put in": {"validation accuracy on CIFAR-10": 32},
    },
    texts={"validation accuracy on CIFAR-10": "{} %".format},
)

# %% [markdown]
# There it cost a dozen points. (How much of the 53 → 11 is its doing, we did not measure.) Our smallest ViT does not
# show it: after four epochs of CIFAR-100 the two gradients are within two
# points. <!-- claim: old_gradient_is_not_seen --> Here are the LayerNorms of two versions of Keras. One is wrong.

# %% tags=["nbval-check-output"]
tokens = np.random.default_rng(0).normal(size=(2, 9, 8)).astype("float32")  # (b, n, d)
outputs = [ops.convert_to_numpy(make(epsilon=1e-6)(tokens)) for make in LAYER_NORMS.values()]
print("the outputs agree:", np.allclose(*outputs, atol=1e-5))

# %% [markdown]
# Outputs say nothing. Training uses the *gradient*.
#
# ### 0 · The slope, by trying
#
# By how much does a number change when $x$ moves a little? Move it, and look. `value` is any function from $x$ to a
# number.


# %% exercise="finite_difference"
def finite_difference(value, x):
    """A function and a point (d,) -> the gradient there, (d,)."""
    ### BEGIN SOLUTION
    step = 1e-6
    ways = step * np.eye(len(x))
    return np.array([(value(x + way) - value(x - way)) / (2 * step) for way in ways])
    ### END SOLUTION


exercises.check_finite_difference(finite_difference)

# %%
predict(
    "The wrong one has the right output. How will its slopes be wrong?",
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
gradients = {name: selftest.input_gradient(make, x, direction) for name, make in LAYER_NORMS.items()}
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
# All by the same amount. Version B is Keras 3.0.0 to 3.0.2: in its variance, $\mathrm{mean}(x^2) - \mathrm{mean}(x)^2$,
# the second term was held fixed when the gradient was taken.
#
# Is there a test that needs no formula? LayerNorm takes out whatever is added to *all* channels alike. So the slopes
# must sum to **exactly 0**. A dense layer before the norm has a bias that starts at 0; after one step of plain SGD, the
# sum over that bias must still be 0.


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
print("Keras 3.0.0's norm passes it:  ", right_gradient(LAYER_NORMS["version B"]))

# %% [markdown]
# That is the form of every test below: a function of a *maker*. It makes the thing, asks it one question, and says True
# (right) or False (broken).
#
# ### Why not just train and look?
#
# A Mixer with one of the five bugs that you will hunt, beside the right one.

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


print("Training one more Mixer.")
with_bug = train(with_other_blocks(learners["MLP"], BrokenMixerBlock), dataset, how, monitor="none")
line_chart(
    {
        "epoch": {
            name: (np.arange(1, run.epochs + 1), run.history["val_accuracy"])
            for name, run in (("the right Mixer", runs["MLP"]), ("with a bug", with_bug))
        }
    },
    "validation accuracy (%)",
    markers=True,
    chance=1 / dataset.num_classes,
)

# %% [markdown]
# Could you tell which curve is the broken one? A test asks whether the layer does what the *paper* says. Three kinds of
# questions find nearly everything:
#
# 1. **Count**: which parameters are there, how many, which of them are trained?
# 2. **Invariance**: what must *not* change, or change in a known way, when the input is scaled, shifted or shuffled?
# 3. **Effect**: after one step, what has moved? Which number does the optimizer really use?

# %% [markdown]
# ## Your turn: five real bugs · lab · 34 minutes
#
# Each exercise names a promise from a paper, which a keras.io example broke. Write the test that tells a right layer
# from a broken one; the check runs it on several of both. `exercises.bugs.suspects` gives you a maker of each:

# %% [markdown] tags=["teacher"]
# - **Ask:** Count, invariance or effect: which question for which bug?
# - **Students say:** “I would see it in the curve.” The next cell up shows that you would not.
# - **Misconception:** That reading the code is enough. Each line looks right.
# - **If late:** Bugs 1 and 4 in class; the others at home.

# %%
right, broken = exercises.bugs.suspects("norms")
for block in (right(), broken()):
    print("output", tuple(block(tokens).shape))  # the first call makes the weights, too

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
# What should come out for $10x$, if all the rest of the block sees only $\mathrm{LN}(x)$?
# (Compare with `np.allclose(…, atol=1e-3)`.)


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
# **The promise:** $τ$ is learned. (An attribute `temperature` is there in both kinds; that proves nothing.) Ask which
# weights the layer hands to an optimizer. (Compare weights by `is` or by path: `in` compares their numbers.)


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
# `optimizer.iterations.assign(k)` says "we are at step `k`", and
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
# All five are real: 1, 2 and 5 stood in the keras.io example on the MLPs, 3 and 4 in the one on ViT for small data
# sets. Nobody was careless: each line looks right, the code runs, the loss falls.
#
# **Go on from here.** Two more stood in the one on ViT: heads each as wide as the whole token, and a position embedding
# *outside* the model. Which question finds each?

# %% [markdown]
# ## What the papers found, what we measured · 1 minute
#
# - MLP-Mixer: with enough images two MLPs come close to the best; with fewer a Mixer overfits more than a ViT.
# - FNet: 92 to 97 % of BERT's accuracy, trained 80 % faster on GPUs (abstract).
# - gMLP: gating matches Transformers on ImageNet (abstract).
# - ViT: on mid-sized data a few points below a ResNet of its size; with large data it overtakes (section 1).
# - Small data sets: SPT and LSA help a ViT that is trained on a small data set alone (abstract).
#
# **This course**, on CIFAR-100: each mixer's best recorded run, chosen on validation images. (All stand in
# `docs/results.md`.)

# %% [markdown] tags=["teacher"]
# - **Ask:** Which sentence of the five papers would you now test first? And why does the CNN no longer lead?
# - **Students say:** “The best one is …” Ask: for which task, how many images, how much time?
# - **Misconception:** That the table is a ranking.
# - **If late:** Only the three things to take home.

# %%
show.table(tables.best(), ["network", "parameters", "MACs", "epochs", "test top-1", "its keras.io example's"])

# %% [markdown]
# **Three things to take home.**
#
# 1. The mixers differ first of all in where the weights of the sum over tokens come from: fixed, learned for each
#    position, learned once for all neighbours, or computed from the image.
# 2. No mixer is best: task, images and clock decide.
# 3. A curve that rises proves that something learns. What the paper says, only a test proves.
