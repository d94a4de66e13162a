"""Control flow: branches, loops, early exits, refinement."""

from typing import Dict, List, Optional, Tuple, Union

import torch
from torch import Tensor, nn


class Branches(nn.Module):
    def forward(self, x: Tensor, n: int, flag: bool) -> Tensor:
        if n > 3:
            y = x + 1
        elif n > 1 and flag:
            y = x * 2
        elif not flag or n == 0:
            y = x - 1
        else:
            y = -x
        z = x if flag else y
        if flag:
            z = z + y
        return z * (3 if n > 2 else 4)


class EarlyReturn(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tuple[Tensor, int]:
        if n == 0:
            return x, 0
        y = x + n
        if n < 0:
            if n < -5:
                return y, -1
            y = y * 2
        for i in range(n):
            if i == 3:
                return y, i
            y = y + i
        while n < 100:
            n = n * 2
            if n == 64:
                break
            for j in range(5):
                if j == n:
                    return y - j, j
                if j > 3:
                    break
        return y, n


class Loops(nn.Module):
    def forward(self, x: Tensor, items: List[int], table: Dict[str, float]) -> Tuple[Tensor, int, float, str]:
        total = 0
        for item in items:
            if item == 2:
                continue
            if item > 50:
                break
            total += item
        count = 0.0
        names = ""
        for name, value in table.items():
            names += name
            count += value
        for i, (a, b) in enumerate(zip(items, range(10, 0, -3))):
            total += i * a - b
        for i in range(2, 9, 3):
            x = x + i
        for row in x:
            total += int(row.sum().item())
        for letter in "abc":
            names += letter + "-"
        for key in table:
            names += key
        k = 0
        while True:
            k += 1
            if k % 2 == 0:
                continue
            if k > 7:
                break
            total += k
        return x, total, count, names


class Refinement(nn.Module):
    def forward(self, x: Tensor, y: Optional[Tensor], n: Optional[int], u: Union[int, str, Tensor]) -> Tensor:
        if y is None:
            y = torch.zeros_like(x)
        x = x + y
        if n is not None and n > 2:
            x = x * n
        k = n if n is not None else 7
        x = x + k
        if n is None or n < 0:
            x = x - 1
        else:
            x = x + n
        assert isinstance(u, (int, str, Tensor)), "no such thing"
        if isinstance(u, int):
            x = x + u
        elif isinstance(u, Tensor):
            x = x * u.sum()
        else:
            x = x - len(u)
        return x


class Exceptions(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tensor:
        if n == 1:
            raise ValueError("n is one")
        if n == 2:
            raise RuntimeError(f"n is {n} and x has {x.dim()} dimensions")
        assert n != 3, "n is three"
        assert n != 4
        if n == 5:
            raise NotImplementedError("five")
        return x + n


class NestedReturns(nn.Module):
    def pick(self, x: Tensor, n: int) -> Optional[Tensor]:
        for i in range(n):
            for j in range(n):
                if i * j == 6:
                    return x * i
                if i * j > 20:
                    return None
        if n > 2:
            return x
        return None

    def classify(self, n: int) -> str:
        if n < 0:
            return "negative"
        elif n == 0:
            return "zero"
        else:
            for i in range(10):
                if i * i == n:
                    return "square"
        return "other"

    def forward(self, x: Tensor, n: int) -> Tuple[Tensor, str]:
        y = self.pick(x, n)
        label = self.classify(n)
        if y is None:
            return x - 1, label
        return y, label


class Carried(nn.Module):
    def forward(self, x: Tensor, n: int) -> Tuple[Tensor, int, bool, Optional[int]]:
        best: Optional[int] = None
        found = False
        last = 0
        a, b = 0, 1
        for i in range(n):
            a, b = b, a + b
            if b % 7 == 0 and best is None:
                best = b
                found = True
            elif b % 11 == 0:
                found = not found
            if best is not None:
                last += best
        for i in range(3):
            y = x * i
            if i == 1:
                x = x + y
        return x, a + last, found, best


class Comprehensions(nn.Module):
    def forward(self, x: Tensor, items: List[int]) -> Tuple[List[int], Dict[int, str], List[Tensor], List[List[int]]]:
        squares = [item * item for item in items]
        table = {item: str(item) for item in squares}
        tensors = [x + i for i in range(3)]
        nested = [[i * j for j in items] for i in items]
        return squares, table, tensors, nested


EXAMPLES = {
    Branches: [(torch.ones(2), n, flag) for n in (0, 1, 2, 3, 4) for flag in (True, False)],
    EarlyReturn: [(torch.ones(2), n) for n in (-9, -2, 0, 1, 3, 4, 5, 64, 70)],
    Loops: [
        (torch.arange(6.0).view(2, 3), [1, 2, 3, 60, 4], {"a": 1.5, "b": 2.0}),
        (torch.zeros(1, 1), torch.jit.annotate(List[int], [0]), {"q": 0.5}),
    ],
    Refinement: [
        (torch.ones(2), None, None, 3),
        (torch.ones(2), torch.ones(2), 5, "abc"),
        (torch.ones(2), torch.ones(1), -5, torch.ones(3)),
        (torch.ones(2), None, 1, "x"),
    ],
    Exceptions: [(torch.ones(1), n) for n in range(7)],
    NestedReturns: [(torch.ones(2), n) for n in (-1, 0, 1, 2, 3, 4, 9, 16, 17)],
    Carried: [(torch.ones(2), n) for n in (0, 1, 7, 12)],
    Comprehensions: [(torch.ones(2), [1, 2, 3])],
}
