"""Expressions and functions that PyTorch's own compiler takes; each is compiled by both and compared."""

EXPRESSIONS = [
    "010 + 0x1F", "-9223372036854775808", "1e3", ".5", "1.e-3", "3.+4.j", "1 < 2 < 3", '"a" "b"', "not 1 < 2",
    "2 ** 3 ** 2", "-2 ** 2", "7 // 2", "-7 // 2", "7 / 2", "7 % -3", "-7 % 3", "7.5 // 2", "7.5 % 2",
    "[1, 2]", '{"a": 1, "b": 2}', "(1,)", "()", "1 if 2 > 1 else 3", '"%d and %s" % (3, "x")', '"{} x".format(3)',
    "[i for i in range(3)]", "{i: i * i for i in range(3)}", '"abc"[1]', '"abc"[0:2]', '"abcdef"[::2]', "[1, 2, 3][::2]",
    "[1, 2, 3][-2:]", "[1, 2, 3][:10]", "(1, 2, 3)[1:]", "(1, 2.0, 'x')[-1]", "(1, 2, 3, 4)[::2]", "(1, 2, 3)[::-1]",
    "[1, 2] + [3]", "[1] * 3", "1 in [1, 2]", "3 not in [1, 2]", '"a" in {"a": 1}', "max(1, 2)", "max([1, 5, 2])",
    "min(1, 2, 3)", "abs(-1)", "abs(-1.5)", "str(1)", "str(1.0)", "str(True)", 'int("3")', 'float("3.5")', 'len("abc")',
    "round(2.5)", "round(-1.5)", "torch.add(1, 2)", "True and not False", "1 == 1.0", "1 is None", "None is None",
    '"a" == "b"', '"a" < "b"', "sum([1, 2])", "sorted([2, 1])", "sorted([2, 1, 3])[0]", 'list("abc")', "list(range(3))",
    "3 & 1", "1 << 3", "1 ^ 3", "5 | 2", "64 >> 2", "divmod(7, 2)", "pow(2, 3)", "isinstance(1, int)",
    "isinstance([1], List[int])", "bool(torch.ones(1))", "any([True, False])", "all([True, False])", 'ord("a")', "chr(97)",
    "bin(3)", "hex(10)", "float(1)", "int(2.9)", "int(-2.9)", "dict(a=1)", "dict([(1, 2)])",
    "torch.zeros(2)", "torch.zeros(2, 3)", "torch.zeros((2, 3))", "torch.zeros([2, 3], dtype=torch.int64)",
    "torch.ones(2)[0, None, ...]", "torch.tensor([1, 2])", "torch.tensor([[1.5], [2.5]])", "torch.tensor(3)",
    "torch.tensor(True)", "x + 1", "1 + x", "x - 1.5", "2 / x", "x // 2", "x % 2", "2 - x", "2.5 * x", "3 >= x", "2 == x", "2 != x", "3 > x", "1 <= x", "2 % x", "2 // x[0, 1]", "True + x[0, 0]",
    "x ** 2", "2 ** x", "-x", "x @ x.t()",
    "x > 2", "2 < x", "x == x", "(x > 1) & (x < 4)", "(x > 4) | (x < 1)", "~(x > 2)", "(x > 2) ^ (x > 3)",
    "x[0]", "x[-1]", "x[0, 1]", "x[:, 1]", "x[..., 0]", "x[None]", "x[:, None]", "x[0:1, 1:]", "x[:, ::2]", "x[x > 2]",
    "x[torch.tensor([1, 0])]", "x[:, torch.tensor([1, 0])]", "x[torch.tensor([1, 0]), torch.tensor([0, 1])]",
    "x[[1, 0]]", "x[..., None, :]", "x[None, 0, None, 1]", "x.shape", "x.shape[0]", "x.dtype", "x.device", "x.ndim",
    "x.is_cuda", "x.T", "x.size()", "x.size(1)", "x.view(-1)", "x.view(3, 2)", "x.view([3, 2])", "x.reshape(6)",
    "x.sum()", "x.sum(0)", "x.sum([0, 1])", "x.sum(dim=1, keepdim=True)", "x.mean(1)", "x.max()", "x.max(1)", "x.max(1)[0]",
    "torch.max(x, dim=0).values", "x.float().sum().item()", "int(x.sum())", "float(x[0, 0])", "x.permute(1, 0)",
    "x.permute([1, 0])", "x.expand(2, 2, 3)", "x.unsqueeze(0).squeeze(0)", "torch.cat([x, x])", "torch.cat((x, x), dim=1)",
    "torch.stack([x, x], 1)", "x.to(torch.float64)", "x.to(torch.int64).dtype", "x.type_as(torch.ones(1))", "x.long()",
    "x.new_zeros(2)", "torch.full((2,), 7)", "torch.full([2], 1.5)", "torch.arange(3)", "torch.arange(1, 4)",
    "torch.arange(0, 1, 0.5)", "torch.where(x > 2, x, -x)", "x.masked_fill(x > 2, 0)", "x.clamp(1, 3)", "x.clamp(min=2)",
    "torch.softmax(x, -1)", "torch.relu(x - 2)", "x.transpose(0, 1)", "x.t().contiguous()", "x.unbind(0)", "x.chunk(2, 1)",
    "x.split(2, 1)", "x.numel()", "len(x)", "x.dim() == 2 and x.size(0) > 1", "x.clone().add_(1)", "x.repeat(2, 1)",
    "torch.sqrt(x).round()", "x.abs().log()", "[x.size(0), 3]", "(x, x + 1)", '{"x": x}', "[x, x]", "x is None",
    "torch.jit.annotate(List[int], []) + [2]", "torch.jit.annotate(Optional[int], None)",
    "len(torch.jit.annotate(Dict[int, str], {}))",
    '"a-b-c".split("-")', '"-".join(["a", "b"])', '"abc".upper()', '" x ".strip()', '"abc".find("c")',
    '"abc".replace("b", "")', '"abc".startswith("ab")', '"a{}b{}".format(1, "q")', '"abc".endswith("c") or False',
    "[[1, 2], [3]][0][1]", '{"a": [1, 2]}["a"][1]', "(1, (2, 3))[1][0]", "[(1, 'a'), (2, 'b')][1]",
    "torch.device('cpu')", "torch.device('cuda', 1)", "torch.device('cpu').type", "torch.float32", "torch.long",
]

FUNCTIONS = [
    """
def g(a: int, b: Optional[List[int]] = None) -> int:
    if b is None:
        return a
    return a + len(b)

def f(x: Tensor, n: int):
    return g(n, None) + g(n, [1, n]) + g(n)
""",
    """
def f(x: Tensor, n: int):
    a, b = n, x
    (c, d), e = (a, b), n + 1
    a, c = c + 1, a * 2
    t = (a, b)
    g, h = t
    return a, c, d, e, g, h, t
""",
    """
def f(x: Tensor, n: int):
    y = x
    for i in range(n):
        if i % 2 == 0:
            y = y + i
        else:
            y = y * 2
    return y
""",
    """
def f(x: Tensor, n: int):
    if n > 2:
        return x
    else:
        return x * 2
""",
    """
def f(x: Tensor, n: int):
    i = 0
    while i < n and x.sum() > 0:
        x = x - 1
        i += 1
    return x, i
""",
    """
def f(x: Tensor, n: int) -> Tuple[int, int]:
    a = 0
    b = 0
    for i in range(n):
        for j in range(i, n, 2):
            if j == 3:
                continue
            if i * j > 8:
                break
            a += i
            b = b + j
        if a > 20:
            break
    return a, b
""",
    """
def f(x: Tensor, n: int):
    total = 0
    for a, b in [(1, 2), (3, 4), (n, n)]:
        total += a * b
    for i, v in enumerate([10, 20, 30], 1):
        total -= i * v
    for a, b, c in zip([1, 2, 3], [4, 5], range(10)):
        total += a * b + c
    for t in (1, 2, n):
        total = total * 2 + t
    return total
""",
    """
def f(x: Tensor, n: int):
    y = torch.zeros(2, 3)
    y[0] = 1
    y[1, 2] = n
    y[:, 1] += 5
    y[..., 0] = x[..., 0]
    y[y > 4] = -1
    y[torch.tensor([0]), torch.tensor([2])] = 9
    y += 1
    y *= 2
    y -= x
    y /= 2
    return y
""",
    """
def f(x: Tensor, n: int):
    l = [1, 2, 3]
    l[0] = n
    l[1] += 10
    l += [4, 5]
    d = {"a": 1}
    d["b"] = n
    d["a"] += 7
    del d["b"]
    del l[2]
    a, b, *c = (1, 2, 3, 4)
    (p, q), r = (1, 2), 3
    s, t = l[0], l[1]
    s, t = t, s
    return l, d, a + b + c[0], p + q * r, s - t
""",
    """
def f(x: Tensor, n: int):
    # type: (Tensor, int) -> Optional[Tensor]
    y: Optional[Tensor] = None
    if n > 1:
        y = x
    if y is not None:
        y = y + 1
    return y
""",
    """
def f(x: Tensor, n: int):
    y: Optional[int] = None
    if n > 3:
        y = n
    z = 0 if y is None else y + 1
    if y is None or z > 7:
        return z
    return y * 100
""",
    """
def f(x: Tensor, n: int):
    assert n > 0
    assert n < 5, "n is too large: " + str(n)
    if n == 2:
        raise Exception("two")
    return n
""",
    """
def f(x: Tensor, n: int):
    s = ""
    for c in "hello":
        if c == "l":
            s += c.upper()
            continue
        s = c + s
    return s + str(n)
""",
    """
def f(x: Tensor, n: int):
    out = []
    for row in x:
        out.append(row * n)
    return out, [r.sum() for r in x], len(out)
""",
    """
def f(x: Tensor, n: int):
    a = [1.0, 2.0]
    b = torch.jit.annotate(List[float], [])
    for v in a:
        b.append(v * n)
    b.extend(a)
    b.insert(0, 9.0)
    c = b.pop()
    b.reverse()
    b.sort()
    return b, c, b.index(9.0), b.count(1.0)
""",
    """
def f(x: Tensor, n: int):
    d = {1: "a", 2: "b"}
    keys: List[str] = []
    for k, v in d.items():
        keys.append(str(k) + v)
    for k in d:
        keys.append(str(k))
    for v in d.values():
        keys.append(v)
    e = d.copy()
    e[n] = "n"
    e.update({7: "q"})
    p = e.pop(1)
    g = d.get(99)
    h = d.get(1, "zz")
    return keys, len(e), p, g is None, h, list(e.keys()), e.setdefault(50, "w")
""",
    """
def f(x: Tensor, n: int):
    for i in range(10):
        if i == n:
            return i * 2
    return -1
""",
    """
def f(x: Tensor, n: int):
    while True:
        if n > 10:
            return n
        n = n * 3 + 1
        for i in range(3):
            if n == 13 + i:
                return -n
    return 0
""",
    """
def f(x: Tensor, n: int):
    if n == 0:
        y = 1
    elif n == 1:
        return x
    else:
        if n == 2:
            return x + 2
        y = 3
    return x * y
""",
    """
def f(x: Tensor, n: int):
    y = 0
    for i in range(n):
        if i == 1:
            y += 10
            continue
        elif i == 3:
            y += 100
            if n == 4:
                break
        y += 1
    return y
""",
    """
def f(x: Tensor, n: int):
    a, b = torch.max(x, 1)
    c = torch.topk(x, 2)
    d, e = x.shape
    return a, b, c[0], c.indices, d * e
""",
    """
def f(x: Tensor, n: int):
    t = (n, x, "s")
    u, v, w = t
    z = t[1] + u
    l = list((1, 2, 3))
    return z, w + t[2], (t[0],) + (5,), l
""",
    """
def f(x: Tensor, n: int):
    flag = n > 1 and x.sum() > 0 or n == 0
    other = not flag
    if flag and not other:
        x = x + 1
    return flag, other, x, n if flag else -n
""",
    """
def g(a: int, b: float = 2.0, c: str = "x") -> float:
    return a * b + len(c)

def f(x: Tensor, n: int):
    return g(n), g(n, 3.5), g(a=n, c="long"), g(n, b=0.5)
""",
]
