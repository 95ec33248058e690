"""The recordings that the made-up numbers greet with, as files of the simulated organisation."""

from pathlib import Path

from .web import Answer, Call, error

GREETINGS = Path(__file__).parent / "greetings"


def greeting(call: Call) -> Answer:
    """Answer with the recording of this name, or 404."""
    known = {file.name: file for file in GREETINGS.glob("*.mp3")}
    file = known.get(call.path.removeprefix("/greetings/"))
    if call.method != "GET" or file is None:
        return error(404, "Not Found")
    return Answer(200, file.read_bytes(), {"Cache-Control": "max-age=3600"}, "audio/mpeg")
