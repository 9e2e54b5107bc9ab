#!/usr/bin/env python3
"""Makes the zips of this folder with Python's own zip module, so that another program than ours wrote them.

`streamed.zip` is written to a sink that cannot go back, as runners upload: sizes and checksums follow each entry's data.
"""

import io
import pathlib
import zipfile

LINE = '{"schema":"homeostat.event/1","type":"run.started","time":"2026-11-23T10:00:00.000Z","run_id":"%s"}\n'
ID = "20261123T100000Z-0a1b2c3d"


class Sink(io.RawIOBase):
    def __init__(self):
        self.bytes = b""

    def writable(self):
        return True

    def write(self, data):
        self.bytes += bytes(data)
        return len(data)


def entry(name):
    info = zipfile.ZipInfo(name, (2026, 11, 23, 10, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


sink = Sink()
with zipfile.ZipFile(sink, "w") as zip_file:
    zip_file.writestr(entry(f"run-{ID}.jsonl"), LINE % ID)
    zip_file.writestr(entry(f"summary-{ID}.md"), "**Homeostat** did it.\n")
    zip_file.writestr(entry(f"logs/{ID}-7-0123456789abcdef-before.log.zst"), b"\x28\xb5\x2f\xfd")
(pathlib.Path(__file__).parent / "streamed.zip").write_bytes(sink.bytes)
