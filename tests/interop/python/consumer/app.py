"""Uses everything in the interface, from Python."""

import asyncio

import wit_world
import wit_world.exports
from componentize_py_types import Err
from wit_world.imports import api


class Driver(wit_world.exports.Driver):
    async def drive(self):
        wrong = []
        for check in [upper, count, greet, await_it, items, counter]:
            for what, found, expected in await check():
                if found != expected:
                    wrong.append(f"{what}: {found!r} instead of {expected!r}")
        return "; ".join(wrong) or "ok"


async def read(stream, count):
    data = b""
    while len(data) < count and not stream.writer_dropped:
        data += await stream.read(count - len(data))
    return data


async def upper():
    """Each piece comes back before the next is sent."""
    writer, reader = wit_world.byte_stream()
    checks = []
    with await api.upper(reader) as output:
        with writer:
            for piece in ["both ends ", "are alive ", "at the same time; \u00e4\u00f6\u00fc"]:
                data = piece.encode()
                sent, received = await asyncio.gather(writer.write_all(data), read(output, len(data)))
                checks += [("what upper took", sent, len(data)), ("upper", received, data.upper())]
        checks.append(("upper at the end", await read(output, 1), b""))
    return checks


async def count():
    writer, reader = wit_world.byte_stream()

    async def writes():
        with writer:
            return sum([await writer.write_all(bytes(length)) for length in [1, 9_999, 10_000]])

    found, sent = await asyncio.gather(api.count(reader), writes())
    return [("what count took", sent, 20_000), ("count", found, 20_000)]


async def greet():
    one, other = await api.greet("Ada"), await api.greet("\U0001f44b")
    return [("greet", await other.read(), "hello, \U0001f44b"), ("greet", await one.read(), "hello, Ada")]


async def await_it():
    async def call(reader):
        try:
            return await api.await_it(reader)
        except Err as err:
            return err

    checks = []
    for text, expected in [("it", "got it"), ("no luck", Err("no luck"))]:
        writer, reader = wit_world.string_future(str)
        result, written = await asyncio.gather(call(reader), writer.write(text))
        checks += [("the future for await-it", written, True), ("await-it", result, expected)]
    return checks


async def items():
    checks = []
    for count in [100, 0]:
        found = []
        with await api.items(count) as stream:
            while not stream.writer_dropped:
                found += [(item.id, item.name) for item in await stream.read(7)]
        checks.append(("items", found, [(id, f"item {id}") for id in range(count)]))
    return checks


async def counter():
    with api.Counter(5) as a, api.Counter(100) as b:
        return [
            ("add", await a.add(3), 8),
            ("add to two", await asyncio.gather(a.add(1), b.add(2)), [9, 102]),
            ("add twice at once", max(await asyncio.gather(a.add(10), a.add(10))), 29),
        ]
