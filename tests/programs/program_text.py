"""Programs as trees: text, and smaller programs like them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

LITERALS = {"int": "1", "float": "1.5", "bool": "True", "str": '"a"', "Tensor": "torch.ones([2, 3])"}


@dataclasses.dataclass(frozen=True)
class Expr:
    type: str
    parts: tuple[str | Expr, ...]

    def __str__(self):
        return "".join(map(str, self.parts))

    def size(self) -> int:
        return 1 + sum(part.size() for part in self.parts if isinstance(part, Expr))

    def children(self) -> Iterator[Expr]:
        return (part for part in self.parts if isinstance(part, Expr))

    def below(self) -> Iterator[Expr]:
        for child in self.children():
            yield child
            yield from child.below()

    def smaller(self) -> Iterator[Expr]:
        """A part of the same type, a literal, or the same with a smaller part."""
        for child in self.below():
            if child.type == self.type:
                yield child
        literal = LITERALS.get(self.type)
        if literal is not None and self.parts != (literal,) and self.size() > 1:
            yield Expr(self.type, (literal,))
        for at, part in enumerate(self.parts):
            if isinstance(part, Expr):
                for less in part.smaller():
                    yield Expr(self.type, (*self.parts[:at], less, *self.parts[at + 1 :]))


@dataclasses.dataclass(frozen=True)
class Stmt:
    """A line, or the head of a block with its body and perhaps an `else`."""

    head: tuple[str | Expr, ...]
    body: tuple[Stmt, ...] | None = None
    otherwise: tuple[Stmt, ...] = ()

    def lines(self, indent: str) -> Iterator[str]:
        yield indent + "".join(map(str, self.head))
        if self.body is None:
            return
        yield from block_lines(self.body, indent + "    ")
        if self.otherwise:
            yield indent + "else:"
            yield from block_lines(self.otherwise, indent + "    ")

    def ends(self) -> int:
        """Statements at the begin of the body that make a loop end: its counter, and the test of `while True`."""
        head = str(self.head[0])
        return 2 if head.startswith("while True") else 1 if head.startswith("while") else 0

    def smaller(self) -> Iterator[tuple[Stmt, ...]]:
        """Statements that may stand in its place."""
        if self.body is not None:
            yield self.body
            if self.otherwise:
                yield self.otherwise
                yield (dataclasses.replace(self, otherwise=()),)
            kept = self.body[: self.ends()]
            for body in smaller_blocks(self.body[self.ends() :]):
                yield (dataclasses.replace(self, body=kept + body),)
            for otherwise in smaller_blocks(self.otherwise):
                yield (dataclasses.replace(self, otherwise=otherwise),)
        for at, part in enumerate(self.head):
            if isinstance(part, Expr):
                for less in part.smaller():
                    yield (dataclasses.replace(self, head=(*self.head[:at], less, *self.head[at + 1 :])),)


def block_lines(block: tuple[Stmt, ...], indent: str) -> Iterator[str]:
    if not block:
        yield indent + "pass"
    for stmt in block:
        yield from stmt.lines(indent)


def smaller_blocks(block: tuple[Stmt, ...]) -> Iterator[tuple[Stmt, ...]]:
    half = len(block) // 2
    if half > 1:
        yield block[:half]
        yield block[half:]
    for at, stmt in enumerate(block):
        yield block[:at] + block[at + 1 :]
    for at, stmt in enumerate(block):
        for less in stmt.smaller():
            yield block[:at] + less + block[at + 1 :]


@dataclasses.dataclass(frozen=True)
class Program:
    functions: tuple[Stmt, ...]

    def __str__(self):
        return "\n".join("\n".join(function.lines("")) for function in self.functions) + "\n"

    def smaller(self) -> Iterator[Program]:
        for at in range(len(self.functions)):
            yield Program(self.functions[:at] + self.functions[at + 1 :])
        for at, function in enumerate(self.functions):
            for body in smaller_blocks(function.body):
                yield Program(
                    (*self.functions[:at], dataclasses.replace(function, body=body), *self.functions[at + 1 :])
                )
