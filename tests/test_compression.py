"""What is sent is compressed in the way that the browser takes."""

import gzip

import brotli
import pytest


@pytest.mark.parametrize(
    ("accepted", "used", "unpack"),
    [("gzip, deflate, br, zstd", "br", brotli.decompress), ("gzip, deflate", "gzip", gzip.decompress)],
)
def test_a_page_is_compressed(client, db, accepted, used, unpack):
    plain = client.get("/accounts/login/")
    assert not plain.has_header("Content-Encoding")
    answer = client.get("/accounts/login/", headers={"Accept-Encoding": accepted})
    assert answer["Content-Encoding"] == used
    assert "Accept-Encoding" in answer["Vary"]
    assert int(answer["Content-Length"]) == len(answer.content) < len(plain.content)
    assert b"<h1>Sign in</h1>" in unpack(answer.content)


def test_an_export_is_sent_piece_by_piece(ops_client):
    answer = ops_client.get("/changes/export.csv", headers={"Accept-Encoding": "gzip, br"})
    assert answer.streaming
    assert answer["Content-Encoding"] == "gzip"
    assert b"change,time" in gzip.decompress(answer.getvalue())


def test_a_short_answer_is_left_alone(client, db):
    answer = client.get("/healthz", headers={"Accept-Encoding": "gzip, br"})
    assert not answer.has_header("Content-Encoding")
