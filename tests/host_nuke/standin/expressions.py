"""Nuke's expressions: numbers, knobs by dotted names, C's operators. The same for knobs and for the Expression node,
where the values are whole pictures.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)"
    r"|(?P<name>[A-Za-z_][\w]*(?:\.[A-Za-z_0-9][\w]*)*)"
    r"|(?P<tcl>\[[^\]]*\])"
    r"|(?P<op>\*\*|==|!=|<=|>=|&&|\|\||[-+*/%^<>!?:(),]))"
)

Lookup = Callable[[str], Any]

FUNCTIONS: Dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "clamp": lambda v, low=0.0, high=1.0: np.minimum(np.maximum(v, low), high),
    "cos": np.cos,
    "exp": np.exp,
    "floor": np.floor,
    "int": np.trunc,
    "lerp": lambda a, b, t: a + (b - a) * t,
    "log": np.log,
    "max": lambda *v: _fold(np.maximum, v),
    "min": lambda *v: _fold(np.minimum, v),
    "pow": np.power,
    "rint": np.rint,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "isnan": np.isnan,
}
CONSTANTS = {"pi": math.pi, "e": math.e}


class ExpressionError(ValueError):
    """What is written is no expression, or names what is not there."""


def _fold(function: Callable[..., Any], values: Tuple[Any, ...]) -> Any:
    result = values[0]
    for one in values[1:]:
        result = function(result, one)
    return result


def evaluate(text: str, lookup: Lookup, tcl: Lookup) -> Any:
    """Its value. `lookup` gives what a name stands for, `tcl` what a bracket gives.

    Raises:
        ExpressionError: it cannot be read, or names what is not there.
    """
    return _Parser(text, lookup, tcl).whole()


class _Parser:
    def __init__(self, text: str, lookup: Lookup, tcl: Lookup) -> None:
        self._text, self._lookup, self._tcl = text, lookup, tcl
        self._tokens = self._read(text)
        self._at = 0

    @staticmethod
    def _read(text: str) -> List[Tuple[str, str]]:
        tokens: List[Tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise ExpressionError(f"Syntax error in {text!r} at {text[at:]!r}")
            tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        return tokens

    def whole(self) -> Any:
        value = self._ternary()
        if self._at != len(self._tokens):
            raise ExpressionError(f"Syntax error in {self._text!r} at {self._tokens[self._at][1]!r}")
        return value

    def _next(self, *wanted: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "op" and self._tokens[self._at][1] in wanted:
            self._at += 1
            return self._tokens[self._at - 1][1]
        return ""

    def _must(self, wanted: str) -> None:
        if not self._next(wanted):
            raise ExpressionError(f"Syntax error in {self._text!r}: {wanted!r} is missing")

    def _ternary(self) -> Any:
        condition = self._binary(0)
        if not self._next("?"):
            return condition
        yes = self._ternary()
        self._must(":")
        no = self._ternary()
        return _choose(condition, yes, no)

    _LEVELS: Tuple[Dict[str, Callable[[Any, Any], Any]], ...] = (
        {"||": lambda a, b: np.logical_or(a, b) * 1.0},
        {"&&": lambda a, b: np.logical_and(a, b) * 1.0},
        {"==": lambda a, b: np.equal(a, b) * 1.0, "!=": lambda a, b: np.not_equal(a, b) * 1.0},
        {
            "<": lambda a, b: np.less(a, b) * 1.0,
            ">": lambda a, b: np.greater(a, b) * 1.0,
            "<=": lambda a, b: np.less_equal(a, b) * 1.0,
            ">=": lambda a, b: np.greater_equal(a, b) * 1.0,
        },
        {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
        {"*": lambda a, b: a * b, "/": np.divide, "%": np.fmod},
    )

    def _binary(self, level: int) -> Any:
        if level == len(self._LEVELS):
            return self._unary()
        value = self._binary(level + 1)
        while True:
            operator = self._next(*self._LEVELS[level])
            if not operator:
                return value
            value = self._LEVELS[level][operator](value, self._binary(level + 1))

    def _unary(self) -> Any:
        if self._next("-"):
            return -self._unary()
        if self._next("+"):
            return self._unary()
        if self._next("!"):
            return np.logical_not(self._unary()) * 1.0
        base = self._atom()
        if self._next("**", "^"):
            return np.power(base, self._unary())
        return base

    def _atom(self) -> Any:
        if self._next("("):
            value = self._ternary()
            self._must(")")
            return value
        if self._at >= len(self._tokens):
            raise ExpressionError(f"Syntax error in {self._text!r}: it ends too soon")
        kind, word = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return float(word)
        if kind == "tcl":
            return float(self._tcl(word[1:-1]))
        if kind != "name":
            raise ExpressionError(f"Syntax error in {self._text!r} at {word!r}")
        if word in FUNCTIONS and self._next("("):
            return FUNCTIONS[word](*self._arguments())
        if word in CONSTANTS:
            return CONSTANTS[word]
        return self._lookup(word)

    def _arguments(self) -> List[Any]:
        found: List[Any] = []
        while not self._next(")"):
            found.append(self._ternary())
            self._next(",")
        return found


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    if np.ndim(condition) == 0:
        return yes if condition else no
    return np.where(np.asarray(condition) != 0, yes, no)
