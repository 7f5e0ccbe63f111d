"""Provides the interface in Python."""

import asyncio

import componentize_py_async_support
import wit_world
import wit_world.exports
from componentize_py_types import Err
from wit_world.exports.api import Item


class Api(wit_world.exports.Api):
    async def upper(self, input):
        writer, reader = wit_world.byte_stream()
        componentize_py_async_support.spawn(copy_upper(input, writer))
        return reader

    async def count(self, input):
        count = 0
        with input:
            while not input.writer_dropped:
                count += len(await input.read(4096))
        return count

    async def greet(self, name):
        writer, reader = wit_world.string_future(str)
        componentize_py_async_support.spawn(write(writer, f"hello, {name}"))
        return reader

    async def await_it(self, f):
        text = await f.read()
        if text.startswith("no"):
            raise Err(text)
        return f"got {text}"

    async def items(self, n):
        writer, reader = wit_world.api_item_stream()
        componentize_py_async_support.spawn(write_items(writer, n))
        return reader


async def copy_upper(input, writer):
    with input, writer:
        while not (input.writer_dropped or writer.reader_dropped):
            # Of bytes, `upper` changes ASCII letters only.
            await writer.write_all((await input.read(4096)).upper())


async def write(writer, text):
    with writer:
        await asyncio.sleep(0)
        await writer.write(text)


async def write_items(writer, n):
    with writer:
        await writer.write_all([Item(id, f"item {id}") for id in range(n)])
