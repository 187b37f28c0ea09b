"""Dataclasses whose fields pydantic checks, with errors in the course's words: what came, and what would be right."""

import unicodedata
from dataclasses import field, fields
from functools import wraps
from typing import Annotated, Any, dataclass_transform

import numpy as np
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True)


def _plain(value: Any) -> Any:
    """Turns NumPy's numbers into Python's: a number is a number, wherever it was counted."""
    return value.item() if isinstance(value, np.generic) else value


def _line(text: str) -> str:
    """Refuses what would leave its line on a page or in a table, and what no file can hold."""
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise ValueError("should hold no control characters")
    return text


Whole = Annotated[int, BeforeValidator(_plain), Field(ge=-(10**18), le=10**18)]
Count = Annotated[Whole, Field(ge=1)]
Number = Annotated[float, BeforeValidator(_plain), Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Accuracy = Annotated[Number, Field(ge=0, le=1)]
Flag = Annotated[bool, BeforeValidator(_plain)]
Text = Annotated[str, Field(max_length=200), AfterValidator(_line)]


def _shown(value: Any) -> str:
    """Returns a value for a sentence: short, and on one line."""
    if isinstance(value, dict | list):
        return f"a {type(value).__name__}"
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more digits than Python writes
        return f"a very large {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:100]}…"


def in_words(owner: str, error: ValidationError) -> str:
    """Returns the first thing that pydantic found wrong as one sentence: field, what would be right, what came.

    A check of our own says either "should …", about one field, or, in a `__post_init__`, a sentence of its own.
    """
    first = error.errors(include_url=False)[0]
    own = str(first.get("ctx", {}).get("error", "should"))
    if not own.startswith("should"):
        return own if own.startswith(f"{owner}: ") else f"{owner}: {own}"
    where = ".".join(map(str, first["loc"])) or "the arguments"
    if not where.isprintable() or len(where) > 100:
        where = _shown(where)
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{owner}: there is no {where!r}"
    if first["type"] in ("missing", "missing_argument"):
        return f"{owner}: {where} is missing"
    _, should, rest = first["msg"].partition("should")
    return f"{owner}: {where} {should + rest or first['msg']}, but it is {_shown(_plain(first['input']))}"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def checked(cls=None, *, frozen: bool = True):
    """Makes a dataclass that pydantic checks when it is made; what is wrong becomes a ValueError of one sentence."""
    if cls is None:
        return lambda cls: checked(cls, frozen=frozen)
    cls = dataclass(config=STRICT, frozen=frozen)(cls)
    make = cls.__init__
    names = [one.name for one in fields(cls)]

    @wraps(make)
    def __init__(self, *args, **kwargs):
        try:  # by name, so that an error names the field
            make(self, *args[len(names) :], **dict(zip(names, args, strict=False)), **kwargs)
        except ValidationError as error:
            message = in_words(cls.__name__, error)
            if "there is no" in message:
                message += f"; it has {', '.join(names)}"
            raise ValueError(message) from None

    cls.__init__ = __init__  # type: ignore[method-assign]
    return cls
