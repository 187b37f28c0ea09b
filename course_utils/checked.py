"""Arguments and fields that pydantic checks, with errors in the course's words: what came, and what would be right."""

import functools
import inspect
import unicodedata
from dataclasses import field, fields
from typing import Annotated, Any, dataclass_transform

import numpy as np
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True)


def _plain(value: Any) -> Any:
    """Turns NumPy's numbers into Python's: a number is a number, wherever it was counted."""
    return value.item() if isinstance(value, np.generic) else value


def one_line(text: str) -> str:
    """Returns text without what would leave its line on a page or in a table, and what no file can hold."""
    return "".join(sign for sign in text if unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp"))


def _line(text: str) -> str:
    if text != one_line(text):
        raise ValueError("should hold no control characters")
    return text


Plain = BeforeValidator(_plain)
Whole = Annotated[int, Plain, Field(ge=-(10**18), le=10**18)]
Count = Annotated[Whole, Field(ge=1)]
Size = Annotated[Count, Field(le=2**15)]  # of an axis of a network: what is larger fits into no memory
Seed = Annotated[int, Plain, Field(ge=0, lt=2**32)]
Number = Annotated[float, Plain, Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, lt=1)]
Accuracy = Annotated[Number, Field(ge=0, le=1)]
Flag = Annotated[bool, Plain]
Text = Annotated[str, Field(max_length=200), AfterValidator(_line)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]
Grid = Annotated[tuple[Count, Count], Field(strict=False)]  # a saved one comes back as a list


def shown(value: Any) -> str:
    """Returns a value for a sentence: short, and on one line."""
    if isinstance(value, dict | list | np.ndarray):
        return f"a {type(value).__name__}"
    try:
        text = " ".join(repr(_plain(value)).split())
    except ValueError:  # a whole number of more digits than Python writes
        return f"a very large {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:100]}…"


def in_words(owner: str, error: ValidationError, name: str = "") -> str:
    """Returns the first thing that pydantic found wrong as one sentence: field, what would be right, what came.

    A check of our own says either "should …", about one field, or, in a `__post_init__`, a sentence of its own.
    """
    first = error.errors(include_url=False)[0]
    own = str(first.get("ctx", {}).get("error", "should"))
    if not own.startswith("should"):
        return own if own.startswith(f"{owner}: ") else f"{owner}: {own}"
    where = ".".join(filter(None, (name, *map(str, first["loc"])))) or "the arguments"
    if not where.isprintable() or len(where) > 100:
        where = shown(where)
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{owner}: there is no {where!r}"
    if first["type"] in ("missing", "missing_argument"):
        return f"{owner}: {where} is missing"
    said = first["msg"].partition(", unable")[0]
    said = said[max(said.find("should"), 0) :]
    return f"{owner}: {where} {said}, but it is {shown(first['input'])}"


@functools.cache
def adapter(kind) -> TypeAdapter:
    """Returns what checks values of a kind: a type, or one of the kinds above."""
    try:
        return TypeAdapter(kind, config=STRICT)
    except PydanticUserError:  # a dataclass brings its own
        return TypeAdapter(kind)


def check(owner: str, name: str, kind, value: Any) -> Any:
    """Returns a value, as its kind wants it; ValueError if it cannot be: its name, what would be right, what came."""
    try:
        return adapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError(in_words(owner, error, name)) from None


def arguments(function=None, *, owner: str = ""):
    """Makes a function check those of its arguments that are annotated, before it begins; see `check`.

    An error begins with `owner`, the function's name if not given.
    """
    if function is None:
        return functools.partial(arguments, owner=owner)
    signature = inspect.signature(function)
    kinds = {
        name: one.annotation
        for name, one in signature.parameters.items()
        if one.annotation is not one.empty and not isinstance(one.annotation, str) and one.kind is not one.VAR_KEYWORD
    }

    @functools.wraps(function)
    def checked_first(*args, **kwargs):
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # Python says what is wrong
        for name in bound.arguments.keys() & kinds:
            bound.arguments[name] = check(owner or function.__name__, name, kinds[name], bound.arguments[name])
        return function(*bound.args, **bound.kwargs)

    checked_first.__signature__ = signature  # type: ignore[attr-defined]  # Keras looks for it here
    return checked_first


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def checked(cls=None, *, frozen: bool = True):
    """Makes a dataclass that pydantic checks when it is made; what is wrong becomes a ValueError of one sentence."""
    if cls is None:
        return functools.partial(checked, frozen=frozen)
    cls = dataclass(config=STRICT, frozen=frozen)(cls)
    make = cls.__init__
    names = [one.name for one in fields(cls)]

    @functools.wraps(make)
    def __init__(self, *args, **kwargs):
        if len(args) > len(names):
            raise ValueError(f"{cls.__name__}: it has {len(names)} fields, but {len(args)} values are given")
        try:  # by name, so that an error names the field
            make(self, **dict(zip(names, args, strict=False)), **kwargs)
        except ValidationError as error:
            message = in_words(cls.__name__, error)
            if "there is no" in message:
                message += f"; it has {', '.join(names)}"
            raise ValueError(message) from None

    cls.__init__ = __init__  # type: ignore[method-assign]
    return cls
