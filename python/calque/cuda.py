"""What scripts ask torch.cuda: there is none, everything runs on the CPU."""


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """Zero."""
    return 0


def manual_seed_all(seed: int) -> None:
    """Changes nothing: there is no such device."""
    del seed


def empty_cache() -> None:
    """Changes nothing: there is no such device."""


def synchronize(device: object = None) -> None:
    """Changes nothing: calls return when they are done."""
    del device
