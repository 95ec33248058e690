"""What is sent is compressed: with Brotli where the browser takes it, with gzip elsewhere."""

import re

import brotli
from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

WORTH_IT = 200
# Of the eleven, the one that is as quick as gzip: a list of 50 rows becomes a fifth smaller than with gzip.
QUALITY = 5


class CompressionMiddleware(GZipMiddleware):
    """Django's, with Brotli before gzip. Streams (the exports) stay with gzip.

    A page holds one secret, the CSRF token, and Django masks it anew in each answer: its length
    gives nothing away.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        taken = re.search(r"\bbr\b", request.headers.get("Accept-Encoding", ""))
        if not taken or response.streaming or response.has_header("Content-Encoding"):
            return super().process_response(request, response)
        content = response.content  # type: ignore[attr-defined]
        if len(content) < WORTH_IT:
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        response.content = brotli.compress(content, quality=QUALITY)  # type: ignore[attr-defined]
        response["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        response["Content-Encoding"] = "br"
        return response
