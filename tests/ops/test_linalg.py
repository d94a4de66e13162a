"""Decompositions that are unique only up to signs: they must reproduce the matrix."""

import pytest
import torch

SHAPES = [[3, 3], [4, 2], [2, 5], [3, 1], [2, 3, 4], [0, 2], [2, 0], [1, 1]]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_svd(tool, shape, dtype, full):
    generator = torch.Generator().manual_seed(len(shape) + full)
    a = torch.randn(shape, generator=generator, dtype=dtype)
    if shape == [3, 3]:
        a[2] = a[0]  # rank 2
    u, s, vh = tool.call("aten::linalg_svd", [a, full, None]).results
    eu, es, evh = torch.linalg.svd(a, full_matrices=full)
    assert (u.shape, s.shape, vh.shape) == (eu.shape, es.shape, evh.shape)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(s, es, rtol=0, atol=tolerance)
    k = s.shape[-1]
    torch.testing.assert_close(u[..., :k] * s.unsqueeze(-2) @ vh[..., :k, :], a, rtol=0, atol=tolerance)
    for q in (u, vh.mT):
        torch.testing.assert_close(q.mT @ q, torch.eye(q.shape[-1], dtype=dtype).expand(*a.shape[:-2], -1, -1), rtol=0, atol=tolerance)


def test_svd_of_transposed_and_old_name(tool):
    a = torch.randn(3, 4, dtype=torch.float64).t()
    u, s, v = tool.call("aten::svd", [a, True, True]).results
    torch.testing.assert_close(u * s @ v.t(), a, rtol=0, atol=1e-12)


@pytest.mark.parametrize("uplo", ["L", "U"])
@pytest.mark.parametrize("shape", [[3, 3], [2, 4, 4], [1, 1], [0, 0]], ids=str)
def test_eigh(tool, shape, uplo):
    a = torch.randn(shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    values, vectors = tool.call("aten::linalg_eigh", [a, uplo]).results
    torch.testing.assert_close(values, torch.linalg.eigh(a, uplo).eigenvalues, rtol=0, atol=1e-12)
    whole = a.tril() + a.tril(-1).mT if uplo == "L" else a.triu() + a.triu(1).mT
    torch.testing.assert_close(vectors * values.unsqueeze(-2) @ vectors.mT, whole, rtol=0, atol=1e-12)
