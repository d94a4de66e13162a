# %% [markdown]
# # A program from Python, checked before it is shipped

# %%
import calque as torch
import calque.nn.functional as F
from calque import Tensor


def mean_pool(hidden: Tensor, mask: Tensor, normalize: bool = True) -> Tensor:
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    return F.normalize(pooled, dim=-1) if normalize else pooled


# %% Compile it: types are inferred, mistakes are named with line and column
program = torch.jit.script(mean_pool)
print(program.schema)
print(program.code)

# %% Run it
hidden, mask = torch.rand(2, 4, 8), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
print(program(hidden, mask).norm(dim=1).tolist())

# %% Save it: torch.jit.load reads the file, too
torch.jit.save(program, "pool.pt")
report = torch.jit.check("pool.pt")
print(report)
assert report.loads
