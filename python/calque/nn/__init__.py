"""What scripts take from torch.nn: Module and Parameter, for calque.jit.script, and torch.nn.functional."""

from calque.nn import functional
from calque.nn._module import Buffer, Module, Parameter

__all__ = ["Buffer", "Module", "Parameter", "functional"]
