# %% [markdown]
# # 04 · ViT: every patch asks every patch
#
# **31 minutes to show, 58 as a lab.** In a Mixer the weights that mix tokens belong to positions. In a Vision
# Transformer they are made anew for every image: each patch asks all others and takes from those that answer. Watch a
# network learn whom to ask, and find out how much such a map explains.
#
# After this lesson you can
#
# - compute attention by hand, and say what query, key and value are for,
# - read attention matrices: by block, by head, rolled out, and as distances,
# - say what position embeddings do, and what a head of dense layers hides,
# - test what an attention map explains.
#
# The paper: Dosovitskiy et al. 2020, *An Image is Worth 16x16 Words*
# ([arXiv 2010.11929](https://arxiv.org/abs/2010.11929)).
#
# | | symbol | in this lesson |
# |---|---|---|
# | tokens (patches) in an image | $n$ | 16 or 64 |
# | channels (width of a token) | $d$ | 64 or 128 |
# | heads; width of a head | $h$; $d/h$ | 4; 16 or 32 |
# | attention matrix of one head | $A$ | $n × n$, rows sum to 1 |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is and how much of the lesson it can run: `quick` (images made by the course, two CPU cores), `colab`
# (CIFAR-100 on one GPU) or `full`. Write `setup("colab")` to choose yourself.

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
from course_utils.explorers import Tabs, attention_explorer_from_arrays, explore_attention, explore_positions, predict
from course_utils.figures import attention_distances, training_curves
from course_utils.layers import PatchEmbedding, Patches, SelfAttention, TransformerBlock
from course_utils.models import blocks, describe, load_trained
from course_utils.results import cards

# %% [markdown]
# ## See it · 4 minutes
#
# ### Attention by hand, without a single parameter
#
# Sixteen shapes, one in another colour: in which cell? With a patch size of 8 each cell is one token.
#
# Let a token carry its colour alone, and take from all, itself too, in proportion to $e^{\text{likeness}/τ}$. A row of
# such weights is made to sum to 1: that is a softmax, and $τ$ is called its temperature.

# %% [markdown] tags=["teacher"]
# - **Ask:** At a low temperature: whom does an ordinary cell take from, and whom does the odd one?
# - **Students say:** “The odd cell gets the attention.” By likeness it is left with itself.
# - **Misconception:** That attention needs training to compare. Nothing was learned here.
# - **If late:** Keep it whole: it is the shortest way into attention.

# %%
puzzle = load_dataset("shapes")
puzzles = {f"puzzle {k + 1}": puzzle.x_test[k] for k in range(2)}


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
    for tau in (2, 0.5, 0.1)  # attention matrices (1 block, 2 images, 1 head, 16, 16)
}

# %%
predict(
    "A low temperature. Whom does the odd cell take from?",
    ["From all others", "From itself", "From its neighbours"],
    answer="No other cell is like it. And an ordinary cell? What does a high temperature do to the difference?",
    right=1,
)

# %% [markdown]
# (The caption gives the *entropy* of a row $a$, $-\sum_j a_j \log_2 a_j$: 0 bits if a token takes all from one other, 4
# bits if it takes alike from all 16.)

# %%
attention_explorer_from_arrays(
    by_hand, puzzles, (4, 4), title="Tokens that ask for their own colour", label="Temperature"
)

# %% [markdown]
# At a low temperature the ordinary cells attend to one another, and the odd one is left with itself. At a high one all
# take from all. Nothing was learned: comparing is built into the operation.
#
# A real head learns three things: what a token asks for (its query $q_i$), what it answers to (its key $k_j$), and what
# it hands over (its value $v_j$). "Alike" becomes $q_i · k_j$. So a token may just as well ask for what is *unlike*
# itself. Keep that in mind.

# %% [markdown]
# ## Build it · 5 minutes
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
# - **If late:** Skip the table of widths; the formula in the prediction's answer is enough.

# %%
show.source(SelfAttention, TransformerBlock)

# %% [markdown]
# Look for the four dense layers in `build`, and for the formula, from the inside out: `products`, `scores`, `call`. The
# shapes on the way:

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
        "does *q* · *k* become?"
    ),
    ["As large as before", "8 times", "64 times"],
    answer=(
        "A sum of *m* independent products grows with √*m*. And what does the softmax make of that, over 16 tokens?"
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
# Undivided, a wide head takes nearly all from one token from the start. Divided, it begins undecided.
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
# Nothing in the formulas knows where a token was. We tell it: before the first block a learned vector is added to each
# token, one for each position. That is the position embedding.

# %% [markdown]
# ## Train it · 3 minutes
#
# First the puzzle, whatever your profile. After each epoch we note how sharply the tokens attend: from the entropy, "as
# if to so many tokens alike".

# %% [markdown] tags=["teacher"]
# - **Ask:** Why is it flat and then steep? Look at the second panel before you speak.
# - **Students say:** “The learning rate warms up.” Part of it; the other part is in the entropy.
# - **Misconception:** That a flat curve means a bug.
# - **If late:** Show the recorded curve from the stored notebook while theirs runs.

# %%
solved = classifier("vit", puzzle.input_shape, puzzle.num_classes, seed=0)
attended = []


def note(epoch):
    if epoch:
        entropy = analysis.entropy(analysis.attention(solved, puzzle.x_validation[:100]))  # (blocks, b, heads, n)
        attended.append(2 ** entropy.mean(axis=(1, 2, 3)))


solved_run = train(solved, puzzle, "quick", after_epoch=note)

# %%
predict(
    "Accuracy rises at one point. What happens to the first block's attention just before, or at the same time?",
    ["It becomes sharp", "It becomes even", "Nothing that one sees"],
    answer="Put the two panels below side by side, epoch by epoch.",
)

# %%
training_curves(
    {"the network": solved_run.history}
    | {f"block {k}": {"attended": values} for k, values in enumerate(np.transpose(attended), start=1)},
    keys=("val_accuracy", "attended"),
    labels={"attended": "tokens attended to"},
    chance=1 / puzzle.num_classes,
)

# %% [markdown]
# Flat, then steep: watch the tokens of the *first* block. In the epoch in which they come down to half of the 16, or in
# the next one, the accuracy passes one half. <!-- claim: sharp_then_right --> A likely reason: a token that takes from
# many alike gets little more than their mean, nearly the same for every token. (But the learning rate also climbs for
# the first fifth of all steps. How would you tell the two apart?)
#
# If you have CIFAR-100 and a GPU, now train on photographs, too:

# %%
dataset, config, how = session.lesson_plan("vit", PROFILE)
if dataset.name == puzzle.name:
    model = solved
    print("That is the puzzle: the network above is yours.")
else:
    model = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
    train(model, dataset, how)

# %%
show.samples(dataset, model=model)

# %% [markdown]
# ## Look inside · 7 minutes
#
# ### Whom do they ask?

# %% [markdown] tags=["teacher"]
# - **Ask:** Block 1, one ordinary cell: alike or unlike? Block 2?
# - **Students say:** “It looks at the odd one, so it found it.” In block 1 yes; keep the guess for the next section.
# - **Misconception:** That position embeddings must look like a map. On photographs they come to: see epoch 1 first.
# - **If late:** Attention explorer and the convolution beside it; positions and distances as homework.

# %%
predict(
    "In the trained network, block 1: whom does an ordinary cell of the puzzle look at?",
    ["At cells like itself, as in the experiment by hand", "At the odd one", "At its neighbours"],
    answer="Keep your choice in mind, and compare. And in block 2?",
)

# %%
before = classifier("vit", puzzle.input_shape, puzzle.num_classes, seed=0)
recorded = {f"epoch {epoch}": load_trained("vit_course", epoch) for epoch in (1, 8)}
yours = {"yours": model} if analysis.token_grid(model) == (8, 8) else {}
cat = photographs(32)["cat"]
Tabs(
    {
        "your network, the puzzle": explore_attention(
            {"before training": before, "after training": solved}, puzzles, start={"head": "mean of the heads"}
        ),
        "the recorded one, a photograph": explore_attention(
            yours | {"recorded": recorded["epoch 8"]}, {"a cat": cat}, start={"network": "recorded"}
        ),
    }
)

# %% [markdown]
# Go through heads and blocks, first of yours. (*Rollout*, last in the list of heads, follows attention through all
# blocks so far: Abnar and Zuidema 2020, [arXiv 2005.00928](https://arxiv.org/abs/2005.00928), and exercise 3.) Over 200
# test images: how much of its attention does an ordinary cell give to the odd one? Chance would be 1 in 16, about 6 %.


# %%
def given_to(matrices, odd):
    """(b, h, n, n), (b,) -> (h,): how much all tokens but the odd one take from it, on average."""
    return np.mean([np.delete(A[..., k], k, axis=-1).mean(axis=-1) for A, k in zip(matrices, odd, strict=True)], axis=0)


for k, matrices in enumerate(analysis.attention(solved, puzzle.x_test[:200]), start=1):
    shares = given_to(matrices, puzzle.y_test[:200])
    print(f"block {k}:", "   ".join(f"head {h} {100 * share:3.0f} %" for h, share in enumerate(shares, start=1)))

# %% [markdown]
# The first block has learned the opposite of the experiment by hand: in some head nearly every cell looks at the odd
# one. <!-- claim: looks_at_the_odd_one --> Which block does the answer depend on? Keep your guess for the next section.
#
# ### Photographs: where is a token?
#
# The puzzle knows no near and far: its cells are drawn one by one. Photographs do. Here is the recorded network: a ViT
# with 64 tokens, trained on CIFAR-100 for 8 epochs. (With `colab` or `full`, yours stands beside it.) Its position
# embedding is 64 vectors, alike if their cosine is near 1.

# %%
predict(
    "The positions stand in a grid of 8 × 8, and nobody told the network so. Will neighbours be alike?",
    ["Yes, the nearer the more alike", "No more than others"],
    answer="Pin a position in the explorer below, and compare one epoch with eight.",
    right=0,
)

# %%
explore_positions(yours | {f"recorded, {name}": network for name, network in recorded.items()})

# %% tags=["nbval-check-output"]
row, column = np.divmod(np.arange(64), 8)
apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
for name, network in recorded.items():
    similarity = analysis.position_similarity(network)
    means = "  ".join(f"{far} apart {similarity[apart == far].mean():+.2f}" for far in (1, 2, 3))
    print(f"{name}: mean cosine of positions {means}")

# %% [markdown]
# Nobody told this network that the positions form a grid: it found out.
#
# ### How far do heads look?
#
# The mean distance between a token and what it attends to, in pixels, head by head:

# %%
photos = np.stack(list(photographs(32).values()))


def how_far(network):
    """(blocks, heads), pixels: the mean over three photographs."""
    return analysis.mean_attention_distance(analysis.attention(network, photos), (8, 8), 4).mean(axis=1)


everywhere = float(analysis.mean_attention_distance(np.full((64, 64), 1 / 64), (8, 8), 4))
attention_distances({name: how_far(network) for name, network in (recorded | yours).items()}, everywhere=everywhere)

# %% [markdown]
# By epoch 8 the most local head of each block looks less far than after epoch 1. It looks a little further from block
# to block; in the last block one looks further than a head that looks everywhere alike. (Near and far heads: the
# paper's figure 7.)
#
# ### A convolution beside it
#
# One token of the cat, in block 1: where does it take from?

# %%
token = 27  # row 3, column 3
heads, far = analysis.attention(recorded["epoch 8"], cat[None])[0, 0], how_far(recorded["epoch 8"])[0]
taken = {f"attention, head {h + 1}": heads[h] for h in (far.argmin(), far.argmax())}
conv = load_trained("conv_course")
taken = {"convolution, 3 × 3": analysis.influence(conv, cat, 1, gradients=64)} | taken
tiles = [figures.with_title(figures.enlarge(cat, 7), "a cat")]
for name, matrix in taken.items():
    lit = figures.sequential(matrix[token].reshape(8, 8), scale="sqrt")
    reached = f"reaches {(matrix[token] > 0).sum()} of 64 tokens"
    tiles.append(figures.with_title(figures.enlarge(lit, 28), name, reached))
show.image(figures.beside(tiles), "Where token 27 takes from: in a convolution nine tokens, in attention all.")

# %% [markdown]
# The convolution reaches nine tokens, in every image. Attention reaches all 64 in one block, and whom it favours it has
# learned: go through blocks and heads, under the second tab above.
#
# **The paper's own network.** With the internet, look into ViT-Ti/16, trained on ImageNet-21k and then on ImageNet
# (timm's copy: 23 MB, fetched once). It has no mean pool: a *class token*, which belongs to no patch, asks like any
# other, and its last state alone goes to the head. You see whom it asks, block by block, and the rollout. `prepare`
# takes your own photograph, too.

# %%
FETCH = False  # True fetches it

if published := session.published("vit_ti16", FETCH):
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
# ## Take it apart · 9 minutes
#
# ### Without position embedding

# %% [markdown] tags=["teacher"]
# - **Ask:** Three matrices, one output: which one is the explanation?
# - **Students say:** “Then attention is useless.” It is a measurement of one thing.
# - **Misconception:** That a map which looks right is right. Test 1 replaces it and the answer does not move.
# - **If late:** Shuffling and test 2 are enough: the control of the head and test 3 can go.

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
unplaced = classifier("vit", puzzle.input_shape, puzzle.num_classes, position_embedding=False, seed=0)
train(unplaced, puzzle, "quick", epochs=1)

patches = Patches(8)
shown = puzzle.x_test[:100].astype("float32")
shuffled = patches.unpatch(ops.take(patches(shown), rng.permutation(16), axis=1), puzzle.input_shape)
for name, network in (("with positions", solved), ("without", unplaced)):
    change = np.abs(ops.convert_to_numpy(network(shown) - network(shuffled))).max()
    accuracy = evaluate(network, puzzle.x_test, puzzle.y_test)["top1"]
    print(f"{name:15} shuffling changes a logit by up to {change:9.6f}; test accuracy {100 * accuracy:5.1f} %")

# %% [markdown]
# Without positions nothing changes but for rounding. So the network cannot say *where*, however long you train. (It
# could still learn *what* is in the image, or whether *something* is odd.)
#
# ### What the classifier can do alone
#
# Our networks take the mean over the tokens, then one dense layer. The [keras.io example on
# ViT](https://keras.io/examples/vision/image_classification_with_vision_transformer/) flattens all tokens and puts
# dense layers of 2048 and 1024 on top, with 97 of 100 of its parameters. A share of parameters is no share of the work.
# The control: those layers without the blocks.

# %%
predict(
    "A flat head on 16 tokens, no Transformer block. Chance is 6 %. How many test puzzles will it solve?",
    ["About 6 %", "About a third", "Most"],
    answer="Every dense layer reads all tokens at once, each at its own position.",
    right=2,
)

# %%
keras.utils.set_random_seed(0)
whole = classifier("vit", puzzle.input_shape, puzzle.num_classes, seed=0)
tokens = keras.layers.Flatten()(whole.get_layer("position_embedding").output)  # what the blocks would get
for width in (2048, 1024):
    tokens = keras.layers.Dense(width, "gelu")(tokens)
alone = keras.Model(whole.input, keras.layers.Dense(puzzle.num_classes, "softmax")(tokens))
alone.compile(keras.optimizers.AdamW(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
print("One epoch of the head alone, a few seconds …")
alone.fit(puzzle.x_train.astype("float32"), puzzle.y_train, batch_size=128, verbose=0)
_, accuracy = alone.evaluate(puzzle.x_test.astype("float32"), puzzle.y_test, verbose=0)
print(f"… test accuracy {show.percent(accuracy)}")

# %% [markdown]
# Without a single Transformer block, the head alone solves most puzzles. <!-- claim: head_alone --> So the accuracy of
# such a network says little about its Transformer, unless this control stands beside it.
#
# ### Is attention an explanation?
#
# An attention map is often shown as "what the network looked at", and often doubted (Jain and Wallace 2019, [arXiv
# 1902.10186](https://arxiv.org/abs/1902.10186)). Three tests.
#
# **Test 1: put in another matrix.** In one block of the puzzle network we replace the attention matrices, and nothing
# else.

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
images, labels = puzzle.x_test[:200], puzzle.y_test[:200]
results = []
for k, own in enumerate(analysis.attention(solved, images), start=1):
    tried = {
        "its own": own,
        "all alike": np.full_like(own, 1 / 16),
        "itself only": np.broadcast_to(np.eye(16), own.shape),
        "the next image's": np.roll(own, -1, axis=0),
    }
    said = {name: analysis.logits_with(solved, images, k, A).argmax(axis=1) for name, A in tried.items()}
    row = {"block": k} | {name: show.percent(np.mean(answer == labels)) for name, answer in said.items()}
    next_class = np.mean(said["the next image's"] == np.roll(labels, -1))
    results.append(row | {"… gives the next image's answer": show.percent(next_class)})
show.table(results)

# %% [markdown]
# The first block's matrix *is* the answer: with that of another image, the network names the odd cell of that other
# image. <!-- claim: another_matrix --> And the second block's, nearly even? Any other does as well. A map shows what a
# token *takes*, not whether it *matters*.
#
# **Test 2: other weights, exactly the same output.** A head hands on $A V$. For one token that is one row of $A$, $n$
# numbers, of which only $d/h$ sums (and that they add up to 1) go on. Where $n > d/h + 1$, there are directions in
# which the row can move and *nothing* behind it notices (Brunner et al. 2020, [arXiv
# 1908.04211](https://arxiv.org/abs/1908.04211)).
#
# Cutting the same $d × d$ matrices into 8 heads instead of 4 gives another network for free, with narrower heads. Name
# two tokens that you would like the maps of its last block to point at:

# %%
WANTED = (0, 15)

eight = classifier("vit", puzzle.input_shape, puzzle.num_classes, num_heads=8, seed=0)
eight.set_weights(solved.get_weights())
last, image = len(blocks(eight)), puzzle.x_test[:1]
A = analysis.attention(eight, image)[last - 1]  # (1, 8, n, n)
V = analysis.values(eight, image, last)  # (1, 8, n, d/h)
n, width = V.shape[-2:]
print(f"8 heads: test accuracy {100 * evaluate(eight, puzzle.x_test, puzzle.y_test)['top1']:.1f} %")
print(f"a row of A: {n} weights, of which {width} + 1 sums count: {n - width - 1} free directions")

others = {token: analysis.other_attention(A, V, token) for token in WANTED}  # as A, and others @ V == A @ V
gains = [(other[..., token] - A[..., token]).mean(axis=(0, 2)) for token, other in others.items()]
best = int(np.min(gains, axis=0).argmax())  # the head that is most easily talked into both
answer = ops.convert_to_numpy(eight(image.astype("float32")))
for token, other in others.items():
    weight = [matrix[0, best, :, token].mean() for matrix in (A, other)]
    change = np.abs(analysis.logits_with(eight, image, last, other) - answer).max()
    print(f"head {best + 1}, token {token:2}: mean weight {weight[0]:.2f} → {weight[1]:.2f};", end=" ")
    print(f"largest change of a logit: {change:.0e}")

# %%
attention_explorer_from_arrays(
    {"the network's own": A[None]} | {f"favours token {token}": other[None] for token, other in others.items()},
    {"a test image": image[0]},
    (4, 4),
    title="Three attention matrices, one output",
    label="Matrix",
    start={"head": f"head {best + 1}"},
)

# %% [markdown]
# Three maps, three stories, and but for rounding one answer. The rows are true weights: none is negative, they sum to
# 1. In a ViT-B/16 every row has 197 weights, one for the class token, and 64 + 1 sums: 132 free directions.
#
# **Test 3: a referee.** Rollout says how much of a patch arrives. The influence (lesson 01) says how far the output
# moves when a patch changes *a little*; where a softmax is nearly 0 or 1, that is next to nothing. Who is right? Ask
# the network: cover a patch with the image's mean colour, and see how much probability its first choice loses
# (*occlusion*). Do the maps rank the 64 patches in one order? 1 means the same order, 0 no relation, −1 the opposite.


# %% tags=["nbval-check-output"]
def rank_correlation(a, b):
    return np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1]


network = recorded["epoch 8"]
for name, photo in photographs(32).items():
    first = int(ops.argmax(network(photo[None].astype("float32"))[0]))
    rolled = analysis.rollout(analysis.attention(network, photo[None])[:, 0])[-1].mean(axis=0)
    moved = analysis.influence(network, photo, 4, gradients=256).sum(axis=0)
    lost = analysis.occlusion(network, photo, first)
    maps = {"rollout": rolled, "influence": moved, "occlusion": lost.ravel()}
    pairs = (("rollout", "influence"), ("rollout", "occlusion"), ("influence", "occlusion"))
    told = ",  ".join(f"{a} and {b} {rank_correlation(maps[a], maps[b]):+.1f}" for a, b in pairs)
    print(f"{name:9}: {told}")
tiles = [figures.with_title(figures.enlarge(photo, 7), name)]
tiles += [
    figures.with_title(figures.enlarge(figures.sequential(maps[key].reshape(8, 8)), 28), key)
    for key in ("rollout", "influence")
]
tiles.append(figures.with_title(figures.enlarge(figures.diverging(lost), 28), "occlusion", "red: the answer loses"))
show.image(figures.beside(tiles), f"The {name}, and three maps of its 64 patches: rollout, influence, occlusion.")

# %% [markdown]
# Rollout and influence agree with each other more than either agrees with occlusion. So two maps that look alike are no
# proof. (Nor is occlusion: the network has never seen such a square. Cover the odd cell of a puzzle: is it still odd?)
# Some maps hardly change when a network's weights are randomised (Adebayo et al. 2018, [arXiv
# 1810.03292](https://arxiv.org/abs/1810.03292)). Whether attention explains depends on what you ask of an explanation
# (Wiegreffe and Pinter 2019, [arXiv 1908.04626](https://arxiv.org/abs/1908.04626)). So before you call a map one,
# change something, and see whether the answer changes.

# %% [markdown]
# ## Your turn · lab · 27 minutes
#
# Write the missing lines, run the cell, read what the check says. A solution unfolds below.
#
# ### 1 · Attention in NumPy
#
# One head, one image: $\mathrm{softmax}(Q K^\top / \sqrt{d/h})\,V$. Mind large scores: $e^{1000}$ is infinite.

# %% [markdown] tags=["teacher"]
# - **Ask:** Exercise 3: which block stands on the left of the product?
# - **Students say:** “It overflows.” Subtract the row's maximum first.
# - **Misconception:** That the number of heads changes the parameters.
# - **If late:** 1 in class, 2 for the strong ones, the rest at home.


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
# ### 2 · Write a test for "it does not know where"
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
# ### 3 · Rollout
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
# ### 4 · Mean attention distance
#
# Weigh the distance between the positions of tokens $i$ and $j$ by $A_{ij}$, sum over $j$, take the mean over $i$. A
# patch is `p` pixels wide, and tokens are counted row by row.


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
# **Go on from here.** Train without position embedding on `load_dataset("shapes", task="match")`: *whether* two shapes
# have one colour, not *where*. Train with `pool="class_token"`: whom does it ask?

# %% [markdown]
# ## What the paper found, what we measured · 2 minutes
#
# **The paper.** Trained on ImageNet alone, ViTs stay a few points below ResNets of comparable size (section 1); trained
# first on 300 million images, ViT-H/14 reaches 88.55 % top-1 on ImageNet (table 2). Without position embedding, a
# pre-trained ViT-B/16 falls from 64.2 to 61.4 % (*ImageNet 5-shot linear*: a linear layer fitted to its output with
# five images of each class; appendix D.4). On photographs, knowing *what* without *where* goes far.

# %% [markdown] tags=["teacher"]
# - **Ask:** 300 million images: what would you do with 5,000?
# - **Students say:** “Use a CNN.” Or a pre-trained ViT with a new head: lesson 07.
# - **Misconception:** That the accuracy of a pre-trained network is the architecture's.
# - **If late:** Only the three things to take home.

# %%
training_curves(
    {
        "as usual, 45 epochs": cards.recorded("vit_course_cifar100_course_45_epochs").history,
        "mimetic start, small batches, 50 epochs": cards.recorded(
            "vit_course_mimetic_cifar100_small_batches_mixed_bfloat16"
        ).history,
    },
    keys=("val_accuracy",),
    title="This course's ViT on CIFAR-100, recorded runs",
)

# %% [markdown]
# **This course.** In trained ViTs $W_Q W_K^\top$ leans towards the identity and $W_V W_O$ towards
# its negative (Trockman and Kolter 2023, [arXiv 2305.09828](https://arxiv.org/abs/2305.09828)). The *mimetic* run
# starts there; and it takes twice as many steps an epoch. Which of the two did more, one run does not tell. All runs,
# also beside the keras.io example, stand in `docs/results.md`.
#
# **What came next.** DeiT ([2012.12877](https://arxiv.org/abs/2012.12877)): ImageNet alone, with strong augmentation
# and a CNN as teacher. Swin ([2103.14030](https://arxiv.org/abs/2103.14030)): attention within windows that shift from
# block to block. MAE ([2111.06377](https://arxiv.org/abs/2111.06377)): no labels; hide three quarters of the patches,
# and ask for them back.
#
# **Three things to take home.**
#
# 1. Attention makes its mixing weights from the image: queries ask, keys answer, values are handed over.
# 2. It knows no positions: the position embedding tells it.
# 3. Attention weights say what a token takes. What that does to the answer is another question: measure it.
