"""Random well-typed expressions."""

from __future__ import annotations

import random

from program_text import Expr

SCALARS = ["int", "float", "bool", "str"]
LISTS = ["List[int]", "List[float]", "List[str]", "List[Tensor]", "List[List[int]]", "List[Tuple[int, str]]"]
DICTS = ["Dict[str, int]", "Dict[int, float]", "Dict[str, Tensor]", "Dict[str, List[int]]"]
TUPLES = ["Tuple[int, str]", "Tuple[float, List[int]]", "Tuple[Tensor, int]", "Tuple[Tuple[int, str], bool]"]
OPTIONALS = ["Optional[int]", "Optional[str]", "Optional[Tensor]", "Optional[List[int]]"]
TYPES = SCALARS * 3 + LISTS + DICTS + TUPLES + OPTIONALS + ["Tensor"] * 4
WORDS = ["", "a", "b", "ab", "Zed", "x,y", "a b", "q-9"]


def arguments_of(type_: str) -> list[str]:
    """The types in the brackets of `List[int]`."""
    inner = type_[type_.index("[") + 1 : -1]
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(inner):
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            parts.append(inner[begin:at].strip())
            begin = at + 1
    return [*parts, inner[begin:].strip()]


class Scope:
    def __init__(self, parent: Scope | None = None, loops: int = 0):
        self.own: dict[str, str] = {}
        self.fixed: set[str] = set() if parent is None else parent.fixed
        self.parent = parent
        self.loops = loops

    def all(self) -> dict[str, str]:
        return {**(self.parent.all() if self.parent else {}), **self.own}

    def of(self, type_: str) -> list[str]:
        return [name for name, known in self.all().items() if known == type_]


class ExpressionGenerator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.count = 0
        self.functions: list[tuple[str, list[str], str]] = []

    # Choices.

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, items):
        return self.random.choice(items)

    def fresh(self, hint: str = "v") -> str:
        self.count += 1
        return f"{hint}{self.count}"

    # Expressions.

    def literal(self, type_: str, depth: int = 1) -> Expr:
        r = self.random
        if type_ == "int":
            number = r.randint(-3, 9)
            return Expr(type_, (str(number) if number >= 0 else f"({number})",))
        if type_ == "float":
            number = r.randint(-40, 40) / 8
            return Expr(type_, (str(number) if number >= 0 else f"({number})",))
        if type_ == "bool":
            return Expr(type_, (self.pick(["True", "False"]),))
        if type_ == "str":
            return Expr(type_, (f'"{self.pick(WORDS)}"',))
        if type_ == "Tensor":
            values = [[r.randint(-8, 8) / 4 for _ in range(3)] for _ in range(2)]
            return Expr(type_, (self.pick([f"torch.tensor({values})", "torch.ones([2, 3])", "torch.arange(6.0).view(2, 3)",
                                           "torch.arange(3)", "torch.full([2, 3], 0.5)"]),))
        if type_.startswith("Optional"):
            inner = arguments_of(type_)[0]
            return Expr(type_, ("None",)) if self.chance(0.5) else Expr(type_, (self.literal(inner),))
        return self.container(type_, None, depth)

    def container(self, type_: str, scope: Scope | None, depth: int) -> Expr:
        make = lambda inner: self.literal(inner, depth - 1) if scope is None else self.expr(inner, scope, depth - 1)
        inner = arguments_of(type_)
        if type_.startswith("Tuple"):
            parts: list = ["("]
            for item in inner:
                parts += [make(item), ", "]
            return Expr(type_, (*parts[:-1], ")"))
        count = self.random.randint(0, 3)
        if count == 0:
            return Expr(type_, (f"torch.jit.annotate({type_}, {'[]' if type_.startswith('List') else '{}'})",))
        if type_.startswith("List"):
            parts = ["["]
            for _ in range(count):
                parts += [make(inner[0]), ", "]
            return Expr(type_, (*parts[:-1], "]"))
        keys = self.random.sample(["1", "2", "3", "-4"] if inner[0] == "int" else ['"a"', '"b"', '"k"', '"zz"'], count)
        parts = ["{"]
        for key in keys:
            parts += [key + ": ", make(inner[1]), ", "]
        return Expr(type_, (*parts[:-1], "}"))

    def expr(self, type_: str, scope: Scope, depth: int = 3) -> Expr:
        names = scope.of(type_)
        if names and self.chance(0.45 if depth > 0 else 0.85):
            return Expr(type_, (self.pick(names),))
        if depth <= 0:
            return self.literal(type_)
        e = lambda wanted: self.expr(wanted, scope, depth - 1)
        if self.chance(0.06) and scope is not None:
            return Expr(type_, ("(", e(type_), " if ", e("bool"), " else ", e(type_), ")"))
        if self.chance(0.08):
            call = self.call(type_, scope, depth)
            if call is not None:
                return call
        element = self.taken(type_, scope, e)
        if element is not None and self.chance(0.25):
            return element
        forms = self.forms(type_, e, scope)
        return Expr(type_, self.pick(forms)()) if forms else self.container_form(type_, scope, depth)

    def container_form(self, type_: str, scope: Scope, depth: int) -> Expr:
        if type_.startswith("Optional"):
            if self.chance(0.3):
                return Expr(type_, ("None",))
            return self.expr(arguments_of(type_)[0], scope, depth - 1)
        e = lambda wanted: self.expr(wanted, scope, depth - 1)
        if type_.startswith("List") and self.chance(0.6):
            inner = arguments_of(type_)[0]
            forms = [
                lambda: ("(", e(type_), " + ", e(type_), ")[:8]"),
                lambda: (e(type_), f"[{self.pick(['1:', ':2', '-2:', '::2', ':-1', '::1'])}]"),
                lambda: (e(type_), ".copy()"),
                lambda: ("list(", e(type_), ")"),
                lambda: self.comprehension(type_, inner, scope, depth),
                lambda: self.comprehension(type_, inner, scope, depth),
            ]
            if inner in ("int", "float", "str"):
                forms.append(lambda: ("sorted(", e(type_), ")"))
            if type_ == "List[str]":
                forms.append(lambda: (e("str"), '.split(",")'))
            if type_ == "List[int]":
                forms += [lambda: ("list(range(", e("int"), " % 5))"), lambda: (e("Tensor"), ".size()")]
            if type_ == "List[Tensor]":
                forms += [lambda: ("list(torch.unbind(fit(", e("Tensor"), ")))"), lambda: ("fit(", e("Tensor"), ").split(1)")]
            return Expr(type_, self.pick(forms)())
        if type_.startswith("Dict") and self.chance(0.3):
            key, value = arguments_of(type_)
            name = self.fresh("k")
            inner = Scope(scope)
            inner.own[name] = key
            source = self.expr(f"List[{key}]", scope, depth - 1)
            return Expr(type_, ("{", name, ": ", self.expr(value, inner, depth - 1), f" for {name} in ", source, "}"))
        return self.container(type_, scope, depth)

    def comprehension(self, type_: str, inner: str, scope: Scope, depth: int) -> tuple:
        source_type = self.pick(["List[int]", "List[str]", type_])
        name = self.fresh("c")
        within = Scope(scope)
        within.own[name] = arguments_of(source_type)[0]
        parts = ["list([", self.expr(inner, within, depth - 1), f" for {name} in ", self.expr(source_type, scope, depth - 1)]
        return (*parts, "])")

    def taken(self, type_: str, scope: Scope, e) -> Expr | None:
        """Out of a container that is in scope. Never fails: what fails and is not used, PyTorch may leave out."""
        options = []
        for name, known in scope.all().items():
            if known == f"List[{type_}]":
                options.append(lambda name=name: ("(", name, f"[{self.pick(['0', '-1'])}] if len({name}) > 0 else ", e(type_), ")"))
                options.append(lambda name=name: ("(", name, "[", e("int"), f" % len({name})] if len({name}) > 0 else ", e(type_), ")"))
            if known.startswith("Dict") and arguments_of(known)[1] == type_:
                key = self.literal(arguments_of(known)[0])
                options.append(lambda name=name, key=key: ("(", name, "[", key, "] if ", key, f" in {name} else ", e(type_), ")"))
            if known.startswith("Tuple"):
                for at, item in enumerate(arguments_of(known)):
                    if item == type_:
                        options.append(lambda name=name, at=at: (f"{name}[{at}]",))
            if known == f"Optional[{type_}]":
                options.append(lambda name=name: ("(", name, f" if {name} is not None else ", e(type_), ")"))
        return Expr(type_, self.pick(options)()) if options else None

    def call(self, type_: str, scope: Scope, depth: int) -> Expr | None:
        known = [function for function in self.functions if function[2] == type_]
        if not known:
            return None
        name, parameters, _ = self.pick(known)
        parts: list = [name + "("]
        for at, parameter in enumerate(parameters):
            parts += [", " if at else "", self.expr(parameter, scope, depth - 1)]
        return Expr(type_, (*parts, ")"))

    def forms(self, type_: str, e, scope: Scope) -> list:
        if type_ == "int":
            return self.int_forms(e)
        if type_ == "float":
            return self.float_forms(e)
        if type_ == "bool":
            return self.bool_forms(e, scope)
        if type_ == "str":
            return self.str_forms(e)
        if type_ == "Tensor":
            return self.tensor_forms(e)
        return []

    def int_forms(self, e) -> list:
        return [
            lambda: ("(", e("int"), self.pick([" + ", " - ", " & ", " | ", " ^ "]), e("int"), ")"),
            lambda: ("((", e("int"), " * ", e("int"), ") % 997)"),
            lambda: ("(", e("int"), " // (abs(", e("int"), ") + 1))"),
            lambda: ("(", e("int"), " % (abs(", e("int"), ") + 2))"),
            lambda: ("(-(0 + ", e("int"), "))"),
            lambda: (self.pick(["min", "max"]), "(", e("int"), ", ", e("int"), ")"),
            lambda: ("len(", e(self.pick(["str", "List[int]", "List[str]", "Dict[str, int]", "List[Tensor]"])), ")"),
            lambda: ("int(", e("bool"), ")"),
            lambda: ("int(", e("float"), " % 50.0)"),
            lambda: ("sum(", e("List[int]"), ")"),
            lambda: (e("str"), ".find(", e("str"), ")"),
            lambda: (e("str"), ".count(\"a\")"),
            lambda: (e("List[int]"), ".count(", e("int"), ")"),
            lambda: (e("Tensor"), ".numel()"),
            lambda: (e("Tensor"), ".dim()"),
            lambda: ("int(", e("Tensor"), ".sum())"),
        ]

    def float_forms(self, e) -> list:
        return [
            lambda: ("(", e("float"), self.pick([" + ", " - "]), e("float"), ")"),
            lambda: ("((", e("float"), " * ", e("float"), ") % 97.0)"),
            lambda: ("(", e("float"), " / (abs(", e("float"), ") + 1.0))"),
            lambda: ("(", e("int"), self.pick([" / (abs(", " * (abs("]), e("float"), ") + 1.0))"),
            lambda: ("(", e("float"), " // (abs(", e("float"), ") + 0.5))"),
            lambda: ("float(", e("int"), ")"),
            lambda: ("float(", e("bool"), ")"),
            lambda: (self.pick(["min", "max"]), "(", e("float"), ", ", e("float"), ")"),
            lambda: ("abs(", e("float"), ")"),
            lambda: ("float(", e("Tensor"), ".sum())"),
            lambda: ("(", e("float"), " ** 2) % 97.0"),
            lambda: ("round(", e("float"), ")"),
        ]

    def bool_forms(self, e, scope: Scope) -> list:
        forms = [
            lambda: ("(", e("int"), self.pick([" < ", " > ", " <= ", " >= ", " == ", " != "]), e("int"), ")"),
            lambda: ("(", e("float"), self.pick([" < ", " > ", " <= ", " == "]), e("float"), ")"),
            lambda: ("(", e("int"), " < ", e("float"), ")"),
            lambda: ("(", e("str"), self.pick([" == ", " != ", " < "]), e("str"), ")"),
            lambda: ("(", e("bool"), self.pick([" and ", " or "]), e("bool"), ")"),
            lambda: ("(not ", e("bool"), ")"),
            lambda: ("(", e("int"), self.pick([" in ", " not in "]), e("List[int]"), ")"),
            lambda: ("(", e("str"), " in ", e("Dict[str, int]"), ")"),
            lambda: ("(", e("str"), " in ", e("List[str]"), ")"),
            lambda: (e("str"), ".startswith(", e("str"), ")"),
            lambda: (e("str"), self.pick([".isalpha()", ".isdigit()", ".islower()"])),
            lambda: ("(", e("List[int]"), self.pick([" == ", " != "]), e("List[int]"), ")"),
            lambda: ("bool(", e("int"), ")"),
            lambda: ("bool((", e("Tensor"), self.pick([" > ", " <= "]), e("float"), ").any())"),
            lambda: (self.pick(["any", "all"]), "([", e("bool"), ", ", e("bool"), "])"),
        ]
        for name, known in scope.all().items():
            if known.startswith("Optional"):
                forms.append(lambda name=name: (f"({name} is {self.pick(['', 'not '])}None)",))
        return forms

    def str_forms(self, e) -> list:
        return [
            lambda: ("(", e("str"), " + ", e("str"), ")[:12]"),
            lambda: ("str(", e(self.pick(["int", "bool", "str", "float"])), ")"),
            lambda: (e("str"), self.pick([".upper()", ".lower()", ".strip()", ".capitalize()", ".lstrip()", ".title()"])),
            lambda: (e("str"), self.pick(["[1:]", "[:2]", "[-1:]", "[::2]", "[0:-1]"])),
            lambda: (e("str"), f'.replace("{self.pick(["a", "b", "Zed", ","])}", ', e("str"), ")[:12]"),
            lambda: ('",".join(', e("List[str]"), ")[:12]"),
            lambda: ('"{}-{}".format(', e("int"), ", ", e("str"), ")[:12]"),
            lambda: ('("%d|%s" % (', e("int"), ", ", e("str"), "))"),
            lambda: (e("str"), ".ljust(4)"),
        ]

    def tensor_forms(self, e) -> list:
        whole = lambda: ("fit(", e("Tensor"), ")")
        return [
            lambda: ("(", *whole(), self.pick([" + ", " - ", " * "]), *whole(), ")"),
            lambda: ("(", e("Tensor"), self.pick([" + ", " - ", " * "]), e(self.pick(["int", "float"])), ")"),
            lambda: ("(", e(self.pick(["int", "float"])), self.pick([" + ", " - ", " * "]), e("Tensor"), ")"),
            lambda: ("(", e("Tensor"), " / (abs(", e("float"), ") + 1.0))"),
            lambda: (e("Tensor"), self.pick([".relu()", ".neg()", ".abs()", ".clone()", ".sign()", ".float()", ".clamp(-2, 2)"])),
            lambda: (e("Tensor"), self.pick([".sum()", ".max()", ".sum(-1)", ".unsqueeze(0)", ".view(-1)", ".unsqueeze(-1)"])),
            lambda: (*whole(), self.pick([".t()", ".flip([0])", ".sum(0)", ".mean(1)", ".argmax(1)", ".cumsum(0)", ".max(1)[0]"])),
            lambda: (*whole(), self.pick(["[0]", "[:, 1:]", "[..., -1]", "[None]", "[-1]", "[0:1]", "[::2]", "[1, 2]"])),
            lambda: (*whole(), "[", e("int"), " % 2]"),
            lambda: ("torch.where(", *whole(), " > ", e("float"), ", ", *whole(), ", ", *whole(), ")"),
            lambda: ("torch.cat([", *whole(), ", ", *whole(), "]", self.pick(["", ", 1"]), ")"),
            lambda: ("torch.stack([", *whole(), ", ", *whole(), "])[0]"),
            lambda: (*whole(), ".masked_fill(", *whole(), " > 1, ", e("float"), ")"),
            lambda: ("torch.zeros_like(", e("Tensor"), ")"),
            lambda: ("torch.", self.pick(["minimum", "maximum"]), "(", *whole(), ", ", *whole(), ")"),
            lambda: ("torch.tensor(", e(self.pick(["int", "float", "List[int]", "List[float]"])), ")"),
            lambda: ("(", *whole(), self.pick([" > ", " == "]), *whole(), ").to(torch.float32)"),
        ]
