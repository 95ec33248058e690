"""How files that people send are received: small ones in memory, others on disk, and of none more than the limit."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

LARGEST = 10_000_000
"""Bytes of a file that are kept."""


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Write at most LARGEST bytes to the disk and pass the rest by.

    The file's `size` is what was sent, so a view can say that it was too large.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start < LARGEST:
            super().receive_data_chunk(raw_data, start)


def is_too_large(file: UploadedFile[Any]) -> bool:
    """Whether more was sent than is kept."""
    return (file.size or 0) > LARGEST
