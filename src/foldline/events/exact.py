"""Python values to JSON text and back, every digit of every number kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from foldline.core.freejson import MAX_BYTES

_Spelling = Callable[[Decimal], str]


def written(value: object) -> str:
    """The compact JSON text of None, bool, int, finite float and Decimal, str, list, tuple and mapping of str.

    A float is written as the shortest decimal that names it. What was read by `parsed` never comes out longer than it
    was, where that decides whether it fits.

    Raises:
        ValueError: `value`, or something in it, has no JSON text; never says which value.
    """
    try:
        text = _text(value, str)
        return text if len(text.encode()) <= MAX_BYTES else _text(value, _shortest)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate") from None


def parsed(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """What sound JSON text says: a number with a fraction or an exponent is a Decimal; of a repeated key the last."""
    return json.loads(text, parse_float=Decimal, parse_int=_integer)


def rounded(value: object) -> Any:  # noqa: ANN401
    """The same with floats, for writers that know no Decimal.

    Raises:
        ValueError: a float cannot hold one of the numbers.
    """
    return json.loads(written(value), parse_float=_float)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or Decimal(repr(number)) != Decimal(text):
        raise ValueError("a number has more digits than pydantic writes; publish the event's `value`")
    return number


def _integer(text: str) -> int | Decimal:
    return Decimal(text) if text == "-0" else int(text)  # an int has no sign to keep there


def _text(value: object, spelled: _Spelling) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return int.__repr__(value)  # not the name of an IntEnum's member
        case float() if math.isfinite(value):
            return float.__repr__(value)
        case Decimal() if value.is_finite():
            return spelled(value)
        case list() | tuple():
            return f"[{','.join(_text(item, spelled) for item in value)}]"
        case Mapping():
            return f"{{{','.join(f'{_name(key)}:{_text(item, spelled)}' for key, item in value.items())}}}"
        case float() | Decimal():
            raise ValueError("NaN and Infinity are no JSON")
        case _:
            raise ValueError(f"{type(value).__name__} is no JSON")


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{type(key).__name__} is no key of a JSON object")  # noqa: TRY004 - what pydantic listens to
    return json.dumps(key, ensure_ascii=False)


def _shortest(number: Decimal) -> str:
    sign, digits, exponent = number.as_tuple()
    scientific = f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"
    return min(str(number), scientific, key=len)
