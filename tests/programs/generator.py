"""Random well-typed TorchScript. Everything ends: loops are short, containers and numbers stay small."""

from __future__ import annotations

from expression_generator import DICTS, LISTS, OPTIONALS, SCALARS, TUPLES, TYPES, ExpressionGenerator, Scope, arguments_of
from program_text import Program, Stmt

# Gives any tensor the shape that most operators want.
FIT = Stmt(
    ("def fit(x: Tensor) -> Tensor:",),
    (Stmt(("return torch.cat([x.reshape([-1]).to(torch.float32), torch.zeros([6])])[:6].view(2, 3)",)),),
)


class Generator(ExpressionGenerator):
    def block(self, scope: Scope, result: str, depth: int, size: int) -> list[Stmt]:
        out: list[Stmt] = []
        for _ in range(size):
            out += self.statement(scope, result, depth)
        return out

    def statement(self, scope: Scope, result: str, depth: int) -> list[Stmt]:
        choices = [self.define] * 4 + [self.reassign] * 4 + [self.augment] * 3 + [self.mutate] * 4 + [self.unpack]
        if depth > 0:
            choices += [self.branch] * 4 + [self.both_define] * 2 + [self.refine] * 2 + [self.for_loop] * 3
            choices += [self.while_loop, self.guard]
        if scope.loops > 0:
            choices += [self.leave] * 2
        if depth > 0 and scope.parent is not None:
            choices += [self.early_return]
        return self.pick(choices)(scope, result, depth)

    def define(self, scope, result, depth):
        type_ = self.pick(TYPES)
        name = self.fresh()
        value = self.expr(type_, scope)
        annotated = type_.startswith("Optional") or self.chance(0.2)
        scope.own[name] = type_
        return [Stmt((name, f": {type_}" if annotated else "", " = ", value))]

    def assignable(self, scope, wanted=None) -> list[tuple[str, str]]:
        return [(n, t) for n, t in scope.all().items() if n not in scope.fixed and (wanted is None or t in wanted)]

    def reassign(self, scope, result, depth):
        names = self.assignable(scope)
        if not names:
            return self.define(scope, result, depth)
        name, type_ = self.pick(names)
        # A name that is aliased on purpose is as interesting as a value.
        return [Stmt((name, " = ", self.expr(type_, scope)))]

    def augment(self, scope, result, depth):
        names = self.assignable(scope, ["int", "float", "str", "Tensor", "List[int]"])
        if not names:
            return self.define(scope, result, depth)
        name, type_ = self.pick(names)
        if type_ == "str":
            return [Stmt((name, " += ", self.literal("str"))), Stmt((name, f" = {name}[-12:]"))]
        if type_ == "List[int]":
            return [Stmt((name, " += [", self.expr("int", scope, 1), "]"))]
        if type_ == "Tensor":
            return [Stmt((name, self.pick([" += ", " -= ", " *= "]), self.expr("int", scope, 1)))]
        if type_ == "int":
            return [Stmt((name, self.pick([" += ", " -= "]), self.expr("int", scope, 1))), Stmt((name, f" = {name} % 1009"))]
        return [Stmt((name, self.pick([" += ", " -= "]), self.expr("float", scope, 1)))]

    def mutate(self, scope, result, depth):
        names = [(n, t) for n, t in scope.all().items() if t.startswith(("List", "Dict")) or t == "Tensor"]
        if not names:
            return self.define(scope, result, depth)
        name, type_ = self.pick(names)
        e = lambda wanted: self.expr(wanted, scope, 2)
        if type_ == "Tensor":
            return [self.tensor_mutation(name, scope, e)]
        if type_.startswith("List"):
            inner = arguments_of(type_)[0]
            if self.chance(0.45):
                return [Stmt((f"if len({name}) < 8:",), (Stmt((f"{name}.append(", e(inner), ")")),))]
            stmt = Stmt(self.pick([
                lambda: (f"{name}[{self.pick(['0', '-1'])}] = ", e(inner)),
                lambda: (f"{name}.insert({self.pick(['0', '1', '-1'])}, ", e(inner), ")"),
                lambda: (f"{name}.extend([", e(inner), "])"),
                lambda: (f"{name}.pop({self.pick(['', '0', '-1'])})",),
                lambda: (f"{name}.reverse()",),
                lambda: (f"del {name}[0]",),
                lambda: (f"{name}.clear()",),
                lambda: (f"{name}.sort()",) if inner in ("int", "float", "str") else (f"{name}.reverse()",),
            ])())
            return [Stmt((f"if len({name}) > 0:",), (stmt,))]
        key, value = arguments_of(type_)
        where = self.literal(key)
        return [Stmt(self.pick([
            lambda: (name, "[", where, "] = ", e(value)),
            lambda: (name, "[", where, "] = ", e(value)),
            lambda: (f"{name}.update(", e(type_), ")"),
            lambda: (f"{name}.clear()",),
        ])()) if self.chance(0.8) else Stmt(("if ", where, f" in {name}:"), (Stmt((f"{name}.pop(", where, ")")),))]

    def tensor_mutation(self, name: str, scope: Scope, e) -> Stmt:
        condition, head = self.pick([
            lambda: (f"{name}.numel() == 6", (f"{name}.view(2, 3).add_(fit(", e("Tensor"), "))")),
            lambda: (f"{name}.numel() == 6", (f"{name}.view(2, 3).copy_(fit(", e("Tensor"), "))")),
            lambda: (f"{name}.numel() == 6", (f"{name}[..., -1] = ", e("float"))),
            lambda: (f"{name}.dim() > 0 and {name}.numel() > 0", (f"{name}[0] = ", e(self.pick(["float", "int"])))),
            lambda: (f"{name}.dim() > 0 and {name}.numel() > 0", (f"{name}[0] += ", e("int"))),
            lambda: (f"{name}.dim() > 0 and {name}.numel() > 0", (f"{name}[{name} > 0] = ", e("float"))),
            lambda: ("", (f"{name}.zero_()",)),
            lambda: ("", (f"{name}.clamp_(-1, 1)",)),
            lambda: ("", (f"{name}.mul_(", e("int"), ")")),
        ])()
        return Stmt((f"if {condition}:",), (Stmt(head),)) if condition else Stmt(head)

    def unpack(self, scope, result, depth):
        type_ = self.pick(TUPLES)
        items = arguments_of(type_)
        names = [self.fresh() for _ in items]
        value = self.expr(type_, scope)
        text = str(value)
        if text.startswith("(") and self.chance(0.3) and type_ == "Tuple[int, str]":
            swap = [n for n in scope.of("int") if n not in scope.fixed]
            if len(swap) > 1:
                a, b = self.random.sample(swap, 2)
                return [Stmt((f"{a}, {b} = {b}, {a}",))]
        scope.own.update(zip(names, items))
        return [Stmt((", ".join(names), " = ", value))]

    def branch(self, scope, result, depth):
        body = self.block(Scope(scope, scope.loops), result, depth - 1, self.random.randint(1, 3))
        otherwise = self.block(Scope(scope, scope.loops), result, depth - 1, self.random.randint(0, 2))
        return [Stmt(("if ", self.expr("bool", scope), ":"), tuple(body), tuple(otherwise))]

    def both_define(self, scope, result, depth):
        type_ = self.pick(SCALARS + LISTS + ["Tensor"])
        name = self.fresh()
        condition = self.expr("bool", scope)
        arms = []
        for _ in range(2):
            inner = Scope(scope, scope.loops)
            before = self.block(inner, result, 0, self.random.randint(0, 2))
            arms.append((*[s for s in before if not str(s.head[0]).startswith(("break", "continue"))],
                         Stmt((name, " = ", self.expr(type_, inner)))))
        scope.own[name] = type_
        return [Stmt(("if ", condition, ":"), *arms)]

    def refine(self, scope, result, depth):
        names = [(n, t) for n, t in scope.all().items() if t.startswith("Optional")]
        if not names:
            return self.define(scope, result, depth)
        name, type_ = self.pick(names)
        inner = Scope(scope, scope.loops)
        inner.own[name] = arguments_of(type_)[0]
        inner.fixed = scope.fixed | {name}
        extra = (" and ", self.expr("bool", inner, 1)) if self.chance(0.3) else ()
        body = tuple(self.block(inner, result, depth - 1, self.random.randint(1, 2)))
        otherwise = Scope(scope, scope.loops)
        otherwise.fixed = scope.fixed | {name}
        other = tuple(self.block(otherwise, result, depth - 1, self.random.randint(0, 2)))
        if self.chance(0.3):
            return [Stmt((f"if {name} is None:",), other or (Stmt(("pass",)),), body)]
        return [Stmt((f"if {name} is not None", *extra, ":"), body, other)]

    def for_loop(self, scope, result, depth):
        inner = Scope(scope, scope.loops + 1)
        inner.fixed = set(scope.fixed)
        size = self.random.randint(1, 3)
        kind = self.pick(["range", "range", "list", "items", "enumerate", "zip", "steps", "str"])
        first, second = self.fresh("i"), self.fresh("j")
        if kind == "range":
            inner.own[first] = "int"
            head = (f"for {first} in range(", self.expr("int", scope, 1), " % 5):")
        elif kind == "steps":
            inner.own[first] = "int"
            head = (f"for {first} in range({self.pick(['1, 6, 2', '5, 0, -2', '0, 3', '3, 3'])}):",)
        elif kind == "list":
            type_ = self.pick(LISTS)
            inner.own[first] = arguments_of(type_)[0]
            head = (f"for {first} in ", self.expr(type_, scope, 1), ":")
        elif kind == "str":
            inner.own[first] = "str"
            head = (f"for {first} in ", self.expr("str", scope, 1), ":")
        elif kind == "items":
            type_ = self.pick(DICTS)
            inner.own[first], inner.own[second] = arguments_of(type_)
            head = (f"for {first}, {second} in ", self.expr(type_, scope, 1), ".items():")
        elif kind == "enumerate":
            inner.own[first], inner.own[second] = "int", "str"
            head = (f"for {first}, {second} in enumerate(", self.expr("List[str]", scope, 1), "):")
        else:
            inner.own[first], inner.own[second] = "int", "float"
            head = (f"for {first}, {second} in zip(", self.expr("List[int]", scope, 1), ", ", self.expr("List[float]", scope, 1), "):")
        inner.fixed |= {first, second}
        return [Stmt(head, tuple(self.block(inner, result, depth - 1, size)))]

    def while_loop(self, scope, result, depth):
        counter = self.fresh("w")
        inner = Scope(scope, scope.loops + 1)
        inner.fixed = scope.fixed | {counter}
        inner.own[counter] = "int"
        body = (Stmt((f"{counter} += 1",)), *self.block(inner, result, depth - 1, self.random.randint(1, 3)))
        extra = (" and ", self.expr("bool", scope, 2)) if self.chance(0.4) else ()
        if self.chance(0.2):
            body = (body[0], Stmt((f"if {counter} > 4:",), (Stmt(("break",)),)), *body[1:])
            return [Stmt((f"{counter} = 0",)), Stmt(("while True:",), body)]
        return [Stmt((f"{counter} = 0",)), Stmt((f"while {counter} < {self.random.randint(1, 4)}", *extra, ":"), body)]

    def leave(self, scope, result, depth):
        return [Stmt(("if ", self.expr("bool", scope, 2), ":"), (Stmt((self.pick(["break", "continue"]),)),))]

    def guard(self, scope, result, depth):
        if self.chance(0.7):
            return [Stmt(("assert ", self.expr("bool", scope, 1), " or ", self.pick(["True", "True", "False"]), ', "guard"'))]
        return [Stmt(("if ", self.expr("bool", scope, 1), " and ", self.expr("bool", scope, 1), ":"),
                     (Stmt((f'raise {self.pick(["ValueError", "RuntimeError"])}("raised ', self.literal("int"), '")')),))]

    def early_return(self, scope, result, depth):
        return [Stmt(("if ", self.expr("bool", scope, 2), ":"), (Stmt(("return ", self.expr(result, scope))),))]

    # Functions.

    def function(self, name: str) -> Stmt:
        parameters = [self.pick(TYPES) for _ in range(self.random.randint(1, 5))]
        result = self.pick([*SCALARS, *LISTS, *DICTS, *TUPLES, *OPTIONALS, "Tensor"] if name != "program" else [
            "Tuple[" + ", ".join(self.pick(SCALARS + LISTS + DICTS + ["Tensor"] * 2 + OPTIONALS) for _ in range(4)) + "]"])
        scope = Scope()
        names = [self.fresh("p") for _ in parameters]
        scope.own.update(zip(names, parameters))
        body = self.block(scope, result, 3, self.random.randint(2, 6))
        body.append(Stmt(("return ", self.expr(result, scope))))
        self.functions.append((name, parameters, result))
        head = ", ".join(f"{n}: {t}" for n, t in zip(names, parameters))
        return Stmt((f"def {name}({head}) -> {result}:",), tuple(body))

    def case(self, number: int) -> Stmt:
        _, parameters, _ = self.functions[-1]
        parts: list = ["return program("]
        for at, type_ in enumerate(parameters):
            parts += [", " if at else "", self.literal(type_, 2)]
        return Stmt((f"def case{number}():",), (Stmt((*parts, ")")),))

    def program(self) -> Program:
        functions = [FIT, *(self.function(f"helper{i}") for i in range(self.random.randint(0, 2)))]
        functions.append(self.function("program"))
        return Program((*functions, *(self.case(i) for i in range(3))))


def program(seed: int) -> Program:
    return Generator(seed).program()
