"""Fields that say what is wrong with a value: course_utils.checked."""

import inspect

import numpy as np
import pytest

from course_utils.checked import Accuracy, Count, Flag, Grid, Number, Share, Text, Whole, arguments, checked
from course_utils.models import Config
from course_utils.training.recipes import Recipe


@checked
class Thing:
    count: Count = 1
    whole: Whole = 0
    number: Number = 0.0
    share: Share = 0.0
    accuracy: Accuracy = 0.0
    flag: Flag = False
    text: Text = ""

    def __post_init__(self):
        if self.whole == 13:
            raise ValueError("Thing: whole must not be 13")


@checked
class Box:
    thing: Thing


class Nobody:
    """What no argument is."""


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("count", np.int64(3), 3),
        ("whole", np.uint8(200), 200),
        ("number", np.float32(0.5), 0.5),
        ("number", np.int32(2), 2.0),
        ("number", 2, 2.0),
        ("share", np.float64(0.25), 0.25),
        ("accuracy", 1, 1.0),
        ("flag", np.bool_(True), True),
        ("text", "छवि 画像 é", "छवि 画像 é"),
    ],
)
def test_a_number_is_a_number_wherever_it_was_counted(field, value, kept):
    found = getattr(Thing(**{field: value}), field)
    assert found == kept
    assert type(found) is type(kept)


WRONG = [
    ("count", 0, "Thing: count should be greater than or equal to 1, but it is 0"),
    ("count", True, "Thing: count should be a valid integer, but it is True"),
    ("count", np.bool_(True), "Thing: count should be a valid integer, but it is True"),
    ("count", 2.0, "Thing: count should be a valid integer, but it is 2.0"),
    ("count", "3", "Thing: count should be a valid integer, but it is '3'"),
    ("count", None, "Thing: count should be a valid integer, but it is None"),
    ("count", [1], "Thing: count should be a valid integer, but it is a list"),
    ("whole", 10**400, "Thing: whole should be less than or equal to 1000000000000000000, but it is 1000000"),
    ("whole", 10**5000, "Thing: whole should be less than .*, but it is a very large int"),
    ("number", True, "Thing: number should be a valid number, but it is True"),
    ("number", 10**400, "Thing: number should be a valid number, but it is 1000000"),
    ("number", float("nan"), "Thing: number should be a finite number, but it is nan"),
    ("number", np.float32("inf"), "Thing: number should be a finite number, but it is inf"),
    ("share", 1.0, "Thing: share should be less than 1, but it is 1.0"),
    ("accuracy", 1.1, "Thing: accuracy should be less than or equal to 1, but it is 1.1"),
    ("flag", 1, "Thing: flag should be a valid boolean, but it is 1"),
    ("flag", "false", "Thing: flag should be a valid boolean, but it is 'false'"),
    ("text", "a\nb", r"Thing: text should hold no control characters, but it is 'a\\nb'"),
    ("text", "a\u2028b", "Thing: text should hold no control characters"),
    ("text", "\ud800", "Thing: text "),
    ("text", "x" * 200_000, "Thing: text should have at most 200 characters, but it is 'xxxx"),
    ("text", 3, "Thing: text should be a valid string, but it is 3"),
    ("whole", 13, "Thing: whole must not be 13"),
    ("colour", "red", "Thing: there is no 'colour'; it has count, whole, number"),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG, ids=map(str, range(len(WRONG))))
def test_what_is_wrong_is_one_sentence_with_field_value_and_what_would_be_right(field, value, message):
    with pytest.raises(ValueError, match=f"^{message}") as raised:
        Thing(**{field: value})
    assert len(str(raised.value)) < 300
    assert "\n" not in str(raised.value)


def test_fields_without_a_name_and_fields_of_fields_are_named():
    with pytest.raises(ValueError, match=r"^Thing: whole should be a valid integer, but it is 0.5$"):
        Thing(1, 0.5)
    with pytest.raises(ValueError, match=r"^Box: thing is missing$"):
        Box()
    with pytest.raises(ValueError, match=r"^Box: thing should be .* Thing.*, but it is a dict$"):
        Box({"count": 0})
    with pytest.raises(ValueError, match=r"^Box: it has 1 fields, but 2 values are given$"):
        Box(Thing(), 1)


def test_a_function_checks_what_is_annotated_and_leaves_the_rest_to_python():
    @arguments(owner="Oven")
    def bake(what, minutes: Count = 5, *, trays: Grid = (1, 1), late: "Nobody" = None, **more: Nobody):
        return what, minutes, trays, more

    assert bake(None, np.int64(3), trays=[2, 3], salt=1) == (None, 3, (2, 3), {"salt": 1})
    assert str(inspect.signature(bake)).startswith("(what, minutes: ")
    with pytest.raises(ValueError, match=r"^Oven: minutes should be a valid integer, but it is True$"):
        bake("bread", True)
    with pytest.raises(ValueError, match=r"^Oven: trays.1 should be greater than or equal to 1, but it is 0$"):
        bake("bread", trays=(1, 0))
    with pytest.raises(TypeError, match=r"bake\(\) missing 1 required positional argument: 'what'"):
        bake()


def test_the_networks_and_recipes_own_sentences_are_told_once():
    with pytest.raises(ValueError, match=r"^Config: depth should be greater than or equal to 1, but it is 0$"):
        Config("vit", 4, 8, 0, 8, num_heads=2)
    with pytest.raises(ValueError, match=r"^Config: mixing must be one of 'mixer', .*, but it is 'vitt'$"):
        Config("vitt", 4, 8, 1, 8)
    with pytest.raises(ValueError, match=r"^Recipe: last_rate must be below learning_rate=0.1, but it is 0.2$"):
        Recipe(1, learning_rate=0.1, last_rate=0.2)


def test_a_checked_thing_keeps_its_values():
    with pytest.raises(AttributeError):
        Thing().count = 2
    open_thing = checked(frozen=False)(type("Open", (), {"__annotations__": {"count": Count}}))
    thing = open_thing(1)
    thing.count = 2
    assert thing.count == 2
