# %% [markdown]
# # 04 · ViT: every patch asks every patch
#
# **37 minutes to show, 70 as a lab.** In a Mixer the weights that mix tokens are learned once and belong to positions. In a Vision
# Transformer they are made anew for every image: each patch asks all others and takes from those that answer. You will
# watch a network learn whom to ask, and then find out how much such a map explains.
#
# After this lesson you can
#
# - compute attention by hand, and say what query, key and value are for,
# - read the attention matrices of a real network: by block, by head, rolled out, and as distances,
# - say what position embeddings, a class token and a mean pool do, and count what a head of dense layers costs,
# - build other attention weights with the very same output, and test what an attention map explains.
#
# The paper: Dosovitskiy et al. 2020, *An Image is Worth 16x16 Words*
# ([arXiv 2010.11929](https://arxiv.org/abs/2010.11929)).
#
# | | symbol | in this lesson |
# |---|---|---|
# | images in a batch | $b$ | (in lesson 03, the gate's bias) |
# | tokens (patches) in an image | $n$ | 16 or 64 |
# | channels (width of a token) | $d$ | 64 or 128 |
# | heads; width of a head | $h$; $d/h$ | 4; 16 or 32 |
# | queries, keys, values of one head | $Q, K, V$ | $n × d/h$ each |
# | attention matrix of one head | $A$ | $n × n$, rows sum to 1 |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is and chooses how much of the lesson it can run: `quick` (images made by the course, two CPU cores),
# `colab` (CIFAR-100 on one GPU) or `full`. Write `setup("colab")` to choose yourself.

# %% [markdown] tags=["teacher"]
# - **Ask:** Three words: query, key, value. Who can say what each is asked for?
# - **Students say:** “Query is the input.” All three are made from the same token.
# - **Misconception:** That attention is one idea out of language only.
# - **If late:** Run it while you ask.

# %%
from course_utils import setup

PROFILE = setup()

# %%
import keras
import numpy as np
from IPython.display import display
from keras import ops

from course_utils import analysis, classifier, evaluate, exercises, figures, load_dataset, session, show, train
from course_utils.data.images import photographs
from course_utils.explorers import attention_explorer_from_arrays, explore_attention, explore_positions, predict
from course_utils.figures import attention_distances, training_curves
from course_utils.layers import PatchEmbedding, Patches, SelfAttention, TransformerBlock
from course_utils.models import PublishedError, blocks, describe, load_published, load_trained
from course_utils.results import tables

# %% [markdown]
# ## See it · 4 minutes
#
# ### Attention by hand, without a single parameter
#
# Sixteen shapes, one in another colour: in which cell? With a patch size of 8 each cell is one token.
#
# Let every token carry one thing only: its colour. Two tokens are alike if their colours point the same way away from
# the background. Let each token take from the others in proportion to $e^{\text{likeness}/τ}$. A row of such weights is
# made to sum to 1: that is a softmax, and $τ$ is called its temperature.

# %% [markdown] tags=["teacher"]
# - **Ask:** At a low temperature: whom does an ordinary cell take from, and whom does the odd one?
# - **Students say:** “The odd cell gets the attention.” By likeness it is left with itself.
# - **Misconception:** That attention needs training to compare. Nothing was learned here.
# - **If late:** Keep it whole: it is the shortest way into attention.

# %%
puzzle = load_dataset("shapes")
puzzles = {f"puzzle {k + 1}": puzzle.x_test[k] for k in range(3)}


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def likeness(image):
    """(32, 32, 3) -> (16, 16): the cosine between the colours of each two cells."""
    pixels = ops.convert_to_numpy(Patches(8)(image[None].astype("float32")))[0].reshape(16, 64, 3)
    colour = pixels.mean(axis=1) - image[0, 0]  # the corner is background
    colour /= np.linalg.norm(colour, axis=1, keepdims=True)
    return colour @ colour.T


by_hand = {
    f"τ = {tau}": np.stack([softmax(likeness(image) / tau) for image in puzzles.values()])[None, :, None]
    for tau in (2, 0.5, 0.1)  # attention matrices (1 block, 3 images, 1 head, 16, 16)
}

# %%
predict(
    "A low temperature. Whom does the odd cell take from?",
    ["From all others", "From itself", "From its neighbours"],
    answer="No other cell is like it. And an ordinary cell? What does a high temperature do to the difference?",
    right=1,
)

# %% [markdown]
# (The caption gives the *entropy* of a row $a$, $-\sum_j a_j \log_2 a_j$, which says how widely a token asks: 0 bits if
# it takes all from one token, 4 bits if it takes alike from all 16.)

# %%
attention_explorer_from_arrays(
    by_hand,
    puzzles,
    (4, 4),
    title="Tokens that ask for their own colour",
    label="Temperature",
    start={"network": "τ = 0.1"},
)

# %% [markdown]
# At a low temperature the ordinary cells attend to one another, and the odd one is left with itself. At a high one
# everybody takes from everybody. Nothing was learned: comparing is built into the operation.
#
# A real head learns three things: what a token asks for (its query $q_i$), what it answers to (its key $k_j$), and
# what it hands over (its value $v_j$). "Alike" becomes $q_i · k_j$, so a token may just as well ask for what is
# *unlike* itself. Keep that in mind.

# %% [markdown]
# ## Build it · 6 minutes
#
# $$A = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d/h}}\right) \qquad \mathrm{head} = A\,V$$
#
# The block around it is two sums again, and channel mixing is the MLP that you know:
#
# $$y = x + \mathrm{MSA}(\mathrm{LN}_1(x)) \qquad z = y + \mathrm{MLP}(\mathrm{LN}_2(y))$$
#
# MSA is $h$ heads side by side, each on its own $d/h$ channels, then one dense layer over all.

# %% [markdown] tags=["teacher"]
# - **Ask:** How large is q · k when a head is 256 wide? And what does a softmax make of that?
# - **Students say:** “The square root is a normalisation.” Ask for what size it keeps.
# - **Misconception:** That more heads cost more parameters. They cut the same matrices.
# - **If late:** Skip *Where are the parameters?*; it belongs to a discussion of fair comparisons.

# %%
show.source(SelfAttention, TransformerBlock)

# %% [markdown]
# Look for the four dense layers of `SelfAttention` in `build`, and for the formula, from the inside out: `products`,
# `scores`, `call`. `_heads` only cuts the channels into heads. A block may be given another kind of attention: lesson
# 05 does that. Here are the shapes on the way:

# %% tags=["nbval-check-output"]
block = TransformerBlock(num_heads=4, mlp_dim=128)
x = PatchEmbedding(patch_size=8, embed_dim=64)(puzzle.x_test[:1].astype("float32"))
z, A = block(x, return_attention=True)
print("tokens            x (b, n, d)   ", tuple(x.shape))
print("queries           Q (b, n, d)   ", tuple(block.attention.query(x).shape), "= 4 heads of 16 numbers")
print("attention         A (b, h, n, n)", tuple(A.shape))
print("after the block   z (b, n, d)   ", tuple(z.shape))
print("every row of A sums to 1:", bool(np.allclose(ops.convert_to_numpy(A).sum(axis=-1), 1, atol=1e-5)))

# %% [markdown]
# ### Why divide by $\sqrt{d/h}$?

# %%
predict(
    (
        "Queries and keys with numbers of size 1. A head becomes 64 times as wide, 256 instead of 4. How much larger "
        "does $q · k$ become?"
    ),
    ["As large as before", "8 times", "64 times"],
    answer=(
        r"A sum of $m$ independent products grows with $\sqrt{m}$. And what does the softmax make of that, over 16 "
        "tokens?"
    ),
    right=1,
)

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
print("width   size of q·k   largest weight in a row: as it is   divided")
for width in (4, 16, 64, 256):
    Q, K = rng.normal(size=(2, 2000, 16, width))
    products = Q @ K.transpose(0, 2, 1)
    largest = [softmax(scores).max(axis=-1).mean() for scores in (products, products / np.sqrt(width))]
    print(f"{width:5} {products.std():11.1f} {largest[0]:37.2f} {largest[1]:9.2f}")

# %% [markdown]
# The products grow like the square root of the width, and the wider the head, the more one token would take all from
# the start. Divided, a head begins undecided, whatever its width.
#
# ### Where are the parameters?
#
# After the blocks, $n$ tokens must become one answer. The
# [keras.io example on ViT](https://keras.io/examples/vision/image_classification_with_vision_transformer/) (CIFAR-100
# at 72 pixels, 144 tokens of width 64, 8 blocks) flattens all tokens and puts dense layers of 2048 and 1024 on top. It
# also makes each of its 4 heads as wide as the whole token. A mean pool needs one dense layer.

# %%
predict(
    "Which share of all parameters sits in the head of the keras.io example?",
    ["About a tenth", "About half", "Nearly all"],
    answer="The cell below counts, there and here.",
    right=2,
)

# %% tags=["nbval-check-output"]
n, d, classes = 144, 64, 100
network = classifier("vit", (72, 72, 3), classes, patch_size=6, embed_dim=d, depth=8, num_heads=4, channels_mlp_dim=128)
pooled = network.get_layer("head").count_params()
body = network.count_params() - pooled

wide = keras.layers.MultiHeadAttention(num_heads=4, key_dim=d)
wide(np.zeros((1, n, d)), np.zeros((1, n, d)))
wide_body = body + 8 * (wide.count_params() - blocks(network)[0].attention.count_params())

dense = keras.Sequential([keras.Input((n, d)), keras.layers.Flatten()])
for width in (2048, 1024, classes):
    dense.add(keras.layers.Dense(width))

for name, inside, head in (
    ("keras.io: wide heads, flatten + 2048 + 1024", wide_body, dense.count_params()),
    ("this course: the paper's heads, mean pool", body, pooled),
):
    print(f"{name:43} {inside:9,} before the head, {head:10,} in it: {100 * head / (inside + head):4.1f} %")

# %% [markdown]
# There, 97 of 100 parameters are a perceptron that reads all tokens at fixed positions. How much of its accuracy is the
# Transformer's, and how much the head's, such a network does not say. So our networks pool: 2 of 100.
#
# The named configurations. B/16 is the paper's (its table 1: 86 million parameters).

# %% tags=["nbval-check-output"]
for name, shape, classes in (
    ("vit_tiny", (32, 32, 3), 16),
    ("vit_course", (32, 32, 3), 100),
    ("vit_b16", (224, 224, 3), 1000),
):
    network = describe(classifier(name, shape, classes))
    sizes = network.config
    print(f"{name:10} {network.tokens:3} tokens × {sizes.embed_dim:3}, {sizes.depth:2} blocks,", end=" ")
    print(f"{sizes.num_heads:2} heads, {network.parameters:10,} parameters, {network.macs:14,} MACs")

# %% [markdown]
# **A question before you train.** Nothing in the formulas knows where a token was. How does a ViT know?
#
# We tell it: before the first block a learned vector is added to each token, one for each position. That is the
# position embedding.

# %% [markdown]
# ## Train it · 1 minute
#
# While the network learns, we note after each epoch how sharply its tokens attend: the entropy of each row, written as
# "as if it attended to so many tokens alike".

# %% [markdown] tags=["teacher"]
# - **Ask:** Why is it flat and then steep? Look at the second panel before you speak.
# - **Students say:** “The learning rate warms up.” Part of it; the other part is in the entropy.
# - **Misconception:** That a flat curve means a bug.
# - **If late:** Show the recorded curve from the stored notebook while theirs runs.

# %%
dataset, config, how = session.lesson_plan("vit", PROFILE)
on_puzzle = dataset.name == puzzle.name

# %%
model = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
before = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
attended = []


def note(epoch):
    if epoch:
        entropy = analysis.entropy(analysis.attention(model, dataset.x_validation[:100]))  # (blocks, b, heads, n)
        attended.append(2 ** entropy.mean(axis=(1, 2, 3)))


run = train(model, dataset, how, after_epoch=note)

# %%
training_curves(
    {"the network": run.history}
    | {f"block {k}": {"attended": values} for k, values in enumerate(np.transpose(attended), start=1)},
    keys=("val_accuracy", "attended"),
    labels={"attended": "tokens attended to"},
    chance=1 / dataset.num_classes,
)

# %% [markdown]
# **Why does it rise so late and so suddenly?** Put the two panels side by side, epoch by epoch, before you read on.
#
# On the puzzle the network stays near guessing while the tokens of its *first* block still attend to many others alike.
# Then that block makes up its mind, and in that epoch or the next the accuracy rises. (The second block may go the
# other way, to all alike; *Take it apart* shows what that means.) A likely reason: while a token takes from many alike,
# it gets little more than their mean, nearly the same for every token. Only when it takes from one cell does it learn
# something about that one.

# %%
show.samples(dataset, model=model)

# %% [markdown]
# ## Look inside · 13 minutes
#
# ### Whom do they ask?

# %% [markdown] tags=["teacher"]
# - **Ask:** Block 1, one ordinary cell: alike or unlike? Block 2?
# - **Students say:** “It looks at the odd one, so it found it.” In block 1 yes; keep the guess for the next section.
# - **Misconception:** That position embeddings must look like a map. On the puzzle there is no reason to; on
#   photographs there is.
# - **If late:** Attention explorer only; positions and distances as homework.

# %%
predict(
    "In the trained network, block 1: whom does an ordinary cell of the puzzle look at?",
    ["At cells like itself, as in the experiment by hand", "At the odd one", "At its neighbours"],
    answer="Keep your choice in mind, and compare. And in block 2?",
)

# %%
rows, columns = analysis.token_grid(model)
few = rows * columns <= 16  # with 64 tokens one image makes matrices enough
seen = {f"image {k + 1}": dataset.x_test[k] for k in range(2 if few else 1)}
start = {"head": "mean of the heads"}
explore_attention(
    {"before training": before, "after training": model}, seen, start={"network": "after training", **start}
)

# %% [markdown]
# Go through heads and blocks. (*Rollout*, the last of the heads, follows attention through all blocks so far, and
# counts that each block hands on the token itself as well: Abnar and Zuidema 2020, [arXiv
# 2005.00928](https://arxiv.org/abs/2005.00928). You write it in exercise 4.) On the puzzle, here is the same over 200
# test images: how much of its attention an ordinary cell gives to the odd one. Chance would be 1 in 16, about 6 %.


# %%
def given_to(matrices, odd):
    """(b, h, n, n), (b,) -> (h,): how much all tokens but the odd one take from it, on average."""
    return np.mean([np.delete(A[..., k], k, axis=-1).mean(axis=-1) for A, k in zip(matrices, odd, strict=True)], axis=0)


if on_puzzle:
    for k, matrices in enumerate(analysis.attention(model, dataset.x_test[:200]), start=1):
        shares = given_to(matrices, dataset.y_test[:200])
        print(f"block {k}:", "   ".join(f"head {h} {100 * share:3.0f} %" for h, share in enumerate(shares, start=1)))

# %% [markdown]
# On the puzzle the first block has learned the opposite of the experiment by hand: some of its heads ask for what is
# *unlike*, and then nearly every cell looks at the odd one. In the second block most heads look elsewhere. Whom does
# the answer depend on there? Keep your guess for the next section.
#
# ### Where is a token?
#
# The position embedding is $n$ vectors. Two positions are alike if the cosine between their vectors is near 1.

# %%
predict(
    "Before training the vectors are noise. After training on the puzzle: will neighbours be alike?",
    ["Yes, the nearer the more alike", "No more than others"],
)

# %%
explore_positions({"before training": before, "after training": model})

# %%
row, column = np.divmod(np.arange(rows * columns), columns)
apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
for name, network in (("before", before), ("after", model)):
    vectors = ops.convert_to_numpy(network.get_layer("position_embedding").positions)
    similarity = analysis.position_similarity(network)
    print(f"{name:6} training: length {np.linalg.norm(vectors, axis=1).mean():.2f},", end=" ")
    near, far = similarity[apart == 1].mean(), similarity[apart > 1].mean()
    print(f"cosine with neighbours {near:+.2f}, with all others {far:+.2f}")

# %% [markdown]
# On the puzzle the vectors have grown many times longer, yet neighbours are hardly more alike than others: cells are
# drawn without regard to their neighbours, so the network has no reason to learn who is next to whom. It only learned
# to tell the positions apart. On photographs the paper found what you may have expected: the nearer two positions, the
# more alike, with rows and columns visible (its figure 7).
#
# ### How far do heads look?
#
# The mean distance between a token and what it attends to, in pixels, head by head: the paper compares it to the
# receptive field of a convolution.

# %%
grid, side = (rows, columns), model.configuration.patch_size


def distances(network):
    A = analysis.attention(network, dataset.x_test[:100])  # (blocks, b, heads, n, n)
    return analysis.mean_attention_distance(A, grid, side).mean(axis=1)


alike = np.full((rows * columns, rows * columns), 1 / (rows * columns))
attention_distances(
    {"before training": distances(before), "after training": distances(model)},
    everywhere=float(analysis.mean_attention_distance(alike, grid, side)),
)

# %% [markdown]
# On the puzzle the points have hardly moved, although you have just seen the matrices change completely. A head that
# looks for a *content* finds it near or far, as it happens: on average it looks as far as a head that looks nowhere in
# particular. A summary can hide what matters. (In the paper's networks some heads of the first blocks stay local and
# others already look across most of the image.)

# %% [markdown]
# ### The same, learned from photographs
#
# The puzzle knows no near and far. Photographs do. Here is a ViT with 64 tokens that was trained on CIFAR-100, for 8
# epochs; its weights come with the course, so you need no GPU to look into it.

# %%
predict(
    "Its positions stand in a grid of 8 × 8. Will neighbours be alike now?",
    ["Yes, the nearer the more alike", "No more than others"],
    answer="Pin a position in the explorer below, and compare one epoch with eight.",
    right=0,
)

# %%
recorded = {f"epoch {epoch}": load_trained("vit_course", epoch) for epoch in (1, 8)}
explore_positions({f"on photographs, {name}": network for name, network in recorded.items()})

# %% tags=["nbval-check-output"]
row, column = np.divmod(np.arange(64), 8)
apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
for name, network in recorded.items():
    similarity = analysis.position_similarity(network)
    means = "  ".join(f"{far} apart {similarity[apart == far].mean():+.2f}" for far in (1, 2, 3))
    print(f"{name}: mean cosine of positions {means}")

# %%
photos = np.stack(list(photographs(32).values()))


def how_far(network):
    return analysis.mean_attention_distance(analysis.attention(network, photos), (8, 8), 4).mean(axis=1)


everywhere = float(analysis.mean_attention_distance(np.full((64, 64), 1 / 64), (8, 8), 4))
attention_distances({name: how_far(network) for name, network in recorded.items()}, everywhere=everywhere)

# %% [markdown]
# Nobody told this network that the positions form a grid: it found out. And its heads have spread out. In each block
# some head stays local, and the most local one looks a little further than that of the block before; in the last block
# one looks further than a head that looks everywhere alike. The paper shows both in its figure 7.
#
# Here is whom its tokens ask in a photograph. (64 tokens on 32 × 32 pixels: that is all the network gets.)

# %%
explore_attention({"on photographs": recorded["epoch 8"]}, {"a cat": photographs(32)["cat"]})

# %% [markdown]
# **The paper's own network.** With the internet, look into ViT-Ti/16, trained on ImageNet-21k and then on ImageNet
# (timm's copy on the Hugging Face hub: 23 MB, fetched once): what it says of the cat, and where its class token took
# that from, block by block; last comes the rollout through all blocks. `prepare` takes a photograph of your own, too.

# %%
FETCH = False  # True fetches it

try:
    published = load_published("vit_ti16") if FETCH else None
except PublishedError as error:
    published = print(f"Not shown: {error}.")
if published:
    pixels = published.prepare(photographs(256)["cat"])
    shares = ops.convert_to_numpy(ops.softmax(published.model(pixels)[0]))
    for k in shares.argsort()[:-4:-1]:
        print(f"{100 * shares[k]:5.1f} %  {published.class_names[k]}")
    A = analysis.attention(published.model, pixels)  # (blocks, 1, heads, 1 + n, 1 + n); token 0 is the class token
    given = [*A[:, 0].mean(axis=1)[:, 0, 1:], analysis.rollout(A)[-1, 0, 0, 1:]]
    maps = [figures.sequential(taken.reshape(14, 14)).repeat(8, 0).repeat(8, 1) for taken in given]
    words = "A cat, the class token's attention in each of 12 blocks, and the rollout through all of them."
    display(show.image(figures.sheet(np.stack([pixels[0, ::2, ::2].astype("uint8"), *maps]), 7, 6), words))
    display(explore_positions({"ViT-Ti/16": published.model}))

# %% [markdown]
# ## Take it apart · 10 minutes
#
# ### Without position embedding

# %% [markdown] tags=["teacher"]
# - **Ask:** Three matrices, one output: which one is the explanation?
# - **Students say:** “Then attention is useless.” It is a measurement of one thing.
# - **Misconception:** That a map which looks right is right. Test 1 replaces it and the answer does not move.
# - **If late:** Shuffling and test 2 are enough: the class token and rollout can go.

# %%
predict(
    (
        "Shuffle the patches of an image. What changes in the answer of a ViT without position embedding and with a "
        "mean pool?"
    ),
    ["Nothing, but for rounding", "A little", "Everything"],
    answer="It sees a set of patches. What follows for the puzzle?",
    right=0,
)

# %%
unplaced = classifier(config, puzzle.input_shape, puzzle.num_classes, position_embedding=False, seed=0)
train(unplaced, puzzle, "quick", epochs=3, monitor="none")
with_positions = model if on_puzzle else classifier(config, puzzle.input_shape, puzzle.num_classes, seed=0)
if not on_puzzle:
    train(with_positions, puzzle, "quick", monitor="none")

patches = Patches(8)
shown = puzzle.x_test[:100].astype("float32")
shuffled = patches.unpatch(ops.take(patches(shown), rng.permutation(16), axis=1), puzzle.input_shape)
for name, network in (("with positions", with_positions), ("without", unplaced)):
    change = np.abs(ops.convert_to_numpy(network(shown) - network(shuffled))).max()
    accuracy = evaluate(network, puzzle.x_test, puzzle.y_test)["top1"]
    print(f"{name:15} shuffling changes a logit by up to {change:9.6f}; test accuracy {100 * accuracy:5.1f} %")

# %% [markdown]
# Without positions nothing changes but for rounding, so the network cannot say *where*: all it could ever reach is 1 in
# 16, and three epochs are as good as three hundred. A set of patches has no positions. (It could still learn *what* is
# in the image, or whether *something* is odd.)
#
# ### A class token instead of the mean
#
# The paper puts one more token before the others. It starts as zeros, belongs to no patch, asks like any other, and
# its last state alone goes to the head. (It gets a position vector of its own: $2d$ parameters more.)

# %%
with_token = classifier(config, dataset.input_shape, dataset.num_classes, pool="class_token", seed=0)
token_run = train(with_token, dataset, how)

# %%
training_curves(
    {"mean pool": run.history, "class token": token_run.history},
    keys=("loss", "val_accuracy"),
    chance=1 / dataset.num_classes,
)

# %%
show.table(
    [
        {"pool": name, "parameters": result.model.parameters, "test accuracy": show.percent(result.test.top1)}
        for name, result in (("mean", run), ("class token", token_run))
    ]
)

# %% [markdown]
# One run of each, with one seed and one learning rate, says little about which is better. The paper's authors first saw
# the mean pool do poorly, and found that it only needed a learning rate of its own (appendix D.3). Try it later: train
# both with `learning_rate=2 * how.learning_rate`, and see what you would conclude then.
#
# Here is whom the class token asks. The third image is its own row. On the puzzle the other two are dark in the first
# block: there many cells take far more from the class token than an even share, 1 in 17, as the caption says. They
# learn nothing from it, for in block 1 it is the same for every image.

# %%
explore_attention({"mean pool": model, "class token": with_token}, seen, start={"network": "class token", **start})

# %% [markdown]
# ### Is attention an explanation?
#
# An attention map is often shown as "what the network looked at", and often doubted (Jain and Wallace 2019,
# [arXiv 1902.10186](https://arxiv.org/abs/1902.10186)). Three tests.
#
# **Test 1: put in another matrix.** In one block we replace the attention matrices and leave all else alone: the same
# values, residuals and MLPs.

# %%
predict(
    "From the maps you have seen: in which block will another matrix hurt?",
    ["In block 1", "In block 2", "In both"],
    answer=(
        "Keep your choice in mind, and compare. And what will the network answer when it gets the matrices of another"
        " image?"
    ),
)

# %%
images, labels = dataset.x_test[:200], dataset.y_test[:200]
results = []
for k, own in enumerate(analysis.attention(model, images), start=1):
    n = own.shape[-1]
    tried = {
        "its own": own,
        "all alike": np.full_like(own, 1 / n),
        "itself only": np.broadcast_to(np.eye(n), own.shape),
        "the next image's": np.roll(own, -1, axis=0),
    }
    said = {name: analysis.logits_with(model, images, k, A).argmax(axis=1) for name, A in tried.items()}
    row = {"block": k} | {name: show.percent(np.mean(answer == labels)) for name, answer in said.items()}
    next_class = np.mean(said["the next image's"] == np.roll(labels, -1))
    results.append(row | {"… and gives the next image's answer": show.percent(next_class)})
show.table(results)

# %% [markdown]
# On the puzzle the first block's matrix *is* the answer: give the network another image's, and it names the odd cell of
# that other image. The second block's hardly counts: another one does as well. Yet both make fine maps. A map shows
# what a token *takes*, not whether it *matters*.
#
# **Test 2: other weights, exactly the same output.** A head hands on $A V$. For one token that is one row of $A$, $n$
# numbers, of which only $d/h$ sums (and that they add up to 1) go on. Where $n > d/h + 1$, there are directions in
# which the row can move and *nothing* behind it notices (Brunner et al. 2020,
# [arXiv 1908.04211](https://arxiv.org/abs/1908.04211)).
#
# Heads own no parameters: cutting the same $d × d$ matrices into 8 heads instead of 4 gives another network for free,
# with narrower heads. Name two tokens that you would like the maps of its last block to point at:

# %%
WANTED = (0, rows * columns - 1)

eight = classifier(config, dataset.input_shape, dataset.num_classes, num_heads=8, seed=0)
eight.set_weights(model.get_weights())
last = len(blocks(eight))
image = dataset.x_test[:1]
A = analysis.attention(eight, image)[last - 1]  # (1, 8, n, n)
V = analysis.values(eight, image, last)  # (1, 8, n, d/h)
n, width = V.shape[-2:]
print(f"8 heads: test accuracy {100 * evaluate(eight, dataset.x_test, dataset.y_test)['top1']:.1f} %")
print(f"a row of A: {n} weights, of which {width} + 1 sums count: {n - width - 1} free directions")

others = {token: analysis.other_attention(A, V, token) for token in WANTED}  # as A, and others @ V == A @ V
gains = [(other[..., token] - A[..., token]).mean(axis=(0, 2)) for token, other in others.items()]
best = int(np.min(gains, axis=0).argmax())  # the head that is most easily talked into both
answer = ops.convert_to_numpy(eight(image.astype("float32")))
for token, other in others.items():
    weight = [matrix[0, best, :, token].mean() for matrix in (A, other)]
    first = [(matrix[0, best].argmax(axis=-1) == token).mean() for matrix in (A, other)]
    change = np.abs(analysis.logits_with(eight, image, last, other) - answer).max()
    print(f"head {best + 1}, token {token:2}: mean weight {weight[0]:.2f} → {weight[1]:.2f};", end=" ")
    print(f"{first[0]:.0%} → {first[1]:.0%} of the tokens take most from it; largest change of a logit: {change:.0e}")

# %%
attention_explorer_from_arrays(
    {"the network's own": A[None]} | {f"favours token {token}": other[None] for token, other in others.items()},
    {"a test image": image[0]},
    (rows, columns),
    title="Three attention matrices, one output",
    label="Matrix",
    start={"network": f"favours token {WANTED[0]}", "head": f"head {best + 1}"},
)

# %% [markdown]
# Three maps, three stories, and but for rounding one and the same answer. The rows are true weights: none is negative,
# they sum to 1. In a ViT-B/16 every row has 197 weights and 64 + 1 sums: 132 free directions.
#
# **Test 3: ask the network.** The influence $‖∂y_i/∂x_j‖$, the norm of the token Jacobian, says how much output token
# $i$ moves when input patch $j$ changes a little (lesson 01). Does attention rank the patches in the same order? 1
# means the same order, 0 no relation, −1 the opposite.


# %%
def rank_correlation(a, b):
    return np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1]


A = analysis.attention(model, image)[:, 0]  # (blocks, heads, n, n)
rolled = analysis.rollout(A)
pairs = ~np.eye(n, dtype=bool)  # without a token and itself: that is the residual's doing
odd = int(dataset.y_test[0]) if on_puzzle else None
for k in range(1, len(A) + 1):
    moved = analysis.influence(model, image[0], k)
    raw, far = A[k - 1].mean(axis=0), rolled[k - 1]
    print(f"block {k}: influence and attention {rank_correlation(raw[pairs], moved[pairs]):+.2f},", end=" ")
    print(f"influence and rollout {rank_correlation(far[pairs], moved[pairs]):+.2f}")
    if odd is not None:
        share = [(t / t.sum(axis=1, keepdims=True))[np.arange(n) != odd, odd].mean() for t in (raw, moved)]
        print(f"         the odd cell gets {share[0]:.0%} of the others' attention and {share[1]:.0%} of the influence")

# %% [markdown]
# On the puzzle attention tells the truth in the first block, where tokens still *are* patches. In the second block
# attention and influence rank the patches quite differently. There every token already carries what it took in the
# first block: "token 5" is no longer "patch 5". Rollout counts that in and does better, but it knows nothing of values
# and MLPs.
#
# An attention map is a measurement of one thing. Before you call it an explanation, change something and see whether
# the answer changes.

# %% [markdown]
# ## Your turn · lab · 33 minutes
#
# Write the missing line, run the cell, read what the check says. A solution unfolds below. Take as many as time allows.
#
# ### 1 · Attention in NumPy
#
# One head, one image: $\mathrm{softmax}(Q K^\top / \sqrt{d/h})\,V$. Mind large scores: $e^{1000}$ is infinite.

# %% [markdown] tags=["teacher"]
# - **Ask:** Exercise 4: which block stands on the left of the product?
# - **Students say:** “It overflows.” Subtract the row's maximum first.
# - **Misconception:** That the number of heads changes the parameters.
# - **If late:** 1 in class, 3 for the strong ones, the rest at home.


# %% exercise="attention"
def attend(q, k, v):
    """Three arrays (n, head_dim) -> (n, head_dim)."""
    ### BEGIN SOLUTION
    scores = q @ k.T / np.sqrt(q.shape[-1])  # (n, n)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True) @ v
    ### END SOLUTION


exercises.check_attention(attend)

# %% [markdown]
# ### 2 · How many parameters does a block have?
#
# Two LayerNorms, the dense layers of attention, an MLP. Which of the four sizes do not matter?


# %% exercise="transformer_parameters"
def transformer_parameters(n, d, num_heads, mlp_dim):
    ### BEGIN SOLUTION
    norms = 2 * (d + d)
    attention = 4 * (d * d + d)  # query, key, value, output
    mlp = d * mlp_dim + mlp_dim + mlp_dim * d + d
    return norms + attention + mlp
    ### END SOLUTION


exercises.check_transformer_parameters(transformer_parameters)

# %% [markdown]
# ### 3 · Write a test for "it does not know where"
#
# `network` takes tokens `(1, n, d)` and gives tokens `(1, n, d)`, both NumPy arrays. Return True if shuffling the input
# tokens, in whatever order, only shuffles the output tokens in the same way, to 0.00001: a sum in another order is
# rounded otherwise. The check tries your test on nine networks.


# %% exercise="forgets_positions"
def forgets_positions(network, x):
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    for _ in range(5):  # one order alone may leave in place just the tokens that matter
        order = rng.permutation(x.shape[1])
        if not np.allclose(network(x[:, order]), network(x)[:, order], atol=1e-5):
            return False
    return True
    ### END SOLUTION


exercises.check_forgets_positions(forgets_positions)

# %% [markdown]
# ### 4 · Rollout
#
# A block hands on half of itself (the residual) and half of what attention brings: $\frac12(A + I)$, with $A$ the mean
# over the heads. Two blocks one after the other are a product of two such matrices. Which one stands on the left?


# %% exercise="rollout"
def rollout(matrices):
    """A list of (n, n) matrices, the first block's first -> (n, n)."""
    result = np.eye(len(matrices[0]))
    for A in matrices:
        ### BEGIN SOLUTION
        result = (A + np.eye(len(A))) / 2 @ result
        ### END SOLUTION
    return result


exercises.check_rollout(rollout)

# %% [markdown]
# ### 5 · Mean attention distance
#
# How far does a head look? Weigh the distance between the positions of tokens $i$ and $j$ by $A_{ij}$, sum over $j$,
# take the mean over $i$. A patch is `p` pixels wide, and tokens are counted row by row.


# %% exercise="attention_distance"
def attention_distance(A, rows, columns, p):
    """(n, n) -> pixels."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    ### BEGIN SOLUTION
    away = p * np.hypot(row[:, None] - row, column[:, None] - column)  # (n, n)
    return (A * away).sum(axis=1).mean()
    ### END SOLUTION


exercises.check_attention_distance(attention_distance)

# %% [markdown]
# **Go on from here.** Train the network without position embedding on `load_dataset("shapes", task="match")`, where the
# question is *whether* two shapes have one colour and not *where*. Does it need positions there? Then name other
# `WANTED` tokens in test 2, the odd one among them: which are hard to favour, and why? And give `classifier` an
# `attention_start="mimetic"`: how far does an untrained head look then, and how soon is the puzzle solved?

# %% [markdown]
# ## What the paper found, what we measured · 2 minutes
#
# **The paper.** Trained on ImageNet alone, ViTs stay behind convolutional networks of their size; trained first on
# 300 million images, ViT-H/14 reaches 88.55 % top-1 on ImageNet (table 2). Without position embedding ViT-B/16 loses
# about three points, 61.4 % instead of 64.2 % (pre-trained, then a linear layer fitted to five images of each ImageNet
# class; appendix D.4): on photographs *what* there is goes a long way. On our puzzle it loses everything.
#
# **This course**, from recorded runs, beside the keras.io example:

# %% [markdown] tags=["teacher"]
# - **Ask:** 300 million images: what would you do with 5,000?
# - **Students say:** “Use a CNN.” Or a pre-trained ViT with a new head (`adapt`).
# - **Misconception:** That the accuracy of a pre-trained network is the architecture's.
# - **If late:** Only the three things to take home.

# %%
show.table(tables.measured("vit"))

# %%
training_curves(tables.recorded_curves("vit"), keys=("val_accuracy",))

# %% [markdown]
# The curves are of the same data, but not of the same network, size of image or schedule: they tell what you get for
# your epochs, not which idea is better. The course's runs had no GPU; recipe `course` is longer than `short`, and mixes
# the images in pairs against overfitting.
#
# Look at `course`: in its 45 epochs our small ViT runs behind keras.io's and about meets it at the end. Is it slow to
# find out where to look? *Mimetic* starts nearer to where trained attention ends. In trained ViTs $W_Q W_K^\top$ leans
# towards the identity, so that like asks like, and $W_V W_O$ towards its negative (Trockman and Kolter 2023, [arXiv
# 2305.09828](https://arxiv.org/abs/2305.09828)). Ours draws its first weights that way and starts its position
# embedding as sines and cosines, which are the more alike the nearer they are; and it takes twice as many steps an
# epoch (`small_batches`). No layer is new and no parameter is added, and the curve is another. Which of the two changes
# did more, one run does not tell.
#
# **Three things to take home.**
#
# 1. Attention makes its mixing weights from the image: queries ask, keys answer, values are handed over.
# 2. It knows no positions. The position embedding tells it, and it learns only as much about them as the task asks.
# 3. Attention weights say what a token takes. What that does to the answer is another question, and you can measure it.
