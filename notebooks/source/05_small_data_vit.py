# %% [markdown]
# # 05 · ViT for small data sets: see further, and look away from yourself
#
# **27 minutes to show, 59 as a lab.** A ViT must learn from images what a convolution
# is born with: that neighbouring pixels belong together. With few images it learns that badly. This paper helps it
# twice: its tokens see beyond their patch, and its attention looks sharply, and not at itself.
#
# After this lesson you can
#
# - say which pixels one token sees through shifted patches, and which it does not see,
# - write the paper's tokenization and its attention weights yourself,
# - read one row of attention: its temperature, its mask, its entropy,
# - take two ideas apart, one at a time and together, and not be fooled by one lucky seed.
#
# The paper: Lee, Lee and Song 2021, *Vision Transformer for Small-Size Datasets*
# ([arXiv 2112.13492](https://arxiv.org/abs/2112.13492)).
#
# | | symbol | in this lesson |
# |---|---|---|
# | tokens (patches) in an image | $n$ | 16 or 64 |
# | channels (width of a token) | $d$ | 64 or 128 |
# | side of a patch, in pixels | $p$ | 8 or 4 |
# | channels of one attention head | $d_h$ (`head_dim`) | 16 or 32 |
# | temperature of a head | $τ$ | starts at √$d_h$ |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is and how much of the lesson it can run: `quick` (images made by the course, two CPU cores), `colab`
# (CIFAR-100 on one GPU) or `full`. Write `setup("colab")` to choose yourself.

# %% [markdown] tags=["teacher"]
# - **Ask:** What does a convolution know before it has seen a single image?
# - **Students say:** “Edges.” It knows that neighbours belong together; edges are learned.
# - **Misconception:** That few data means few epochs.
# - **If late:** Run it while you ask.

# %%
from course_utils import setup

PROFILE = setup()

# %%
import keras
import numpy as np
from keras import ops

from course_utils import analysis, classifier, exercises, figures, load_dataset, session, show, train
from course_utils.data.images import photographs
from course_utils.explorers import Tabs, explore_shift, explore_temperature, predict
from course_utils.figures import line_chart, training_curves
from course_utils.layers import LocalitySelfAttention, SelfAttention, ShiftedPatchTokenization
from course_utils.models import describe, load_trained
from course_utils.results import cards, tables
from course_utils.training import Recipe
from course_utils.training.augmentation import cutmix

# %% [markdown]
# ## See it · 4 minutes
#
# ### What one token sees
#
# In a plain ViT a token starts with the $p × p$ pixels of its own patch. What lies beyond the edge reaches it only
# through attention, and that must first be learned. *Shifted patch tokenization* (SPT) lets it look over the edge from
# the start: copy the image four times, move each copy along a diagonal by half a patch, stack the five images, and cut
# the stack into patches.

# %% [markdown] tags=["teacher"]
# - **Ask:** Half a patch: how many pixels does a token see? A whole patch: which neighbours are missing?
# - **Students say:** “Five times, it is five patches.” They overlap: four times.
# - **Misconception:** The direction: what moved left and up shows what lies right and down.
# - **If late:** One token in the middle, one at the border, then go on.

# %%
predict(
    "The copies move by *half* a patch. How many pixels of the image does one token then see?",
    ["As many as before", "Twice as many", "Four times as many", "Five times as many"],
    answer=(
        "The five patches overlap. And if the copies move by a *whole* patch? A copy that moved left and up: which "
        "side does it let the token see?"
    ),
    right=2,
)

# %% [markdown]
# Move the shift and the direction, and point at a token. Try one at the border too.

# %%
explore_shift()

# %% [markdown]
# - **Half a patch: four times as many**, a square of $2p × 2p$: the five patches overlap.
# - **A whole patch: five times as many**, with holes. The diagonal neighbours are seen whole, and nothing of those
#   above, below, left and right.
# - **No shift: the same patch five times.** It costs as much as SPT and sees nothing new. Remember it as a control.
# - What moved left and up shows what lies *right and down*: the image moves under the token.
#
# Half of an odd patch is rounded down. In numbers, for a token that is not at the border:

# %% tags=["nbval-check-output"]
for p in (4, 5, 8, 16):
    moved = ShiftedPatchTokenization(p, embed_dim=64).shift_pixels
    print(f"p = {p:2}: copies move by {moved}, a token sees {(p + 2 * moved) ** 2:4} pixels instead of {p * p}")

# %% [markdown]
# ### The task: which one is odd?
#
# The puzzle of this course: sixteen shapes, one in another colour; the class is *where* it is. With $p = 8$ each shape
# is one plain patch.

# %%
predict(
    (
        "Through shifted patches a token sees its own shape and parts of its neighbours. Will that help to find the "
        "odd one?"
    ),
    ["It helps: tokens compare at once", "It harms: the odd colour stands in many tokens", "Both"],
)

# %%
puzzle = load_dataset("shapes")
show.samples(puzzle)

# %% [markdown]
# It can compare before any attention: "the colour at my edge is not mine". And it may mislead: the odd colour now
# stands in up to nine tokens, so *which* of them is the odd one?

# %% [markdown]
# ## Build it · 7 minutes
#
# ### Shifted patch tokenization
#
# $$t = E · \mathrm{LN}(\mathrm{patches}([x, s_1, s_2, s_3, s_4])) + e$$
#
# $x$ is the image, $s_1 … s_4$ are its moved copies, $E$ and $e$ are a dense layer. A plain patch embedding has no
# LayerNorm, LN: so SPT changes *two* things at once.

# %% [markdown] tags=["teacher"]
# - **Ask:** Halve τ, mask the diagonal: which row is sharper? Let them order the four rows.
# - **Students say:** “The mask sharpens.” Not always: look at the fourth row.
# - **Misconception:** That a learned temperature can do something new. The queries could learn it, too.
# - **If late:** Skip the table of costs.

# %%
show.source(ShiftedPatchTokenization)

# %% [markdown]
# In `stacked` the image is padded once; each copy is a window of it. Watch the shapes on the way:

# %% tags=["nbval-check-output"]
image = puzzle.x_test[:1].astype("float32")
tokenize = ShiftedPatchTokenization(patch_size=8, embed_dim=64)
five = tokenize.stacked(image)
print("image       (b, h, w, c)    ", image.shape)
print("five images (b, h, w, 5·c)  ", tuple(five.shape))
print("patches     (b, n, 5·p·p·c) ", tuple(tokenize.patches(five).shape))
print("tokens      (b, n, d)       ", tuple(tokenize(image).shape))

# %% [markdown]
# ### Locality self-attention
#
# $$A = \mathrm{softmax}\left(\frac{\mathrm{mask}(Q K^\top)}{τ}\right)$$
#
# *Locality self-attention* (LSA) changes two things in a ViT's attention, $\mathrm{softmax}(Q K^\top / \sqrt{d_h})$:
#
# - **Temperature.** The paper finds the attention of ViTs on small data too smooth. So each head *learns* its $τ$; it
#   starts at $\sqrt{d_h}$. A low one sharpens, a high one smooths.
# - **Mask.** A token's query and its own key come from the same token, so their product tends to be large: it listens
#   to itself. The mask sets the diagonal to −∞: it must take from others. (The residual still hands it its own state.)

# %%
show.source(SelfAttention.scores, LocalitySelfAttention)

# %% [markdown]
# First the line that LSA replaces, then the whole class: `SelfAttention` of lesson 04 with other scores.
#
# Token 0 asks four tokens, itself first. Its row of $Q K^\top$ is 8, 4, 2, 0.

# %%
predict(
    "Which of the four rows has the largest *entropy* (0 bits: all from one token; 2 bits: the same from all four)?",
    ["τ = 4, diagonal open", "τ = 2, diagonal open", "τ = 4, diagonal masked", "τ = 2, diagonal masked"],
    answer="A high τ brings the shares together, and with the diagonal open there are four to share, not three.",
    right=0,
)

# %% tags=["nbval-check-output"]
scores = np.array([8.0, 4.0, 2.0, 0.0])
for diagonal in ("open", "masked"):
    for tau in (4.0, 2.0):
        row = scores / tau
        if diagonal == "masked":
            row[0] = -np.inf
        shares = np.exp(row) / np.exp(row).sum()
        written = "  ".join(f"{100 * share:3.0f} %" for share in shares)
        print(f"τ = {tau:.0f}, diagonal {diagonal:6}: {written}   entropy {analysis.entropy(shares):.2f} bits")

# %% [markdown]
# A lower $τ$ sharpens both rows. The mask need not: with $τ = 2$ what is left is smoother than before.
#
# What do the two ideas cost, in this lesson's small network?

# %% tags=["nbval-check-output"]
for name, changes in {
    "plain ViT": {"shifted_patches": False, "temperature": False, "mask_diagonal": False},
    "+ LSA": {"shifted_patches": False},
    "+ SPT": {"temperature": False, "mask_diagonal": False},
    "+ both": {},
}.items():
    network = describe(classifier("small_data_vit", (32, 32, 3), 16, **changes))
    print(f"{name:9} {network.parameters:7,} parameters, {network.macs:9,} MACs")

# %% [markdown]
# LSA adds a temperature for each of 4 heads in 2 blocks. The first layer of SPT reads five times as many numbers.
#
# One question before you train:

# %%
predict(
    "All query weights are multiplied by 2, and nothing else is changed. What happens to a head's scores?",
    ["Nothing", "They double, as if *τ* were doubled", "They double, as if *τ* were halved"],
    answer=(
        "So a learned temperature is a shorter way, not a new power. The mask is different: no weights can do that "
        "exactly."
    ),
    right=2,
)

# %% [markdown]
# ## Train it · 1 minute
#
# Both ideas together, first on the puzzle, whatever your profile. `after_epoch` notes the temperatures as they move.

# %% [markdown] tags=["teacher"]
# - **Ask:** By how much will the temperatures fall?
# - **Students say:** “To nearly nothing.” They stay within a quarter: add up the steps.
# - **Misconception:** That a parameter which exists is trained: exercise 5.
# - **If late:** Start it and go on.

# %%
solved = classifier("small_data_vit", puzzle.input_shape, puzzle.num_classes, seed=0)
noted = []
solved_run = train(
    solved, puzzle, "quick", epochs=6, after_epoch=lambda epoch: noted.append(analysis.temperatures(solved))
)

# %% [markdown]
# If you have CIFAR-100 and a GPU, now on photographs, too:

# %%
dataset, config, how = session.lesson_plan("small_data_vit", PROFILE)
if dataset.name == puzzle.name:
    model = solved
    print("That is the puzzle: the network above is yours.")
else:
    model = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
    train(model, dataset, how)

# %%
show.samples(dataset, model=model)

# %% [markdown]
# ## Look inside · 4 minutes
#
# ### Did the temperatures move?
#
# Each head started at $\sqrt{d_h} = 4$. The paper wants sharper rows, so lower temperatures.

# %% [markdown] tags=["teacher"]
# - **Ask:** Which token wins at an eighth of the temperature? What is left at eight times?
# - **Students say:** “Sharper is better.” Sharper is more decided, not more right.
# - **Misconception:** That the unmasked diagonal means something. No loss ever depended on it.
# - **If late:** The temperature explorer alone.

# %%
predict(
    "How far will they move here?",
    ["By a quarter at most", "By half", "To a tenth"],
)

# %%
taus = np.stack(noted)  # (1 + epochs, blocks, heads): the first before training
line_chart(
    {
        "epoch": {
            f"block {block + 1}, head {head + 1}": (range(len(taus)), taus[:, block, head])
            for block, head in np.ndindex(taus.shape[1:])
        }
    },
    "temperature τ of a head",
    title="The puzzle: eight heads",
)

# %% [markdown]
# They move, so they are trained (that is worth a test: exercise 5). On the puzzle they stay within a quarter of where
# they started. <!-- claim: temperatures_stay --> Why so little? A step of Adam is about as large as the learning rate,
# however large the number that it moves. How far could all steps of this run bring τ?

# %%
steps = len(puzzle.x_train) // solved_run.recipe.batch_size
reach = steps * sum(solved_run.history["learning_rate"])
print(f"{steps} steps an epoch, all learning rates added up: about {reach:.1f}, and τ starts at 4")

# %% [markdown]
# The authors' code learns $1/τ$ and multiplies: the same function, but it starts at 0.25, and there such steps are
# large. How a parameter is written decides how fast it learns.
#
# And on photographs? The course brings a network with both ideas that was trained on CIFAR-100 for 8 epochs.

# %%
predict(
    "16 heads, 64 tokens, photographs. Where did their temperatures go?",
    ["Down, as the paper wants them", "Up", "Some down, some up"],
)

# %% tags=["nbval-check-output"]
for epoch in (1, 8):
    taus = analysis.temperatures(load_trained("small_data_vit_course", epoch))
    print(f"epoch {epoch}: {(taus < 32**0.5).sum():2} of 16 below √head_dim = {32**0.5:.2f};", end=" ")
    print(f"from {taus.min():.2f} to {taus.max():.2f}")

# %% [markdown]
# Most go down at first, and then all of them *up*: this network wants smoother rows than √head_dim makes, the opposite
# of what the paper is after (section 3.2). It is one network, with one seed, another optimizer (Muon) and fewer epochs
# than the paper's. But look before you explain: a temperature that may move both ways did.
#
# ### One row, turned by hand
#
# Rows of $Q K^\top$ of your network, and of the recorded one. With *learned* and the mask on you see the attention that
# it uses. Move $τ$ down to an eighth of $\sqrt{d_h}$, then up to eight times.

# %%
predict(
    "What does a row look like at the high end?",
    ["One token takes all", "All shares come together", "It stays as it is"],
    answer=(
        "Divided by a large *τ*, all scores are nearly 0. Which token wins at the low end? Does the mask change "
        "anything?"
    ),
    right=1,
)

# %%
Tabs(
    {
        "your network": explore_temperature(solved, {"a puzzle": puzzle.x_test[0], "another": puzzle.x_test[1]}),
        "the recorded one": explore_temperature(
            load_trained("small_data_vit_course"), {"a cat": photographs(32)["cat"]}
        ),
    }
)

# %% [markdown]
# At the low end the largest score takes all: the softmax becomes a maximum. At the high end the shares come together,
# and the entropy climbs towards its limit. Opening the mask lets in each token's product with itself: no loss ever
# depended on it, so what it does to a row is chance.

# %% [markdown]
# ## Take it apart · 7 minutes
#
# ### One idea at a time
#
# Now with *small* data: 2,000 puzzles, a quarter of those above, and one recipe for all: LSA without SPT, SPT without
# LSA, both, neither. The control is **SPT with shift 0**: the LayerNorm, the parameters and five patches, but all five
# the same. You train the plain ViT and SPT; all of them come further down, from recorded runs.

# %% [markdown] tags=["teacher"]
# - **Ask:** Would another seed give the same table? Vote.
# - **Students say:** “SPT is worse.” In the first column. Open the table of seeds.
# - **Misconception:** That the control is unnecessary. Without it you cannot tell the shift from the LayerNorm.
# - **If late:** Do not train: read the table of seeds and the maps of mistakes in the stored notebook.

# %%
predict(
    "Which will end highest?",
    ["The plain ViT", "LSA", "SPT", "SPT and LSA"],
    answer=(
        "Keep your choice in mind, and compare. And the control: do the *shifts* help, or the LayerNorm and the "
        "additional parameters?"
    ),
)

# %%
PLAIN = {"shifted_patches": False, "temperature": False, "mask_diagonal": False}
LSA = {"shifted_patches": False}
SPT = {"temperature": False, "mask_diagonal": False}
BOTH = {}
small = puzzle.subset(train=2000, validation=500, test=1000)
brief = Recipe(epochs=6, batch_size=32, learning_rate=5e-3)


def trained(changes, data=small, size="small_data_vit", schedule=brief, seed=0):
    """Returns a network and its run."""
    network = classifier(size, data.input_shape, data.num_classes, seed=seed, **changes)
    return network, train(network, data, schedule, seed=seed, monitor="none")


results = {}
for name, changes in {"plain ViT": PLAIN, "SPT": SPT}.items():
    print(f"{name:9}", end=" ", flush=True)
    results[name] = trained(changes)
    print(f"test accuracy {show.percent(results[name][1].test.top1)}")

# %%
training_curves(
    {name: result.history for name, (_, result) in results.items()},
    keys=("loss", "val_accuracy"),
    chance=1 / small.num_classes,
    title="2,000 puzzles to learn from, one seed",
)

# %% [markdown]
# Which leaves chance first? Which ends higher? Write it down, before you see other seeds. (`trained(LSA)` and
# `trained(BOTH)` give the other two; with a GPU, `trained(SPT, dataset, config, how)` learns from photographs.)
#
# ### How much of it is luck?

# %%
predict(
    "Would another seed give the same table?",
    ["Yes, nearly", "Another order, but the same winner", "Another winner"],
)

# %% [markdown]
# The same experiment with seeds 0, 1 and 2, with the control and each half of LSA: test accuracy, from recorded runs.

# %%
show.table(tables.seeds("spt_and_lsa"))

# %% [markdown]
# The first column alone would have told you that SPT halves the accuracy. In the second SPT is far ahead. In the third
# hardly anything has started. **With so few images and steps a network starts early, late or never, and a single seed
# tells you which, not why.** In every column the control stays at chance: the LayerNorm and the parameters alone do not
# help, the *shifts* do. And no network with SPT gets beyond 60 % here.
#
# Run `trained(PLAIN, seed=3)` and begin a new column. Then give `brief` 16 epochs: which differences are left?
#
# ### Where is SPT wrong?

# %%
predict(
    "A token of SPT sees part of each neighbour. Where will its wrong answers lie?",
    ["Anywhere", "Next to the right cell", "In the same row"],
)


# %%
def where_wrong(network):
    """Counts wrong answers by how many rows and columns they lie from the right cell, in the middle of (7, 7)."""
    said = np.argmax(network.predict(small.x_test.astype("float32"), batch_size=500, verbose=0), axis=1)
    rows, columns = np.stack(np.divmod(said, 4)) - np.stack(np.divmod(small.y_test, 4))
    counts = np.zeros((7, 7), int)
    np.add.at(counts, (3 + rows, 3 + columns), 1)
    counts[3, 3] = 0  # the right answers
    return counts


wrongs = {}
for name, (network, _) in results.items():
    wrong = wrongs[name] = where_wrong(network)
    near, total = wrong[2:5, 2:5].sum(), wrong.sum()
    print(f"{name}: {total} of 1000 wrong, {near} of them in a cell next to the right one")
high = max(wrong.max() for wrong in wrongs.values())  # one colour scale for both
tiles = [
    figures.with_title(figures.enlarge(figures.sequential(wrong, high), 25), name, f"{wrong.sum()} wrong answers")
    for name, wrong in wrongs.items()
]
show.image(figures.beside(tiles), "Where the wrong answers lie, seen from the right cell, which is in the middle.")

# %% [markdown]
# In each map the middle stands for the right cell, and bright is where the wrong answers lie, seen from there. SPT's
# wrong answers lie next to the right cell more often than by guessing, which would put 35 % there.
# <!-- claim: wrong_by_one_cell -->
# The odd colour stands in the tokens all around it. Is that the reason? How would you test it?
#
# ### The other way: more out of the same images
#
# With few images one may also change the images. *CutMix* pastes a window of another image into each, and mixes the
# labels by the share of pixels (Yun et al. 2019, [arXiv 1905.04899](https://arxiv.org/abs/1905.04899)); MixUp averages
# two whole images and their labels:

# %%
names, photos = zip(*photographs(112).items(), strict=True)
mixed, labels = cutmix(np.stack(photos), np.eye(3, dtype="float32"), np.random.default_rng(5))
tiles = [figures.with_title(image, name) for name, image in zip(names, photos, strict=True)]
for image, label in zip(mixed, labels, strict=True):
    shares = " + ".join(f"{100 * label[k]:.0f} % {names[k]}" for k in np.flatnonzero(label))
    tiles.append(figures.with_title(image, "mixed", shares))
show.image(figures.beside(tiles), "Three photographs, and the same with windows of each other pasted in.")

# %%
predict(
    "A Mixer on CIFAR-100. Half of its training batches are now mixed. What happens to its *training* accuracy?",
    ["It rises", "It stays", "It is below the validation accuracy for longer"],
    answer="The images that it is trained on are harder than those that it is asked. And the validation accuracy?",
    right=2,
)

# %%
plain_run = cards.recorded("mixer_course_cifar100_long")
mixing_run = cards.recorded("mixer_course_cifar100_course")
curves = {"flip and crop": plain_run, "flip, crop, MixUp, CutMix": mixing_run}
line_chart(
    {
        f"epoch ({name})": {
            "training": (range(1, run.epochs + 1), run.history["accuracy"]),
            "validation": (range(1, run.epochs + 1), run.history["val_accuracy"]),
        }
        for name, run in curves.items()
    },
    "accuracy (%)",
    title="The same Mixer on CIFAR-100, recorded runs",
)

# %% [markdown]
# Left, the curves part: at the end 20 points lie between them. The network learns its images by heart: that is
# *overfitting*. Right, the training accuracy is *below* the validation accuracy for the first 23 epochs, and the
# network ends higher, at 54 instead of 50 %. (It had 50 epochs instead of 30; after 30 it is ahead already.)

# %% [markdown]
# ## Your turn · lab · 32 minutes
#
# Write the missing lines, run the cell, read what the check says. A solution unfolds below.
#
# ### 1 · Move an image left and up
#
# By `s` pixels each; zeros move in. Careful with `s = 0`.

# %% [markdown] tags=["teacher"]
# - **Ask:** Exercise 1 with s = 0: what does `x[:-0]` give?
# - **Students say:** “My shift goes the wrong way.” Draw one pixel.
# - **Misconception:** That entropy needs no care with 0 · log 0.
# - **If late:** 1 and 3 in class, 5 for the strong ones.


# %% exercise="left_up"
def left_up(images, s):
    """(b, h, w, c) -> (b, h, w, c), NumPy arrays."""
    ### BEGIN SOLUTION
    moved = np.zeros_like(images)
    h, w = images.shape[1:3]
    moved[:, : h - s, : w - s] = images[:, s:, s:]
    return moved
    ### END SOLUTION


exercises.check_left_up(left_up)

# %% [markdown]
# ### 2 · Five images in one token
#
# `move(images, down, right)` moves images by whole pixels (negative: up and left), `patchify(images, p)` cuts
# `(b, h, w, c)` into `(b, n, p·p·c)`. The order: the image itself, then moved left up, right up, left down, right down,
# each by half a patch, rounded down. Leave LayerNorm and dense layer out.


# %% exercise="five_in_one"
def five_in_one(images, p, move, patchify):
    """(b, h, w, c) -> (b, n, 5 * p * p * c), NumPy arrays."""
    ### BEGIN SOLUTION
    s = p // 2
    copies = [move(images, down, right) for down, right in ((-s, -s), (-s, s), (s, -s), (s, s))]
    return patchify(np.concatenate([images, *copies], axis=-1), p)
    ### END SOLUTION


exercises.check_five_in_one(five_in_one)

# %% [markdown]
# ### 3 · The attention weights of LSA
#
# From $Q K^\top$ of one image and one temperature for each head to the weights $A$. What goes on the diagonal, and
# when?


# %% exercise="lsa_weights"
def lsa_weights(products, temperature):
    """(heads, n, n), (heads,) -> (heads, n, n), NumPy arrays."""
    ### BEGIN SOLUTION
    scores = products / temperature[:, None, None]
    scores = np.where(np.eye(products.shape[-1], dtype=bool), -np.inf, scores)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
    ### END SOLUTION


exercises.check_lsa_weights(lsa_weights)

# %% [markdown]
# ### 4 · How sharp is a row?
#
# Its entropy in bits, $-\sum_j a_j \log_2 a_j$. A share of 0 counts 0.


# %% exercise="entropy"
def entropy(row):
    """(n,) shares that sum to 1 -> a number."""
    ### BEGIN SOLUTION
    some = row[row > 0]
    return -(some * np.log2(some)).sum()
    ### END SOLUTION


exercises.check_entropy(entropy)

# %% [markdown]
# ### 5 · Is the temperature trained?
#
# The [keras.io example](https://keras.io/examples/vision/vit_small_ds/) on these two ideas kept its temperature in a
# variable that Keras 3 does not see. It ran, and the temperature never moved. Nothing complained.
#
# Write the test that would have: True if one training step changes `layer.temperature`. (A variable may be listed and
# still get no gradient.) The check tries it on six layers.


# %% exercise="temperature_is_trained"
def temperature_is_trained(layer, x):
    """An attention layer that was called on x (b, n, d) before -> True or False."""
    before = ops.convert_to_numpy(layer.temperature)
    ### BEGIN SOLUTION
    network = keras.Sequential([layer])
    network.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    network.train_on_batch(x, np.ones_like(x))
    return not np.array_equal(before, ops.convert_to_numpy(layer.temperature))
    ### END SOLUTION


exercises.check_temperature_is_trained(temperature_is_trained)

# %% [markdown]
# **Go on from here.** Does SPT point at the wrong cell less often with a smaller shift? Try `trained(SPT | {"shift":
# 0.25})`, with three seeds.

# %% [markdown]
# ## What the paper found, what we measured · 3 minutes
#
# **The paper.** With SPT and LSA the accuracy of its ViTs rose by 2.96 points on average on Tiny-ImageNet (abstract).
# On CIFAR-100 alone, 100 epochs with much augmentation, a ViT of 9 blocks rose from 73.81 % to 76.92 %. Its authors'
# script picks the best epoch on the test images, so both numbers are a little high.
#
# **This course.** The $2 × 2$ on photographs: all of CIFAR-100, 16 tokens, 8 epochs, three seeds.

# %% [markdown] tags=["teacher"]
# - **Ask:** The paper chose its best epoch on the test images. What does that do to the number?
# - **Students say:** “Nothing.” It can only raise it.
# - **Misconception:** That two percent between two single runs is a difference.
# - **If late:** Only the three things to take home.

# %%
predict(
    "What will SPT do?",
    ["Raise the accuracy", "Lower it", "Neither"],
    answer="Compare with the table. And LSA?",
)

# %%
show.table(tables.mean_and_deviation("spt_and_lsa_cifar100"))

# %% [markdown]
# LSA makes no difference that another seed would not make. SPT *costs* about three points, with every seed. Now as many
# tokens as the paper has, 64, again 8 epochs, but with Muon for AdamW:

# %%
show.table(tables.mean_and_deviation("spt_and_lsa_64_tokens"))

# %% [markdown]
# SPT *brings* seven points and more, with every seed. The tokens, or the recipe? You know how to test that.
#
# We also ran the paper's recipe, cut to 18 epochs: there the two networks differ by less than a point. It is not the
# paper's training: RandAugment for AutoAugment, 4 blocks of width 128 for 9 of 192, a mean pool, no drop path, τ for
# 1/τ. All runs, also beside the keras.io example, stand in `docs/results.md`.
#
# **Three things to take home.**
#
# 1. Shifted patches let a token see four times as many pixels. On the puzzle it is the *shift* that gets SPT started;
#    the LayerNorm and the parameters alone did not.
# 2. A temperature is one learned number for each head, a shorter way to what the queries could learn; the mask is a
#    constant. Test that the one is trained and the other is not.
# 3. A table of four with one seed in each cell is four anecdotes.
