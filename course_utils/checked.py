"""Dataclasses whose fields pydantic checks, with errors in the course's words: what came, and what would be right."""

from dataclasses import fields
from functools import wraps
from numbers import Integral, Real
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True)


def _number(value: Any) -> Any:
    """Turns NumPy's numbers into Python's: a whole number is a number, wherever it was counted."""
    if isinstance(value, bool):
        return str(value)  # True is no number, and strict pydantic refuses a text
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def _line(text: str) -> str:
    """Refuses control characters: a card's names are shown on pages and in tables."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("should hold no control characters")
    return text


Whole = Annotated[int, BeforeValidator(_number)]
Count = Annotated[Whole, Field(ge=1)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Text = Annotated[str, Field(max_length=200), AfterValidator(_line)]


def in_words(owner: str, error: ValidationError) -> str:
    """Returns the first thing that pydantic found wrong as one sentence: field, what would be right, what came."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the arguments"
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{owner}: there is no {where!r}"
    if first["type"] in ("missing", "missing_argument"):
        return f"{owner}: {where} is missing"
    wanted = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    value = first["input"] if not isinstance(first["input"], dict | list) else type(first["input"]).__name__
    return f"{owner}: {where} {wanted}, but it is {value!r:.100}"


def checked(cls=None, *, frozen: bool = True):
    """Makes a dataclass that pydantic checks when it is made; what is wrong becomes a ValueError of one sentence."""
    if cls is None:
        return lambda cls: checked(cls, frozen=frozen)
    cls = dataclass(config=STRICT, frozen=frozen)(cls)
    make = cls.__init__

    @wraps(make)
    def __init__(self, *args, **kwargs):
        try:
            make(self, *args, **kwargs)
        except ValidationError as error:
            message = in_words(cls.__name__, error)
            if "there is no" in message:
                message += f"; it has {', '.join(field.name for field in fields(cls))}"
            raise ValueError(message) from None

    cls.__init__ = __init__
    return cls
