"""Archives as PyTorch 1.2 … 1.6 wrote them: every argument spelled out, heads with op_version_set, containers without tags.

PyTorch, which still reads them, is the measure.
"""

import zipfile

import pytest
import torch

from programs import run_program
from typed_cases import write_cases

# x: [2, 4] of floats, i: [2, 3] of ints below 4, m: [1, 2, 6, 6], n: int
EXPRESSIONS = [
    "torch.add(x, x, alpha=1)", "torch.sub(x, 1, 1)", "torch.rsub(x, 1., 1)", "torch.mul(x, CONSTANTS.c0)", "torch.div(x, x)", "torch.softmax(x, -1, None)", "torch.log_softmax(x, 1, 7)",
    "torch.addmm(CONSTANTS.c1, x, torch.t(CONSTANTS.c2), beta=1, alpha=1)", "torch.embedding(CONSTANTS.c2, i, -1, False, False)", "torch.dropout(x, 0.10000000000000001, False)",
    "torch._convolution(m, CONSTANTS.c3, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, False, False, True)", "torch.conv2d(m, CONSTANTS.c3, None, [1, 1], [0, 0], [1, 1], 1)",
    "torch.batch_norm(m, None, None, CONSTANTS.c4, CONSTANTS.c5, False, 0.10000000000000001, 1.0000000000000001e-05, True)", "torch.max_pool2d(m, [2, 2], [2, 2], [0, 0], [1, 1], False)",
    "torch.avg_pool2d(m, [2, 2], [2, 2], [0, 0], False, True, None)", "torch.adaptive_avg_pool2d(m, [1, 1])", "torch.upsample_bilinear2d(m, [4, 4], False)", "torch.upsample_nearest2d(m, [4, 4])",
    "torch.upsample_bilinear2d(m, [4, 4], True, None, None)", "torch.upsample_nearest2d(m, [4, 4], None, 0.5)", "torch.__interpolate(m, None, 2., \"nearest\", None, None)", "torch.__interpolate(m, [3, 3], None, \"bilinear\", False, None)",
    "torch.__upsample(m, 12, None, \"nearest\", None)", "torch.__upsample_nearest(m, None, 2)", "torch.norm(x, 2, [1], True)", "torch.norm(x, 2)", "torch.to(x, 7, False, False, None)", "torch.to(i, torch.device(\"cpu\"), 6, False, False, None)",
    "torch.to(x, 6, False, False)", "torch.to(x, dtype=6, layout=0, device=torch.device(\"cpu\"), pin_memory=False, non_blocking=False, copy=False, memory_format=None)",
    "torch.arange(0, n, dtype=4, layout=0, device=torch.device(\"cpu\"), pin_memory=False)", "torch.arange(n, dtype=None, layout=None, device=None, pin_memory=None)", "torch.arange(0, n, 2, dtype=None, layout=None, device=None, pin_memory=None)",
    "torch.zeros([2, n], dtype=6, layout=0, device=torch.device(\"cpu\"), pin_memory=False)", "torch.zeros_like(x, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None)", "torch.ones_like(x, dtype=6, layout=0, device=torch.device(\"cpu\"), pin_memory=False, memory_format=0)",
    "torch.full([2, 2], 1., dtype=None, layout=None, device=None, pin_memory=None)", "torch.full([2], 3, dtype=None, layout=None, device=None, pin_memory=None)", "torch.full_like(x, 2., dtype=None, layout=None, device=None, pin_memory=None, memory_format=None)",
    "torch.sum(x, [1], False, dtype=None)", "torch.sum(x, dtype=None)", "torch.mean(x, [1], True, dtype=None)", "torch.slice(x, 0, 0, 9223372036854775807, 1)", "torch.slice(x, 1, -2, 9223372036854775807, 1)", "torch.select(x, 0, -1)",
    "torch.gelu(x)", "torch.einsum(\"ij,kj->ik\", [x, x])", "torch.index(x, [None, torch.tensor([0, 1], dtype=None, device=None, requires_grad=False)])", "torch.index(x, annotate(List[Optional[Tensor]], [None, torch.select(i, 0, 0)]))",
    "torch.tensor(1.5, dtype=6, device=torch.device(\"cpu\"), requires_grad=False)", "torch.tensor([1, 2], dtype=ops.prim.dtype(x), device=ops.prim.device(x), requires_grad=False)", "torch.argmax(x, 1, False)", "torch.topk(x, 3, -1, True, True)",
    "torch.layer_norm(x, [4], None, None, 1.0000000000000001e-05, True)", "torch.chunk(x, 2, 1)", "torch.split(x, 2, 1)", "torch.split_with_sizes(x, [1, 3], 1)", "torch.unbind(x, 0)", "torch.stack([x, x], 0)", "torch.cat([x, x], -1)",
    "torch.contiguous(x, memory_format=0)", "torch.clone(x, memory_format=None)", "torch.expand(torch.unsqueeze(x, 0), [3, -1, -1], implicit=False)", "torch.clamp(x, 0., None)", "torch.clamp(x, None, 1)", "torch.clamp_min(x, 0)", "torch.masked_fill(x, torch.gt(x, 0), -10000.)",
    "torch._cast_Float(i, False)", "torch._cast_Long(x, False)", "torch.std(x, [1], True, False)", "torch.var(x, [1], False, True)", "torch.std(x, True)", "(torch.embedding_bag(CONSTANTS.c2, torch.view(i, [-1]), CONSTANTS.c6, False, 0, False, None, False))[0]",
    "torch.grid_sampler(m, torch.zeros([1, 2, 2, 2], dtype=6, layout=None, device=None, pin_memory=None), 0, 0, False)", "torch.lstm(torch.unsqueeze(x, 0), [CONSTANTS.c7, CONSTANTS.c7], [CONSTANTS.c8, CONSTANTS.c9], False, 1, 0., False, False, False)",
    "torch.gru(torch.unsqueeze(x, 0), CONSTANTS.c7, [CONSTANTS.c10, CONSTANTS.c11], False, 1, 0., False, False, False)", "torch.relu(x)", "torch.pow(x, 2)", "torch.size(x, 0)", "torch.size(x)", "int(torch.select(torch.select(i, 0, 0), 0, 0))",
    "ops.prim.NumToTensor(torch.size(x, 1))", "torch.Int(torch.tensor(3, dtype=None, device=None, requires_grad=False))", "torch.view(x, [2, -1])", "torch.reshape(x, [-1])", "torch.permute(m, [0, 2, 3, 1])",
    "torch.flatten(m, 1, -1)", "torch.transpose(x, 0, 1)", "torch.squeeze(torch.unsqueeze(x, 0), 0)", "torch.matmul(x, torch.t(x))", "torch.bmm(torch.unsqueeze(x, 0), torch.unsqueeze(torch.t(x), 0))", "torch.prelu(x, CONSTANTS.c12)", "torch.hardtanh(x, 0., 6.)",
    "torch.leaky_relu(x, 0.01)", "torch.leaky_relu_(x, 0.01)", "torch.elu(x, 1., 1, 1)", "torch.threshold(x, 0, 0)", "torch.sigmoid(x)", "torch.glu(x, 1)", "torch.instance_norm(m, None, None, None, None, True, 0.10000000000000001, 1.0000000000000001e-05, True)",
    "torch.pixel_shuffle(torch.cat([m, m], 1), 2)", "torch.constant_pad_nd(x, [1, 1], 0.)", "torch.reflection_pad2d(m, [1, 1, 1, 1])", "torch.cumsum(x, 1, dtype=None)", "torch.sort(x, 1, True)", "torch.max(x, 1, False)", "torch.min(x)", "torch.where(torch.gt(x, 0), x, torch.neg(x))",
    "torch.nonzero(torch.gt(x, 0))", "torch.masked_select(x, torch.gt(x, 0))", "torch.gather(x, 1, i, sparse_grad=False)", "torch.scatter(x, 1, i, 1.)", "torch.one_hot(i, 4)", "torch.type_as(i, x)", "torch.repeat(x, [2, 1])", "torch.baddbmm(torch.unsqueeze(torch.matmul(x, torch.t(x)), 0), torch.unsqueeze(x, 0), torch.unsqueeze(torch.t(x), 0), beta=1, alpha=0.5)",
    "torch.floor_divide(i, 2)", "torch.remainder(i, 2)", "torch.all(torch.gt(x, -100))", "torch.any(torch.gt(x, 0), 1, False)", "torch.logsumexp(x, [1], False)", "torch.cosine_similarity(x, x, 1, 9.9999999999999995e-09)", "torch.detach(x)", "torch.numel(x)",
    "torch.eye(3, dtype=None, layout=None, device=None, pin_memory=None)", "torch.linspace(0, 1, 5, dtype=None, layout=None, device=None, pin_memory=None)", "torch.randn([0], dtype=None, layout=None, device=None, pin_memory=None)", "torch.unique_consecutive(i, True, False, None)", "torch._unique2(i, True, True, False)",
    "torch.tril(torch.matmul(x, torch.t(x)), 0)", "torch.meshgrid([torch.arange(2, dtype=None, layout=None, device=None, pin_memory=None)])", "torch.upsample_bicubic2d(m, [4, 4], False, None, None)", "torch.upsample_linear1d(torch.unsqueeze(x, 0), [3], False)", "torch.upsample_trilinear3d(torch.unsqueeze(m, 0), [2, 3, 3], False)",
    "torch.im2col(m, [2, 2], [1, 1], [0, 0], [2, 2])", "torch.nll_loss(torch.log_softmax(x, 1, None), torch.select(i, 1, 0), None, 1, -100)", "torch.binary_cross_entropy_with_logits(x, torch.sigmoid(x), None, None, 1)", "torch.kl_div(x, torch.sigmoid(x), 1)", "torch.smooth_l1_loss(x, torch.neg(x), 1)",
    "torch.mse_loss(x, torch.neg(x), 1)", "torch.norm_except_dim(x, 2, 0)", "torch._weight_norm(x, torch.norm_except_dim(x, 2, 0), 0)", "torch.bilinear(x, x, torch.unsqueeze(torch.matmul(torch.t(x), x), 0), None)",
    "torch.group_norm(m, 2, None, None, 1.0000000000000001e-05, True)", "torch.scalar_tensor(n, dtype=6, layout=None, device=None, pin_memory=None)", "torch.new_zeros(x, [2], dtype=None, layout=None, device=None, pin_memory=None)", "torch.diag(x, 0)", "torch.copy_(x, torch.neg(x), False)",
    "torch.masked_fill_(x, torch.gt(x, 0), 0)", "torch.index_put_(x, annotate(List[Optional[Tensor]], [torch.tensor([0], dtype=None, device=None, requires_grad=False)]), torch.tensor(1., dtype=None, device=None, requires_grad=False), False)",
    "torch.add_(x, 1, 1)", "torch.zero_(x)", "torch.fill_(x, 2)", "torch.format(\"{}-{}\", n, \"a\")", "torch.__contains__([1, 2], n)", "torch.len(torch.size(x))", "torch.dim(x)", "torch.is_floating_point(x)", "torch.ceil(x)", "torch.floor(2.5)", "torch.sqrt(x)", "ops.prim.min(n, 2)", "ops.prim.abs(-2)",
]  # fmt: skip


def constants():
    torch.manual_seed(3)
    return (torch.tensor(2.5), torch.randn(4), torch.randn(4, 4), torch.randn(3, 2, 3, 3), torch.randn(2), torch.rand(2) + 0.5, torch.tensor([0, 2]), torch.zeros(1, 2, 3), torch.randn(12, 4), torch.randn(12, 3),
            torch.randn(9, 4), torch.randn(9, 3), torch.tensor([0.25]))  # fmt: skip


class Holder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        for i, value in enumerate(constants()):
            self.register_buffer(f"c{i}", value)

    def forward(self):
        return tuple(self.buffers())


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """constants.pkl with its tensors, as PyTorch writes them: a module whose program holds them."""
    path = tmp_path_factory.mktemp("parts") / "c.pt"
    torch.jit.save(torch.jit.freeze(torch.jit.trace_module(Holder().eval(), {"forward": ()})), str(path))
    with zipfile.ZipFile(path) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def write_archive(path, parts, version, expression):
    source = ("op_version_set = 1\n" if version == 1 else "") + "class Old(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
    if version == 1:
        source = source.replace("  __buffers__ = []\n", "")
    source += "  def forward(self: __torch__.old.Old,\n    x: Tensor,\n    i: Tensor,\n    m: Tensor,\n    n: int):\n"
    source += f"    _0 = {expression}\n    return _0\n"
    data = b"\x80\x02c__torch__.old\nOld\nq\x00)\x81}(X\x08\x00\x00\x00training\x89ub."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("old/version", f"{version}\n")
        archive.writestr("old/data.pkl", data)
        archive.writestr("old/code/__torch__/old.py", source)
        for name, content in parts.items():
            if name.startswith("constants"):
                archive.writestr(f"old/{name}", content)


def inputs():
    torch.manual_seed(5)
    return torch.randn(2, 4), torch.randint(0, 4, (2, 3)), torch.randn(1, 2, 6, 6), 3


@pytest.mark.parametrize("version", [1, 3])
def test_expressions(version, parts, tmp_path):
    problems = []
    for number, expression in enumerate(EXPRESSIONS):
        path, cases = tmp_path / f"{number}.pt", tmp_path / f"{number}.cases"
        write_archive(path, parts, version, expression)
        model = torch.jit.load(str(path))
        write_cases(cases, model, [("forward", inputs())], 1e-5)
        done = run_program("reader_tool", "check", path, cases)
        if done.returncode != 0:
            problems.append(f"{expression}: {(done.stdout + done.stderr).strip()[:300]}")
    assert not problems, "\n".join(problems)
