"""Files for uploads that are read at once."""

from pathlib import Path


def file_from_path(path: str) -> tuple[str, bytes]:
    """Return a file's name and its whole content, as an upload takes them.

    A `Path` given to the upload itself is read while it is sent instead, and never held in memory.

    Raises:
        OSError: The file cannot be read.
    """
    return Path(path).name, Path(path).read_bytes()
