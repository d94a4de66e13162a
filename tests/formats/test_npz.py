"""NumPy arrays: read what numpy writes, write what numpy reads."""

import io

import numpy
import pytest

from .damage import cuts, flips, write_all

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]
SHAPES = [(), (0,), (1,), (5,), (2, 3), (2, 0, 3), (2, 3, 4), (1, 1, 2, 2)]


def arrays():
    source = numpy.random.default_rng(5)
    return {
        f"{dtype}{'x'.join(map(str, shape))}": source.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
        for dtype in DTYPES
        for shape in SHAPES
    }


def expect_equal(path, expected):
    with numpy.load(path) as found:
        assert found.files == list(expected)
        for name, array in expected.items():
            assert found[name].dtype == array.dtype
            assert found[name].flags.c_contiguous
            numpy.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("save", [numpy.savez, numpy.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_round_trip(tool, tmp_path, save, order):
    expected = arrays()
    save(tmp_path / "in.npz", **{name: numpy.asarray(array, order=order) for name, array in expected.items()})
    tool("npz-roundtrip", tmp_path / "in.npz", tmp_path / "out.npz")
    expect_equal(tmp_path / "out.npz", expected)


def test_npy_files_have_the_bytes_of_numpy(tool, tmp_path):
    for array in arrays().values():
        numpy.save(tmp_path / "in.npy", array)
        tool("npy-roundtrip", tmp_path / "in.npy", tmp_path / "out.npy")
        assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "in.npy").read_bytes()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_format_versions(tool, tmp_path, version):
    stream = io.BytesIO()
    numpy.lib.format.write_array(stream, numpy.arange(6).reshape(2, 3), version=version)
    (tmp_path / "in.npy").write_bytes(stream.getvalue())
    tool("npy-roundtrip", tmp_path / "in.npy", tmp_path / "out.npy")
    numpy.testing.assert_array_equal(numpy.load(tmp_path / "out.npy"), numpy.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (numpy.array([{}, None], dtype=object), "Python objects"),
        (numpy.array([1.0], dtype=">f8"), "big-endian"),
        (numpy.array(["text"]), "not read"),
        (numpy.array([1 + 2j]), "not read"),
        (numpy.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]), "structured"),
        (numpy.array(["2020-01-01"], dtype="datetime64[D]"), "not read"),
    ],
)
def test_other_dtypes_are_refused_by_name(tool, tmp_path, array, reason):
    numpy.save(tmp_path / "x.npy", array, allow_pickle=True)
    assert reason in tool.refuses("npy-roundtrip", tmp_path / "x.npy", tmp_path / "y.npy")


def test_damaged_files(tool, tmp_path):
    numpy.save(tmp_path / "x.npy", numpy.asfortranarray(numpy.arange(12).reshape(3, 4)))
    numpy.savez_compressed(tmp_path / "x.npz", a=numpy.ones(30), b=numpy.arange(4))
    for kind in ("npy", "npz"):
        data = (tmp_path / f"x.{kind}").read_bytes()
        verdicts = tool.check(kind, write_all(tmp_path / kind, [*cuts(data), *flips(data, 3000)]))
        assert all(verdict == "ok" or verdict.startswith("refused: ") for verdict in verdicts)
        assert all(verdict.startswith("refused: ") for verdict in verdicts[:200])
