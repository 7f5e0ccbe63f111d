"""The resource of the interface: it is looked for in a module of the interface's name."""

import asyncio

import wit_world.exports.api


class Counter(wit_world.exports.api.Counter):
    def __init__(self, start):
        self.sum = start

    async def add(self, n):
        await asyncio.sleep(0)
        self.sum += n
        return self.sum
