# %% [markdown]
# # 02 · FNet: mixing without a single parameter
#
# **27 minutes to show, 59 as a lab.** The Mixer learned how to mix its patches. FNet does not learn it at all: it takes
# a Fourier transform, two hundred years old and without parameters, and lets the rest of the network make something of
# it.
#
# After this lesson you can
#
# - say what one output of a Fourier transform knows of an image,
# - write FNet's mixing with two matrix products, and its block from memory,
# - measure what a network mistakes for what, and explain it from its mixing,
# - run the paper's ablations (learned matrices, random ones, none) and say what they show and what they do not.
#
# The paper: Lee-Thorp et al. 2021, *FNet: Mixing Tokens with Fourier Transforms*
# ([arXiv 2105.03824](https://arxiv.org/abs/2105.03824)). It is about language; here its tokens are the patches of
# lesson 01.
#
# | | symbol | in this lesson |
# |---|---|---|
# | tokens (patches) in an image | $n$ | 16 or 64 |
# | channels (width of a token) | $d$ | 64 or 128 |
# | a position in the row of tokens | $j$ | 0 to $n-1$ |
# | an output token: a frequency | $k$ | 0 to $n-1$ |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is and chooses how much of the lesson it can run: `quick`, `colab` or `full`, as in lesson 01. Write
# `setup("colab")` to choose yourself.

# %% [markdown] tags=["teacher"]
# - **Ask:** What do you still know of a Fourier transform? One sentence.
# - **Students say:** “Sound.” Good: an image is the same in two directions.
# - **Misconception:** That one needs complex numbers to follow. Cosines are enough here.
# - **If late:** Run it while you ask.

# %%
from course_utils import setup

PROFILE = setup()

# %%
import time

import numpy as np
from keras import Model, ops

from course_utils import classifier, exercises, load_dataset, recipe, session, show, train
from course_utils.data.images import photographs
from course_utils.explorers import Tabs, explore_fourier, explore_frequencies, explore_influence, predict
from course_utils.figures import line_chart
from course_utils.layers import FNetBlock, FourierMixing, LinearMixing
from course_utils.models import describe, load_trained
from course_utils.results import cards, tables

# %% [markdown]
# ## See it · 6 minutes
#
# ### An image is a sum of waves
#
# Every image of 64 × 64 pixels is a sum of 4096 waves: slow ones, with few periods from border to border, and fast
# ones. The Fourier transform says how strong each wave is.

# %% [markdown] tags=["teacher"]
# - **Ask:** How many of 4096 waves until you recognise the cat? And for *one patch*: in how many rows will it be
#   heard?
# - **Students say:** “All of them” for the cat; a few hundred do. “One row” for the patch; nearly all.
# - **Misconception:** That each output of the transform belongs to a place of the image. It belongs to a frequency
#   along the row of tokens.
# - **If late:** The frequencies explorer alone carries the idea; skip the one of `stripes`.

# %%
predict(
    (
        "How many of the 4096, the slowest ones, do you need before you recognise the image? (And which of the four "
        "images will need most?)"
    ),
    ["About 30", "A few hundred", "More than half of them"],
)

# %% [markdown]
# Move the number of waves. Try your own image too.

# %%
explore_frequencies()

# %% [markdown]
# Of a photograph, a hundred waves show what it is. The shapes need some hundreds: they stand in a grid of 4 × 4, and
# what repeats four times has hardly a wave slower than 4 periods.
#
# With all 4096 it is the image again. The transform loses nothing: it says the same thing in other words. And each of
# those words, the strength of *one* wave, is a sum over **all** pixels.
#
# ### The same with tokens
#
# FNet transforms no pixels. It has a table $x$: $n$ rows (tokens), $d$ columns (channels). It transforms along both,
# and keeps the real part. (That part alone does lose something; the residual connection brings it back.) Over the
# tokens alone, output token $k$ is a sum over all positions $j$ with the weights of a wave, $\cos(2π\,jk/n)$. The
# tokens lie in one row here, one row of patches behind the other: a wave along them is no wave across the image.

# %%
predict(
    (
        "Choose *one patch of the cat*: only one token has anything to say. The transform runs over the tokens alone."
        " In how many rows of the table will it be heard?"
    ),
    ["In one row", "In two rows", "In nearly all rows"],
    answer=(
        "Each output is a sum over *all* positions. Over the channels alone it is heard in its own row only. And "
        "*stripes*, one pure wave along the tokens: how many rows will light up?"
    ),
    right=2,
)

# %%
explore_fourier()

# %% [markdown]
# Over the channels alone, no position meets another. Over the tokens, the one patch is heard nearly everywhere: louder
# and softer, as the wave says. That is mixing, and nobody had to learn it. The stripes are the other extreme: they
# light up two rows, for a wave with 8 periods and one with $64 - 8$ have the same cosine.
#
# Attention does two things at once: it lets all tokens meet, and it decides, from what they say, who listens to whom.
# FNet keeps the first and drops the second.

# %% [markdown]
# ## Build it · 7 minutes
#
# ### The transform
#
# $$M(x) = \mathrm{Re}(F_n \, x \, F_d) \qquad (F_n)_{kj} = e^{-2πi\,jk/n}$$
#
# $F_n$ is the matrix of the transform over $n$ tokens. NumPy knows the transform; apply it to the identity matrix
# (each row is 1 at one position and 0 elsewhere), and it returns the matrix. Here it is for $n = 4$:

# %% [markdown] tags=["teacher"]
# - **Ask:** What is F F? Let them guess from the 4 × 4 matrix before running the cell.
# - **Students say:** “The identity.” Almost: mirrored. That “almost” is the rest of the lesson.
# - **Misconception:** That taking the real part twice does no harm. The cell shows that it does.
# - **If late:** Skip the sizes of values on the way; keep the mirror.


# %% tags=["nbval-check-output"]
def dft(n):
    return np.fft.fft(np.eye(n))


def printed(matrix):
    for row in np.round(matrix) + 0:
        print("  ".join(f"{value.real:+.0f}{value.imag:+.0f}i" for value in row))


printed(dft(4))

# %% [markdown]
# Row 0 is the plain sum. Row 1 is one wave along the tokens, row 2 two waves. Row 3 is row 1 with the other sign
# of $i$: the same cosine, the opposite sine.

# %%
predict(
    "What comes out if you transform twice: *F*₄ *F*₄?",
    ["The tokens as they were, but for a factor", "The tokens in another order, but for a factor", "Something new"],
    answer="The tokens come back mirrored: *j* → −*j* mod *n*, with token 0 where it was.",
    right=1,
)

# %% tags=["nbval-check-output"]
printed(dft(4) @ dft(4) / 4)

# %% [markdown]
# Ones and zeros (divided by 4: two transforms also make everything $n$ times as large). It is the tokens again,
# *mirrored*: $j → -j \bmod n$, with token 0 where it was.
#
# The layer does not multiply by $F_n$: the *fast* Fourier transform, `fft2`, gives the same numbers with less work.

# %%
show.source(FourierMixing)

# %% tags=["nbval-check-output"]
x = np.random.default_rng(0).normal(size=(1, 16, 64)).astype("float32")
mixing = FourierMixing()
fast = ops.convert_to_numpy(mixing(x))
slow = (dft(16) @ x @ dft(64)).real
twice = (dft(16) @ (x @ dft(64)).real).real

print("fft2 and the two matrices agree:         ", bool(np.abs(fast - slow).max() < 1e-3))
print("the same with a real part in between:    ", bool(np.abs(fast - twice).max() < 1e-3))
print("parameters of the layer:                 ", mixing.count_params())

# %% [markdown]
# The real part is taken *once*, at the end. Taken in between, the sines are lost that the second transform needs.
#
# ### The block
#
# $$y = \mathrm{LN}_1(x + M(x)) \qquad z = \mathrm{LN}_2(y + \mathrm{MLP}(y))$$
#
# All parameters of the block are in the MLP, which is four times as wide as a token, and in the two LayerNorms.

# %%
show.source(FNetBlock)

# %% [markdown]
# `mixing` chooses what stands in the transform's place: the paper's ablations, which come further down. In the Mixer
# the LayerNorm stood *before* each branch (pre-norm). Here it stands *after* the sum (post-norm), as in the first
# Transformers. Watch the size of the values on the way:

# %% tags=["nbval-check-output"]
block = FNetBlock(mlp_dim=256)
block.build(x.shape)
y = block.norm1(x + block.mixer(x))

for name, values in [("x", x), ("M(x)", block.mixer(x)), ("y", y), ("z", block(x))]:
    values = ops.convert_to_numpy(values)
    print(f"{name:5} shape {values.shape}, standard deviation {values.std():4.1f}")

# %% [markdown]
# What the transform adds is about $\sqrt{nd/2}$ times as large as $x$ itself: the residual nearly drowns. The LayerNorm
# brings everything back to size 1.
#
# The named configurations; *base* has the width and depth of the paper's Base model:

# %% tags=["nbval-check-output"]
for name, shape, classes in [
    ("fnet_tiny", (32, 32, 3), 16),
    ("fnet_course", (32, 32, 3), 100),
    ("fnet_base", (224, 224, 3), 1000),
]:
    network = describe(classifier(name, shape, classes))
    width, depth = network.config.embed_dim, network.config.depth
    print(f"{name:11} {network.tokens:4} tokens × {width:3}, {depth:2} blocks,", end=" ")
    print(f"{network.parameters:10,} parameters, {network.macs:14,} MACs")

# %% [markdown]
# **A question before you train.** These networks add a learned vector to each token, its *position embedding*. The
# waves of $F_n$ weigh each position differently: so is FNet not told the order already? Keep your answer.

# %% [markdown]
# ## Train it · 1 minute
#
# After each epoch we ask the network about 500 test images and keep its answers: we shall need them.

# %% [markdown] tags=["teacher"]
# - **Ask:** Why do we keep a diary of answers and not only the accuracy?
# - **Students say:** “To see mistakes.” Yes: *which* mistakes.
# - **Misconception:** That no parameters in the mixing means a small network. Its MLPs are four times as wide.
# - **If late:** Start it, and draw the mirrored order of 16 tokens on the board meanwhile.

# %%
dataset, config, how = session.lesson_plan("fnet", PROFILE)


# %%
def train_with_diary(network, data, how):
    """Trains; returns the run, and what the network said of 500 test images before it and after each epoch."""
    images, diary = data.x_test[:500].astype("float32"), []

    def note(epoch):
        diary.append(np.argmax(ops.convert_to_numpy(network(images)), axis=1))

    return train(network, data, how, after_epoch=note), diary


model = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
run, diary = train_with_diary(model, dataset, how)

# %%
show.samples(dataset, model=model)

# %% [markdown]
# ## Look inside · 4 minutes
#
# ### Who moves whom?
#
# The influence, as in lesson 01 (the norm of the token Jacobian): if input token $j$ changes a little, how much does
# output token $i$ change?

# %% [markdown] tags=["teacher"]
# - **Ask:** Where is the X from? One arm is F F; who finds the other?
# - **Students say:** “The diagonal is the residual.” Not here: the transform is far larger than x.
# - **Misconception:** That a network which is wrong is wrong at random. For a while most mistakes are the mirrored
#   position.
# - **If late:** Go straight to the mistakes: they are the lesson's best figure.

# %%
predict(
    "Up to block 1, before training: which input tokens move output token 5 most?",
    ["Token 5 itself", "Its neighbours", "All nearly alike"],
    answer="To a Fourier transform no token is nearer than another. And up to block 2, after two transforms?",
    right=2,
)

# %%
before = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
unmixed = classifier(config, dataset.input_shape, dataset.num_classes, seed=0, token_mixing="none")
Tabs(
    {
        "your network": explore_influence(
            {"FNet, before training": before, "FNet, after training": model, "no mixing": unmixed},
            {"a test image": dataset.x_test[0]},
            depths=[1, 2],
        ),
        "the recorded one": explore_influence(
            {"on photographs": load_trained("fnet_course")}, {"a cat": photographs(32)["cat"]}
        ),
    }
)

# %% [markdown]
# Before training, up to block 1, everybody moves everybody, within a row nearly equally: no token is nearer. One *row*
# is darker: token 0 holds the plain sum, and that is so large that after the LayerNorm a small change hardly counts.
#
# Up to block 2 you see an **X**: each token is moved most by itself and by its mirror image, token $-i \bmod n$. One
# arm you have met: it is $F_n F_n$, the mirror. The other is the work of the real part: of what two transforms bring
# back, half is mirrored and half as it was, $M(M(x)) = \frac{nd}{2}(x + \text{mirrored } x)$. On the puzzle, training
# makes the X paler. <!-- claim: x_turns_pale -->
#
# The recorded FNet, under the other tab, has learned CIFAR-100 for 8 epochs. Which of its blocks keep their X?
#
# ### What does it mistake for what?
#
# On the puzzle of lesson 01 (sixteen shapes, one in another colour; the class is where it lies) we sort the answers
# after each epoch into three kinds: right, *the mirrored position* ($-j \bmod 16$ instead of $j$), any other.

# %%
predict(
    (
        "If the network merely guessed whenever it is wrong, the mirrored position would get 1 in 15 of its mistakes."
        " How many will it get?"
    ),
    ["About 1 in 15", "About half", "Nearly all"],
)

# %%
puzzle = load_dataset("shapes")
if dataset.name == puzzle.name:
    solved = run
else:
    solver = classifier("fnet", puzzle.input_shape, puzzle.num_classes, seed=0)
    solved, diary = train_with_diary(solver, puzzle, recipe("quick", epochs=7))


def sorted_answers(diary):
    """{kind of answer: (epochs, share of the test images)} for `line_chart`."""
    said, positions = np.array(diary), puzzle.y_test[:500]
    right = (said == positions).mean(axis=1)
    mirrored = ((said == -positions % 16) & (said != positions)).mean(axis=1)
    epochs = np.arange(len(said))
    return {
        "right": (epochs, right),
        "the mirrored position": (epochs, mirrored),
        "any other position": (epochs, 1 - right - mirrored),
    }


line_chart({"epoch": sorted_answers(diary)}, "answers to 500 test images (%)", markers=True)

# %% [markdown]
# For a while *most* mistakes are the mirrored position: the odd shape is found, but not on which side of the row it
# lies. Then the network learns that, too. <!-- claim: mirror_mistakes -->
#
# Why? A token at position $j$ gives to row $k$ of $M(x)$ exactly what the same token at position $n - j$ gives to row
# $n - k$: the same rows, in another order. What tells the two apart has to come from somewhere else.

# %% [markdown]
# ## Take it apart · 6 minutes
#
# ### Without positions
#
# Does FNet need to be told where a token is? Put the tokens of an image into the mirrored order, and compare what
# arrives at the end of an untrained network, with positions and without.

# %% [markdown] tags=["teacher"]
# - **Ask:** Rank Fourier, learned, random, none before the table fills. Who changes their order after each row?
# - **Students say:** “Random cannot work.” On this puzzle it gets most of it: the MLPs do the rest.
# - **Misconception:** That an ablation on one task is a finding about the idea. Compare with the paper's numbers on
#   language.
# - **If late:** Keep positions on and off; run only `none` of the ablations; skip the timing.

# %% tags=["nbval-check-output"]
order = -np.arange(16) % 16
print("mirrored order:", order.tolist())
tokens = np.random.default_rng(1).normal(size=(8, 16, 64)).astype("float32")
for positions in (True, False):
    network = classifier("fnet", puzzle.input_shape, 16, seed=0, position_embedding=positions)
    end = Model(network.get_layer("patch_embedding").output, network.get_layer("pool").output)
    plain, mirrored = (ops.convert_to_numpy(end(given)) for given in (tokens, tokens[:, order]))
    difference = np.abs(plain - mirrored).max()
    print(f"positions {'on: ' if positions else 'off:'} the same answer for both orders:", bool(difference < 1e-4))

# %% [markdown]
# Without positions the two are *exactly* alike to the network, whatever it learns. Mirror the tokens, and the transform
# comes out mirrored, too: the same table, its rows in another order. The MLP treats all rows alike, and the mean at the
# end asks for no order. The same holds for each order $j → u·j \bmod n$ with $u·u = 1 \bmod n$:

# %% tags=["nbval-check-output"]
units = [u for u in range(16) if u * u % 16 == 1]
alike = {tuple(sorted({u * j % 16 for u in units})) for j in range(16)}
print("orders that look alike for n = 16: u =", units)
print("positions that look alike:", *sorted(alike))
print(f"right answers at best: {len(alike)} of 16 = {100 * len(alike) / 16} %")

# %% [markdown]
# In each group at best one position is answered right. 20 epochs with three seeds, recorded:

# %%
placed = cards.recorded("seeds/fnet_positions", cards.Seeds).runs
curves = {name: np.mean([run.history["val_accuracy"] for run in found], axis=0) for name, found in placed.items()}
curves["the best it could do without: 7 of 16"] = np.full(20, 7 / 16)
line_chart(
    {"epoch": {name: (range(1, 21), curve) for name, curve in curves.items()}},
    "validation accuracy (%)",
    chance=1 / 16,
    title="Mean of three seeds",
)

# %% [markdown]
# So the transform knows the order of the tokens, but cannot tell it from its mirror image. The paper keeps BERT's
# position embedding, and reports that FNet does as well *without* it, since the transform encodes positions (section
# 3.2). On language, that is. Where the answer is a position, you saw the mirror.
#
# ### Must it be Fourier?
#
# The paper's own *ablations* (a part replaced, or removed). Replace $F_n$ and $F_d$ by two matrices of real numbers
# that are *learned*, or that stay as *random* as they were drawn; or take the mixing out, so that only the MLP is left.

# %%
predict(
    "Which of the four will come last? Choose, then fill the table: run the cells one at a time.",
    ["Fourier", "Learned matrices", "Random matrices", "None, only the MLP"],
    answer="Without mixing no token hears of another. And the order of the other three?",
    right=3,
)

# %%
MIXINGS = {
    "fourier": "Fourier",
    "linear": "learned matrices",
    "random": "random matrices",
    "none": "none, only the MLP",
}
runs = {"fourier": solved}


def ablate(mixing):
    """Trains FNet with another mixing, for fewer epochs than before, and returns the table as far as it is filled."""
    network = classifier("fnet", puzzle.input_shape, puzzle.num_classes, seed=0, token_mixing=mixing)
    runs[mixing] = train(network, puzzle, recipe("quick", epochs=3))
    return ablation_table()


def ablation_table():
    rows = []
    for mixing, name in MIXINGS.items():
        rows.append({"mixing": name})
        if mixing in runs:
            result = runs[mixing]
            rows[-1] |= {
                "parameters": result.model.parameters,
                "MACs": result.model.macs,
                "epochs": result.epochs,
                "test accuracy": show.percent(result.test.top1),
            }
    return show.table(rows)


ablation_table()

# %%
ablate("linear")

# %%
ablate("random")

# %%
ablate("none")

# %% [markdown]
# Without mixing the network stays at chance, 1 in 16. With any of the three mixings it learns most of the puzzle, even
# with *random* matrices. <!-- claim: any_mixing_will_do -->
#
# Nothing about waves is special here: it is enough that the outputs hear all positions in many different ways; the MLPs
# do the rest. (The table sets 7 epochs beside 3, and counts the random matrices as parameters, though they never
# learn.) On language the paper found learned matrices and Fourier alike, and random ones far behind. Are they behind
# here, too, or only slower? Give them 7 epochs. An ablation is no better than its task, and its patience.
#
# ### What does it cost?
#
# The table counts no MACs for the transform, which has no dense layer. It is not free: it grows with $n \log n$, a
# matrix over the tokens with $n^2$.

# %%
predict(
    "From which *n* on will the transform win on your machine?",
    ["From 16 on", "From a few hundred on", "Never"],
)


# %%
def milliseconds(layer, n, d=64):
    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(1, n, d)).astype("float32"))
    times = []
    for _ in range(6):  # the first one prepares; the fastest is the least disturbed
        start = time.perf_counter()
        ops.convert_to_numpy(layer(x))
        times.append(1000 * (time.perf_counter() - start))
    print(".", end="", flush=True)
    return min(times[1:])


lengths = [16, 64, 256, 1024, 4096]
fourier, matrices = ([milliseconds(mixing(), n) for n in lengths] for mixing in (FourierMixing, LinearMixing))
line_chart(
    {"tokens n": {"two matrices": (lengths, np.divide(matrices, fourier)), "the transform": (lengths, [1] * 5)}},
    "how many times as long",
    x_scale="log",
    markers=True,
)

# %% [markdown]
# Above the line at 1 the transform wins. An image here has 16 or 64 patches; a long text has thousands of words. For
# which of them does FNet save time?

# %% [markdown]
# ## Your turn · lab · 32 minutes
#
# Write the missing line, run the cell, read what the check says. A solution unfolds below.
#
# ### 1 · The matrix of the transform
#
# Entry $(k, j)$ is $e^{-2πi\,jk/n}$; count from 0. `np.outer(a, b)` multiplies each with each.
# (Without `np.fft`, this time.)

# %% [markdown] tags=["teacher"]
# - **Ask:** Exercise 5: which order does FNet not see? Try before you compute.
# - **Students say:** “n − 1 … 0.” Off by one: token 0 stays.
# - **Misconception:** That a test for linearity may use one input. Nine layers say no.
# - **If late:** 2 and 5 in class; 1, 3, 4 at home.


# %% exercise="dft_matrix"
def dft_matrix(n):
    """n -> complex NumPy array (n, n)."""
    ### BEGIN SOLUTION
    positions = np.arange(n)
    return np.exp(-2j * np.pi * np.outer(positions, positions) / n)
    ### END SOLUTION


exercises.check_dft_matrix(dft_matrix)

# %% [markdown]
# ### 2 · FNet's mixing in one line
#
# Two products and one real part. `F_n` is `(n, n)`, `F_d` is `(d, d)`.


# %% exercise="fourier_mixing"
def fourier_mixing(x, F_n, F_d):
    """(b, n, d) -> (b, n, d), NumPy arrays."""
    ### BEGIN SOLUTION
    return (F_n @ x @ F_d).real
    ### END SOLUTION


exercises.check_fourier_mixing(fourier_mixing)

# %% [markdown]
# ### 3 · The whole block
#
# `mixing`, `norm1`, `mlp` and `norm2` take tokens and give tokens. Mind where the norms stand.


# %% exercise="fnet_block"
def fnet_block(x, mixing, norm1, mlp, norm2):
    """(b, n, d) -> (b, n, d), NumPy arrays."""
    ### BEGIN SOLUTION
    y = norm1(x + mixing(x))
    return norm2(y + mlp(y))
    ### END SOLUTION


exercises.check_fnet_block(fnet_block)

# %% [markdown]
# ### 4 · Write a test: is it linear?
#
# FNet's mixing is linear, and so nothing but the MLPs and LayerNorms can *decide* anything. A layer is linear if it
# keeps sums and multiples. `layer` takes tokens and gives tokens; `x` and `y` are two tables to try it on. Return True
# or False. The check tries your test on nine layers; many easy shortcuts are fooled.


# %% exercise="is_linear"
def is_linear(layer, x, y):
    ### BEGIN SOLUTION
    whole = layer(2 * x - 3 * y)
    parts = 2 * layer(x) - 3 * layer(y)
    return bool(np.allclose(whole, parts, atol=1e-4))  # float32: equal up to rounding
    ### END SOLUTION


exercises.check_is_linear(is_linear)

# %% [markdown]
# ### 5 · What FNet cannot see
#
# Return an order of `n` tokens, other than `0, 1, 2, …`, that FNet without positions cannot tell from the plain one.
# (Turning the whole row around, `n - 1, …, 1, 0`, is not quite it. Try!)


# %% exercise="unseen_order"
def unseen_order(n):
    """n -> the numbers 0 to n - 1, each once: position i gets token order[i]."""
    ### BEGIN SOLUTION
    return -np.arange(n) % n
    ### END SOLUTION


exercises.check_unseen_order(unseen_order)

# %% [markdown]
# **Go on from here.** Switch the transform over the channels off and train:
#
# ```python
# from course_utils.models import blocks
# network = classifier("fnet", puzzle.input_shape, puzzle.num_classes, seed=0)
# for block in blocks(network):
#     block.mixer.channels = False
# _, cosines_diary = train_with_diary(network, puzzle, solved.recipe)
# line_chart({"epoch": sorted_answers(cosines_diary)}, "answers to 500 test images (%)", markers=True)
# ```
#
# The position embedding is still there. Where does the accuracy on the puzzle stop, and what share of the mistakes is
# the mirrored position? (What is left of $M(x)$ holds cosines alone. If mirrored positions look alike, 9 of 16 are
# right at best.)

# %% [markdown]
# ## What the paper found, what we measured · 2 minutes
#
# **The paper** is about language. On the GLUE benchmark (table 2, average score) BERT-Base reaches 83.3, the same
# network with learned matrices 77.0, FNet 76.7, random matrices 56.6, no mixing 49.3. FNet reaches 92 to 97 % of
# BERT's accuracy and trains 80 % faster on GPUs at 512 tokens (abstract).
#
# **What came next.** For images, GFNet ([2107.00645](https://arxiv.org/abs/2107.00645)) transforms rows *and* columns
# of patches, multiplies each frequency by a learned number, and transforms back: a wave across the image, at last.
#
# **This course**, from recorded runs on CIFAR-100. (The
# [keras.io example](https://keras.io/examples/vision/mlp_image_classification/) has an FNet, too; `docs/results.md`
# compares.)

# %% [markdown] tags=["teacher"]
# - **Ask:** The paper is about language. What would you have to measure before you say the same about images?
# - **Students say:** “92 to 97 % accuracy.” Of BERT's, not accuracy.
# - **Misconception:** The words *of BERT's* get lost: say them twice.
# - **If late:** Only the three things to take home.

# %%
show.table([row for row in tables.measured("fnet") if row["data"] == "cifar100" and "recipe" in row])

# %% [markdown]
# **Three things to take home.**
#
# 1. Mixing needs no parameters: each output of the transform is a sum over all tokens, and the MLPs learn what to make
#    of it.
# 2. An ablation says as much as its task can tell: here random matrices were good enough, on language they are not.
# 3. A mixer has its own blind spots. Fourier's is the mirror: without positions, FNet cannot tell token $j$ from
#    token $-j \bmod n$.
