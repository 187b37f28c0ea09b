# %% [markdown]
# # 07 · Pre-trained: learn once, use often
#
# **20 minutes to show, 51 as a lab.** All networks so far began with random weights. Hardly anybody begins like that:
# one trains a network once, on many images, and then teaches it another task with few. You will do so with a Vision
# Transformer that has learned CIFAR-100, on images that it has never seen, your own among them, and then ask it what it
# looks at.
#
# After this lesson you can
#
# - put a new head on a trained network, and train the head alone or all of it,
# - test whether the first training was worth it, and notice when the test images were not new,
# - give a ViT larger images, and say which networks cannot take them, and why,
# - cover patches to find out what an answer hangs on, and judge an attention map by that.
#
# The paper is that of lesson 04, which you should know: Dosovitskiy et al. 2020, *An Image is Worth 16x16 Words*
# ([arXiv 2010.11929](https://arxiv.org/abs/2010.11929)), section 3.2.
#
# | | in this lesson |
# |---|---|
# | pre-training | the first training, on many images: here on CIFAR-100 |
# | features | what the last layer is given: here 128 numbers for each image |
# | linear probe | a new last layer is trained, all else stays frozen |
# | fine-tuning | a new last layer, and everything is trained |
# | from scratch | all weights begin at random |

# %% [markdown]
# ## Setup · 1 minute
#
# Run these two cells first. The folded one brings the course's helper package where it is missing. The other says what
# your machine is. This lesson does the same on every machine: it is made for few images.

# %% [markdown] tags=["teacher"]
# - **Ask:** Who has ever trained a network from random weights outside a course?
# - **Students say:** “You need millions of images.” For what? Keep the question.
# - **Misconception:** That a pre-trained network can only do what it was trained for.
# - **If late:** Run it while you ask.

# %%
from course_utils import setup

PROFILE = setup()

# %%
import tempfile
from pathlib import Path

import keras
import numpy as np
from IPython.display import display
from keras import ops
from PIL import Image

from course_utils import analysis, classifier, evaluate, exercises, figures, load_dataset, session, show, train
from course_utils.data import Dataset
from course_utils.data.images import photographs
from course_utils.explorers import explore_positions, predict
from course_utils.figures import line_chart
from course_utils.layers import PositionEmbedding
from course_utils.models import adapt, load_trained, trained
from course_utils.results import tables
from course_utils.training import Recipe

# %% [markdown]
# ## See it · 4 minutes
#
# The network comes with the course: a ViT of four blocks, trained on CIFAR-100. The new task: three photographs, each
# cut into 64 pieces of 32 × 32 pixels. From which photograph is a piece?

# %% [markdown] tags=["teacher"]
# - **Ask:** The network says “worm” to half a cat. Is it of any use?
# - **Students say:** “It has not learned this.” Its last layer has not; what about the layers before?
# - **Misconception:** That only the answer of a network is worth something.
# - **If late:** Skip the words that it finds; the table of nearest means is the point.

# %%
network = load_trained("vit_course")
known = trained("vit_course").class_names  # the hundred classes of CIFAR-100
whole = photographs(256)


def pieces_of(photograph):
    """(256, 256, 3) -> (64, 32, 32, 3), row by row."""
    return photograph.reshape(8, 32, 8, 32, 3).swapaxes(1, 2).reshape(64, 32, 32, 3)


pieces = {name: pieces_of(photograph) for name, photograph in whole.items()}


def deal(seed, per_class):
    """Deals each photograph's pieces out: some to learn from, 4 for validation, 40 for the test; no piece twice."""
    rng = np.random.default_rng(seed)
    parts = {"train": [], "validation": [], "test": []}
    for cut in pieces.values():
        mixed = cut[rng.permutation(64)]
        for part, some in zip(parts, (mixed[:per_class], mixed[20:24], mixed[24:]), strict=True):
            parts[part].append(some)
    arrays = []
    for found in parts.values():
        arrays += [np.concatenate(found), np.repeat(np.arange(len(found)), len(found[0]))]
    return Dataset(f"pieces, {per_class} of each photograph", *arrays, class_names=tuple(pieces))


five, twenty = deal(0, 5), deal(0, 20)
show.image(figures.beside([figures.sheet(cut, 8, 2) for cut in pieces.values()]), "Three photographs in pieces")

# %%
predict(
    "The network knows a hundred classes, and no “piece of a cat” is among them. What will it say of one?",
    ["All classes alike: it does not know", "Something, now and then with much confidence", "Nothing"],
    answer="Its last layer always shares out 100 % among the hundred classes. Look at what it says below.",
    right=1,
)

# %%
for name, cut in pieces.items():
    shares = ops.convert_to_numpy(ops.softmax(network(cut.astype("float32"))))
    said, times = np.unique(shares.argmax(axis=1), return_counts=True)
    often = ", ".join(f"{known[said[k]]} ({times[k]})" for k in times.argsort()[:-5:-1])
    print(f"{name:9}: most often {often}; surest {shares.max():.0%}")

# %% [markdown]
# None of these answers is right. But look one layer earlier. The last layer is one matrix; it is given 128 numbers for
# each image, the *features*. Do they know more than the words that the last layer finds?
#
# The simplest test needs no training: take the mean features of a few pieces of each photograph, and give each of 40
# others to the nearest mean. Beside it we do the same with the raw pixels, and with the features of a network of the
# same sizes that has not been trained.

# %%
predict(
    "Twenty pieces of each photograph make the means. Chance is 33 %. How often is the nearest mean right?",
    ["Pixels and all features: about alike", "Trained features: clearly more often", "Untrained features: as good"],
    answer="The cell below counts, for four ways to deal the pieces out.",
    right=1,
)

# %%
untrained = classifier(network.configuration, (32, 32, 3), 100, seed=0)


def features(model, images):
    """(b, h, w, 3) -> (b, 128): what the last layer is given."""
    return ops.convert_to_numpy(keras.Model(model.input, model.layers[-1].input)(images.astype("float32")))


seen_as = {
    "pixels": lambda images: images.reshape(len(images), -1) / 255,
    "untrained features": lambda images: features(untrained, images),
    "trained features": lambda images: features(network, images),
}


def nearest_mean_accuracy(data, see):
    train_features, test_features = see(data.x_train), see(data.x_test)
    means = np.stack([train_features[data.y_train == k].mean(axis=0) for k in range(data.num_classes)])
    apart = np.square(test_features[:, None] - means).sum(axis=-1)
    return (apart.argmin(axis=1) == data.y_test).mean()


rows = []
for name, see in seen_as.items():
    row = {"nearest mean of": name}
    for per_class in (5, 20):
        found = [nearest_mean_accuracy(deal(seed, per_class), see) for seed in range(4)]
        row[f"{per_class} pieces of each"] = ", ".join(show.percent(share) for share in found)
    rows.append(row)
show.table(rows)

# %% [markdown]
# With twenty pieces of each, the trained features are ahead however the pieces are dealt. <!-- claim: nearest_means -->
# No weight was changed: what the network learned to tell a hundred classes apart also tells these three apart.

# %% [markdown]
# ## Build it · 4 minutes
#
# A new task needs a new last layer, the *head*. The paper does it like this (section 3.2): take the old head off, put a
# dense layer in its place whose weights are all zero, and train. `adapt` does that; look at the first loss below:

# %% [markdown] tags=["teacher"]
# - **Ask:** All weights of the head are zero. Why is there a gradient at all?
# - **Students say:** “Zero times anything stays zero.” The gradient of $W$ is made of the features, not of $W$.
# - **Misconception:** That a frozen network needs no forward pass: it still computes the features.
# - **If late:** Skip the source, keep the two printed lines.

# %%
show.source(adapt)

# %%
predict(
    "With a head for three classes the network has 545,027 parameters. How many of them does a linear probe train?",
    ["387", "12,900", "All of them"],
    answer="128 × 3 weights and 3 biases.",
    right=0,
)

# %% tags=["nbval-check-output"]
for name, model in (("linear probe", adapt(network, 3, freeze=True)), ("fine-tuning", adapt(network, 3))):
    trains = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    logits = ops.convert_to_numpy(model(five.x_test.astype("float32")))
    loss = -np.log(np.exp(logits)[np.arange(120), five.y_test] / np.exp(logits).sum(axis=1)).mean()
    print(f"{name:12}: {trains:7,} of {model.count_params():,} parameters are trained; first loss {loss:.4f}")

# %% [markdown]
# Both begin at $\ln 3 = 1.0986$, the loss of a network that gives all three classes alike. What does a head of zeros
# hand back to the layers below it in the very first step? And in the second?

# %% [markdown]
# ## Train it · 3 minutes
#
# Three ways, with five and with twenty pieces of each photograph, and as many steps with few pieces as with many. No
# validation image chooses the epoch: the last weights count.

# %% [markdown] tags=["teacher"]
# - **Ask:** The training accuracy from scratch: has it failed to learn, or learned the wrong thing?
# - **Students say:** “Fine-tuning must win, it can do everything the probe can.” On the training images, yes.
# - **Misconception:** That one seed shows which of two near results is better.
# - **If late:** Only five pieces of each; the table for twenty is in the stored lesson.

# %%
predict(
    "Twenty pieces of each photograph. Which way will be ahead?",
    ["The linear probe", "Fine-tuning", "From scratch"],
    answer="And with five? Compare below.",
)

# %%
RATES = {"linear probe": 1e-2, "fine-tuned": 1e-3, "from scratch": 1e-3}


def start(way, seed=0):
    if way == "from scratch":
        return classifier(network.configuration, (32, 32, 3), 3, seed=seed)
    return adapt(network, 3, freeze=way == "linear probe", seed=seed)


def learn(way, data, seed=0):
    """Trains 60 steps of 15 images each; returns the network and its run."""
    again = 20 // (len(data.x_train) // 3)  # five pieces are shown four times in an epoch
    repeated = [np.concatenate([part] * again) for part in (data.x_train, data.y_train)]
    others = (data.x_validation, data.y_validation, data.x_test, data.y_test)
    data = Dataset(data.name, *repeated, *others, class_names=data.class_names)
    model = start(way, seed)
    how = Recipe(epochs=15, batch_size=15, learning_rate=RATES[way], weight_decay=0.05, augment=("flip",))
    return model, train(model, data, how, seed=seed, keep_best=False, monitor="none")


models, reached = {}, {}
for per_class, data in ((5, five), (20, twenty)):
    for way in RATES:
        models[way], run = learn(way, data)
        reached[way, per_class] = run.test.top1
        seen = run.history["accuracy"][-1]
        print(f"{per_class:2} of each, {way:12}: training {seen:4.0%}, test {run.test.top1:4.0%}", flush=True)

# %%
line_chart(
    {"pieces of each photograph": {way: ((5, 20), [reached[way, k] for k in (5, 20)]) for way in RATES}},
    "test accuracy (%)",
    x_scale="log",
    markers=True,
    chance=1 / 3,
)

# %% [markdown]
# Which way is ahead with five pieces of each, and which with twenty? One seed says little: change `seed` in `deal` and
# in `learn` before you believe a difference. Compare training and test accuracy: which of the three have learned their
# few pieces by heart? And what can a network from scratch go by here, with three photographs that differ so much in
# colour?

# %% [markdown]
# ## Look inside · 7 minutes
#
# ### Larger images: what becomes of the positions?
#
# The paper found it useful to fine-tune on larger images than those of the pre-training. The patches keep their size,
# so there are more of them: a CIFAR image of 32 pixels is 8 × 8 patches of 4, one of 48 pixels is 12 × 12. Blocks and
# head do not mind. One layer does:

# %% [markdown] tags=["teacher"]
# - **Ask:** Which weights of a ViT know how many tokens there are? And of a Mixer?
# - **Students say:** “Attention, it is n × n.” That matrix is computed, not learned.
# - **Misconception:** That interpolating gives the network finer knowledge of positions. It only stays sensible.
# - **If late:** Skip the explorer, keep the table.

# %%
show.source(PositionEmbedding)

# %%
predict(
    "144 positions, and 64 learned vectors. What would you put at a position between two old ones?",
    ["Zeros", "The vector of the nearest old one", "Something in between"],
    answer="The paper interpolates in two dimensions. Why may one: what did lesson 04 find about near positions?",
    right=2,
)

# %%
larger = adapt(network, 100, image_size=48)
larger.layers[-1].set_weights(network.layers[-1].get_weights())  # the old head, for the old hundred classes
explore_positions({"48 × 48 pixels": larger})

# %%
images = np.concatenate(list(pieces.values()))
enlarged = figures.resized(images, (48, 48)).astype("float32")
said = ops.convert_to_numpy(network(images.astype("float32"))).argmax(axis=1)
position = larger.get_layer("position_embedding")
(interpolated,) = position.get_weights()
(old,) = network.get_layer("position_embedding").get_weights()

rows = []
for name, vectors in (
    ("interpolated", interpolated),
    ("the 64 old ones, row by row, and again from the first", np.resize(old, interpolated.shape)),
    ("interpolated, then shuffled", np.random.default_rng(0).permutation(interpolated)),
    ("zeros", np.zeros_like(interpolated)),
):
    position.set_weights([vectors])
    now = ops.convert_to_numpy(larger(enlarged)).argmax(axis=1)
    rows.append(
        {
            "positions of the 48-pixel network": name,
            "says what the 32-pixel one says": show.percent((now == said).mean()),
        }
    )
position.set_weights([interpolated])
show.table(rows)

# %% [markdown]
# The same pieces, enlarged. With interpolated positions the network most often still says what it said of the small
# piece, with any others less often. It was never trained on images of this size: fine-tuning would go on from here.
#
# Where CIFAR-100 is at hand, here is what that does to the accuracy, before any fine-tuning:

# %%
if session.choose_data(PROFILE) == "cifar100":
    cifar = load_dataset("cifar100").subset(test=1000)
    for side, model in ((32, network), (48, larger)):  # evaluate resizes them
        print(f"{side} pixels: test accuracy {100 * evaluate(model, cifar.x_test, cifar.y_test)['top1']:.1f} %")

# %%
predict(
    "Which of these networks can *not* be given larger images?",
    ["MLP-Mixer and gMLP", "FNet", "The CNN"],
    answer="Which of them have a weight for each token? The message below names it.",
    right=0,
)

# %% tags=["nbval-check-output"]
for name in ("mixer", "gmlp", "fnet", "conv"):
    try:
        adapt(classifier(f"{name}_course", (32, 32, 3), 100), 3, image_size=48)
        print(f"{name}: follows")
    except ValueError as error:
        print(f"{name}: {str(error).partition(': ')[2]}")

# %% [markdown]
# ## Take it apart · lab · 5 minutes
#
# ### Your own images
#
# Put your images into a folder with one sub-folder for each class, and write its path below. Without one, the lesson
# makes a folder of its pieces.

# %% [markdown] tags=["teacher"]
# - **Ask:** Twenty photographs of your dog in one afternoon: what would the network learn to recognise?
# - **Students say:** “The dog.” Or the garden: how would you find out?
# - **Misconception:** That a random split makes test images new. Burst photographs are nearly the same.
# - **If late:** The folder as homework; the patchwork in class.

# %%
FOLDER = None  # such as "/content/my_images", with one sub-folder for each class

if FOLDER is None:
    FOLDER = Path(tempfile.mkdtemp(), "pieces")
    for name, cut in pieces.items():
        (FOLDER / name).mkdir(parents=True)
        for k, piece in enumerate(cut):
            Image.fromarray(piece).save(FOLDER / name / f"{k:02}.png")
mine = load_dataset(FOLDER)
print(mine)

# %%
tuned = adapt(network, mine.num_classes)
mine_run = train(
    tuned, mine, Recipe(epochs=10, batch_size=16, learning_rate=1e-3, weight_decay=0.05, augment=("flip",))
)
print(f"test accuracy {100 * mine_run.test.top1:.0f} %, on {len(mine.x_test)} images")

# %%
show.samples(mine, model=tuned)

# %% [markdown]
# How far would you trust that number? Two questions to every such result. Are there enough test images? And are they
# *new*: a piece of the same photograph has the colours of its neighbours, and so has the tenth photograph of the same
# dog on the same lawn. Exercise 4 finds at least the images that are there twice.
#
# ### What does an answer hang on?
#
# Lesson 04 asked whether an attention map explains an answer. Its referee again: cover a patch with the mean colour,
# and see how much of its probability the answer loses (Zeiler and Fergus 2014, [arXiv
# 1311.2901](https://arxiv.org/abs/1311.2901), section 4.2). To know the right answer we build an image: one quarter is
# a piece of the cat, all else is coffee.

# %%
predict(
    "The network is asked for “cat”. Which patches will cost most when they are covered?",
    ["Those of the cat's quarter", "Those where the quarter meets the coffee", "It could be anywhere"],
    answer="Compare with the map below, and with what attention would have told you.",
)

# %%
judge = models["fine-tuned"]  # on the twenty pieces
CAT = list(pieces).index("cat")


def patchwork(cat, coffee):
    """Two pieces (32, 32, 3) -> the second one with the first one's upper right quarter in it."""
    image = coffee.copy()
    image[:16, 16:] = cat[:16, 16:]
    return image


def taken(model, image):
    """(h, w, 3) -> (rows, columns): how much the mean over all tokens takes from each patch, through all blocks."""
    rolled = analysis.rollout(analysis.attention(model, image[None]))[-1, 0]
    return rolled.mean(axis=0).reshape(analysis.token_grid(model))


def side_by_side(image, maps):
    """Lays an image and maps of its patches side by side: (rows, columns) each, below 0 blue, above 0 red."""
    side = 192
    cards = [figures.with_title(figures.enlarge(image, side // len(image)), "the image", "")]
    for name, values in maps.items():
        colours = figures.diverging(values) if values.min() < 0 else figures.sequential(values)
        cards.append(figures.with_title(figures.enlarge(colours, side // len(values)), name, ""))
    return figures.beside(cards)


test_pieces = {name: twenty.x_test[twenty.y_test == k] for k, name in enumerate(twenty.class_names)}
mixed = [patchwork(cat, coffee) for cat, coffee in zip(test_pieces["cat"], test_pieces["coffee"], strict=True)]
cat_shares = ops.convert_to_numpy(ops.softmax(judge(np.stack(mixed).astype("float32"))))[:, CAT]
image = mixed[int(cat_shares.argmax())]  # the one that looks most like a cat
print(f"cat: {cat_shares.max():.0%}")
maps = {"rollout": taken(judge, image), "occlusion": analysis.occlusion(judge, image, CAT)}
show.image(
    side_by_side(image, maps),
    "A patchwork; what the mean takes from each patch; what covering it costs the answer cat (red; blue: it gains)",
)

# %%
inside = np.zeros((8, 8), bool)
inside[:4, 4:] = True
drops = np.stack([analysis.occlusion(judge, image, CAT) for image in mixed[:20]])
paid = np.clip(drops, 0, None).sum(axis=0)
looked = np.sum([taken(judge, image) for image in mixed[:20]], axis=0)
for name, values in (("rollout", looked), ("occlusion", paid)):
    print(f"{name:9}: {values[inside].sum() / values.sum():.0%} of it inside the cat's quarter (a quarter is 25 %)")

# %% [markdown]
# Which of the two points at the cat, over twenty patchworks? And is it so for another network? Take
# `judge, _ = learn("fine-tuned", deal(3, 20), seed=3)` and run the two cells again. The rollout tells what is handed
# on, for whichever answer; occlusion asks for one answer. It has faults of its own: a covered patch is an image that
# the network has never seen, and of two patches that say the same neither costs anything.
#
# **The paper's own network.** With the internet: ViT-Ti/16 (23 MB, fetched once), a photograph, and three answers side
# by side. `photograph` may be your own: `as_image("my_photo.jpg", 256)` from `course_utils.data.images` reads one.

# %%
FETCH = False  # True fetches it
photograph = photographs(256)["cat"]

published = session.published("vit_ti16", FETCH)
if published:
    pixels = published.prepare(photograph)
    shares = ops.convert_to_numpy(ops.softmax(published.model(pixels)[0]))
    best = int(shares.argmax())
    print(f"{shares[best]:.0%} {published.class_names[best]}")
    A = analysis.attention(published.model, pixels)[:, 0]  # (blocks, heads, 1 + n, 1 + n); token 0 is the class token
    maps = {
        "attention, last block": A[-1].mean(axis=0)[0, 1:].reshape(14, 14),
        "rollout": analysis.rollout(A)[-1, 0, 1:].reshape(14, 14),
        "occlusion": analysis.occlusion(published.model, pixels[0], best),
    }
    words = "A photograph; the class token's attention, the rollout, and what covering each patch costs the answer"
    display(show.image(side_by_side(figures.resized(pixels, (192, 192))[0].astype("uint8"), maps), words))

# %% [markdown]
# ## Your turn · lab · 26 minutes
#
# Write the missing lines, run the cell, read what the check says. A solution unfolds below. Take as many as time
# allows.
#
# ### 1 · The nearest mean
#
# Features of `m` images, the class of each (0, 1, 2, …), and the features of `k` new ones: give each new one the class
# whose mean is nearest.

# %% [markdown] tags=["teacher"]
# - **Ask:** Exercise 2: where does the middle of the first of 12 vectors lie, among 8 old ones?
# - **Students say:** “At 0.” Its patch is narrower: draw both rows of patches below each other.
# - **Misconception:** That occlusion needs the network's insides: it needs its answers alone.
# - **If late:** 1 and 4 in class: each is three lines.


# %% exercise="nearest_mean"
def nearest_mean(features, labels, new):
    """(m, d), (m,), (k, d) -> (k,)."""
    ### BEGIN SOLUTION
    means = np.stack([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    apart = np.square(new[:, None] - means).sum(axis=-1)  # (k, classes)
    return apart.argmin(axis=1)
    ### END SOLUTION


exercises.check_nearest_mean(nearest_mean)

# %% [markdown]
# ### 2 · Positions in a row
#
# Stretch a row of `k` vectors to `size` of them. Old and new patches cover the same image, so the middle of new patch
# $i$ lies at $(i + \frac12) · k / s - \frac12$, counted in old patches, with $s$ the size. `np.interp(places,
# old_places, numbers)` interpolates one channel, and keeps the outermost value beyond the ends. (Positions in a grid:
# first all rows, then all columns.)


# %% exercise="stretch"
def stretch(values, size):
    """(k, d) -> (size, d)."""
    ### BEGIN SOLUTION
    k = len(values)
    places = (np.arange(size) + 0.5) * k / size - 0.5
    return np.stack([np.interp(places, np.arange(k), channel) for channel in values.T], axis=1)
    ### END SOLUTION


exercises.check_stretch(stretch)

# %% [markdown]
# ### 3 · Occlusion
#
# `probability(image)` is a network's probability of one class. Cover each patch of `p × p` pixels in turn with the mean
# colour of the image, three numbers. How much less is the probability then?


# %% exercise="occlude"
def occlude(probability, image, p):
    """A function, (h, w, 3), a whole number -> (h / p, w / p)."""
    rows, columns = image.shape[0] // p, image.shape[1] // p
    drops = np.zeros((rows, columns))
    ### BEGIN SOLUTION
    for row in range(rows):
        for column in range(columns):
            covered = image.copy()
            covered[p * row : p * (row + 1), p * column : p * (column + 1)] = image.mean(axis=(0, 1))
            drops[row, column] = probability(image) - probability(covered)
    ### END SOLUTION
    return drops


exercises.check_occlude(occlude)

# %% [markdown]
# ### 4 · Was the test new?
#
# For each test image: is the very same image, pixel by pixel, among the training images?


# %% exercise="seen_before"
def seen_before(train, test):
    """uint8 (m, h, w, 3) and (k, h, w, 3) -> (k,) of True and False."""
    ### BEGIN SOLUTION
    equal = (train[:, None] == test[None]).all(axis=(2, 3, 4))  # (m, k)
    return equal.any(axis=0)
    ### END SOLUTION


exercises.check_seen_before(seen_before)

# %% [markdown]
# **Go on from here.** Begin with `load_trained("vit_course", 1)`, the same network after one epoch: how much of the
# pre-training is worth what? Fine-tune the 48-pixel network (`adapt(network, 3, image_size=48)`). And pre-train on
# something that has nothing to do with photographs: does a ViT that solves the puzzle of lesson 01 help here?

# %% [markdown]
# ## What the paper found, what we measured · 1 minute
#
# **The paper.** Its ViT-L/16 is worse than the smaller ViT-B/16 when both are pre-trained on ImageNet alone, and pulls
# ahead with 300 million images (section 4.3). It fine-tunes at a higher resolution than it pre-trains at, with
# interpolated positions and a head of zeros, as you did here.

# %% [markdown] tags=["teacher"]
# - **Ask:** You have 200 images of leaves. What do you do first, and what do you measure it against?
# - **Students say:** “Train a ViT.” A linear probe takes a minute and is the number to beat.
# - **Misconception:** That fine-tuning is always the better choice. With few images the probe is hard to beat.
# - **If late:** Only the three things to take home.

# %% [markdown]
# **This course.** The
# [keras.io example](https://keras.io/examples/vision/image_classification_with_vision_transformer/) trains its ViT from
# scratch; so did every lesson before this one. The network of this lesson learned CIFAR-100 on a CPU, and its weights,
# rounded to a few steps each, fit into the package:

# %%
card = trained("vit_course")
shipped = card.snapshots[str(card.kept)]
print(f"{card.dataset}, recipe {card.recipe}, {card.kept} epochs:", end=" ")
print(f"test top-1 {show.percent(shipped.test_top1)} as trained, {show.percent(shipped.shipped_top1)} as shipped")

# %% [markdown]
# The three ways on photographs, recorded: a ViT has learned 90 classes of CIFAR-100 for 8 epochs. The ten other classes
# it then learns from 5, 20 or 100 images of each, in 400 steps, five times, each time from images of its own:

# %%
show.table(
    [
        {key: row[key] for key in ("network", "mean", "standard deviation")}
        for row in tables.mean_and_deviation("transfer")
    ]
)

# %% [markdown]
# (The first row is the ViT on its own 90 classes.) With 5 and with 20 images of each class the linear probe is ahead,
# with 100 fine-tuning. From scratch is last each time. (Not so with your pieces, whose test images come from the same
# three photographs.)

# %% [markdown]
# **Three things to take home.**
#
# 1. A trained network is worth more than its answers: its features serve tasks that it was never trained for.
# 2. A linear probe is cheap and says at once whether that is so. Fine-tuning and training from scratch must beat it.
# 3. An explanation can be tested: build an image whose right answer you know, and cover its parts.
