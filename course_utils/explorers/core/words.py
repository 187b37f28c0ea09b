"""How explorers write numbers, names and positions."""


def percent(share: float, least: float = 0.01) -> str:
    """Writes a share between 0 and 1 in whole percent."""
    return "less than 1 %" if share < least else f"{100 * share:.0f} %"


def number(value: float, form: str = "+.2f") -> str:
    """Writes a number with its sign; minus is the sign, not the hyphen."""
    return format(value, form).replace("-", "−")


def count(value: float, one: str) -> str:
    """Writes how many of something there are: 1 wave, 2 waves."""
    return f"{value:g} {one}{'' if value == 1 else 's'}"


def at(index: int, columns: int, what: str = "token") -> str:
    """Writes which one is meant, and where it lies."""
    return f"{what} {index} (row {index // columns}, column {index % columns})"


def short(name: str, longest: int = 24) -> str:
    """Leaves out the middle of a long name."""
    return name if len(name) <= longest else name[: longest - 9] + "…" + name[-8:]
