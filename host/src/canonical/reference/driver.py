"""Plays tapes on the specification's executable reference and prints what happened.

    python3 driver.py FOLDER < tapes > logs

FOLDER holds definitions.py. A tape is a line of JSON: a list of triples. It is played by `World`, whose twin is the file
`world.rs` beside this one: both do the same for each triple, and write the same lines. Every tape is played in a process
of its own, which ends with the tape, with a trap, or with an assertion of the reference, whichever comes first.
"""

import json
import os
import signal
import sys
import threading

sys.path.insert(0, sys.argv[1])
import definitions as d  # noqa: E402

d.DETERMINISTIC_PROFILE = True

MEMORY = 4096
HEAP = 2048
log = []


def finish(word):
    """Ends the process with the log. The last line says why, unless the tape was played to its end."""
    if word:
        log.append(word)
    if World.current:
        log.append("memory %08x %08x" % tuple(i.digest() for i in World.current.guests))
    os.write(1, (json.dumps(log) + "\n").encode())
    os._exit(0)


def trap():
    finish("trap")


def trap_if(condition):
    if condition:
        trap()


def defect(kind, value):
    """An assertion of the reference, by the function it is in."""
    frame = value.__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    finish("assert " + frame.tb_frame.f_code.co_qualname if kind is AssertionError else "error %r" % value)


d.trap, d.trap_if = trap, trap_if
threading.excepthook = lambda args: defect(args.exc_type, args.exc_value)


def is_yield(thread):
    """Whether a waiting thread has only given way."""
    code = getattr(thread.ready_func, "__code__", None)
    if code is None or code.co_name != "<lambda>":
        return False
    return code.co_names == ("exclusive_thread",) or not (code.co_names or code.co_freevars)


class Choices:
    """Stands in for the module `random`: every choice is the canonical one."""

    @staticmethod
    def choice(threads):
        waiting = threads[0].task.inst.store.waiting
        order = lambda thread: waiting.index(thread) if thread in waiting else -1
        return min(threads, key=lambda thread: (is_yield(thread), order(thread)))

    @staticmethod
    def shuffle(waitables):
        waitables.sort(key=rank)

    @staticmethod
    def randint(low, high):
        return low


def rank(waitable):
    if not isinstance(waitable, d.Subtask):
        return (2, waitable.age)
    of_guest = getattr(waitable.on_cancel, "__func__", None) is d.Task.request_cancellation
    return (1 if of_guest else 0, waitable.age)


ages = 0
plain_init = d.Waitable.__init__


def aged_init(self):
    global ages
    ages += 1
    self.age = ages
    plain_init(self)


d.Waitable.__init__ = aged_init
d.random = Choices

GIVEN = (d.StreamType, d.FutureType, d.OwnType)
U8, U32, STRING = d.U8Type(), d.U32Type(), d.StringType()
STREAM, FUTURE = d.StreamType(U8), d.FutureType(U8)
KINDS = ["sr", "sw", "fr", "fw", "sub", "set", "own", "borrow"]
STATUSES = ["idle", "busy", "done", "open", "resolved"]
IDLE, BUSY = ["idle"], ["busy"]


class Func:
    """An export: its name, type, and how it is lifted."""

    def __init__(self, name, params, result, is_async, callback):
        self.name = name
        self.ft = d.FuncType(params, result, is_async)
        self.callback = callback


class Guest:
    """An instance whose core code plays the tape."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.inst = d.ComponentInstance(world.store)
        self.memory = bytearray(ord("a") + i % 26 for i in range(MEMORY))
        self.next = HEAP
        self.handles = {kind: [] for kind in KINDS}
        self.opts = {}
        self.status, self.raised = {}, 0
        self.returned, self.cancelled = {}, set()
        for key in ["sync", "async", "callback"]:
            opts = d.CanonicalOptions()
            opts.memory = d.MemInst(self.memory, "i32")
            opts.realloc = self.realloc
            opts.async_ = key != "sync"
            self.opts[key] = opts

    def realloc(self, args):
        old, old_size, align, size = args
        start = (self.next + align - 1) & ~(align - 1)
        trap_if(start + size > MEMORY)
        self.next = start + size
        self.memory[start : start + old_size] = self.memory[old : old + old_size]
        return [start]

    def digest(self):
        digest = 0x811C9DC5
        for byte in self.memory:
            digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
        return digest

    def word(self, place):
        return int.from_bytes(self.memory[place : place + 4], "little")

    def learn(self, kind, index):
        if index not in self.handles[kind]:
            self.handles[kind].append(index)
        self.status[index] = "open" if kind == "sub" else "idle"

    def forget(self, index):
        for kind in KINDS:
            self.handles[kind] = [known for known in self.handles[kind] if known != index]

    def pick(self, kinds, statuses, a, b):
        """A handle: one that fits for the most part, sometimes any, sometimes a wild guess. None if nothing fits."""
        if b % 32 == 31:
            return a % 12
        if b % 32 == 30:
            kinds, statuses = KINDS, STATUSES
        known = [i for kind in kinds for i in self.handles[kind] if self.status[i] in statuses]
        return known[a % len(known)] if known else None

    def copied(self, index, payload, is_future):
        """Notes how a copy has ended, or that it has not."""
        if payload == 0xFFFFFFFF:
            self.status[index] = "busy"
        else:
            done = payload % 16 == 1 or (is_future and payload % 16 == 0)
            self.status[index] = "done" if done else "idle"

    def told(self, code, index, payload):
        """Notes what an event says."""
        if code == 1 and payload >= 2:
            self.status[index] = "resolved"
        elif 2 <= code <= 5:
            self.copied(index, payload, code >= 4)
        elif code == 6:
            self.cancelled.add(d.current_task())

    def lifted(self, func):
        opts = d.CanonicalOptions()
        opts.memory = self.opts["sync"].memory
        opts.realloc = self.realloc
        opts.async_ = func.callback
        if func.callback:
            opts.callback = lambda args: self.call_back(func, args)
        return self.world.store.lift(lambda args: self.enter(func, opts, args), func.ft, opts, self.inst)

    def enter(self, func, opts, args):
        task = d.current_task()
        self.say("enter %s %s" % (func.name, args))
        self.receive(func.ft.param_types(), list(args))
        self.returned[task] = False
        task.tape_opts = opts
        return self.play(func)

    def receive(self, types, args):
        for ty in types:
            value = args.pop(0)
            if ty is STREAM:
                self.learn("sr", value)
            elif ty is FUTURE:
                self.learn("fr", value)
            elif ty is STRING:
                length = args.pop(0)
                self.say("string %s" % bytes(self.memory[value : value + length]).decode())
            elif isinstance(ty, d.OwnType):
                self.learn("own", value)
            elif isinstance(ty, d.BorrowType):
                self.learn("borrow", value)

    def call_back(self, func, args):
        args = [int(arg) for arg in args]
        self.say("callback %s %s" % (func.name, args))
        self.told(*args)
        return self.play(func)

    def say(self, line):
        log.append(self.name + " " + line)

    def play(self, func):
        """Plays until an operation leaves the core code."""
        while True:
            code, a, b = self.world.take()
            if code == 28:
                return self.leave(func, a, b)
            op = OPS[code % len(OPS)]
            planned = op(self, func, a, b)
            if planned is None:
                continue
            args, run = planned
            self.say("%s %s" % (op.__name__, args))
            result = run()
            if isinstance(result, list):
                result = [int(value) for value in result]
            if result is not None:
                self.say("= %s" % (result,))

    def leave(self, func, a, b):
        if not func.callback:
            results = [] if not func.ft.result else self.results(func, a, b)
            self.say("return %s" % results)
            return results
        done = self.returned[d.current_task()]
        code, chosen = b % 4, self.pick(["set"], IDLE, a, b)
        if (code == 0 and not done and b % 32 != 28) or (code >= 2 and chosen is None):
            code = 1
        packed = 0 if code == 0 else 1 if code == 1 else 2 | chosen << 4
        if b % 64 == 63:
            packed = 5
        self.say("leave %d" % packed)
        return [packed]

    def results(self, func, a, b):
        """Core values for the result of a function, or None if there are none."""
        [ty] = func.ft.result
        if ty in (STREAM, FUTURE):
            index = self.pick(["sr" if ty is STREAM else "fr"], IDLE, a, b)
            return None if index is None else [index]
        if ty is STRING:
            return [64 * (a % 8), b % 5]
        return [b]


# The operations. Each gives its arguments, to be printed, and what does it.


def ends_new(self, func, a, b):
    ty, kinds = (STREAM, ("sr", "sw")) if a % 2 == 0 else (FUTURE, ("fr", "fw"))

    def run():
        [packed] = d.canon_stream_new(ty) if ty is STREAM else d.canon_future_new(ty)
        readable, writable = packed & 0xFFFFFFFF, packed >> 32
        self.learn(kinds[0], readable)
        self.learn(kinds[1], writable)
        return [readable, writable]

    return [a % 2], run


def stream_copy(self, func, a, b):
    kind, call = ("sr", d.canon_stream_read) if b % 2 == 0 else ("sw", d.canon_stream_write)
    index, place, count = self.pick([kind], IDLE, a, b), 64 * (a % 8), (b // 2) % 5
    if index is None:
        return None
    opts = self.opts["sync" if b % 16 == 9 else "async"]

    def run():
        result = call(STREAM, opts, index, place, count)
        self.copied(index, int(result[0]), False)
        return result

    return [kind, index, place, count], run


def future_copy(self, func, a, b):
    kind, call = ("fr", d.canon_future_read) if b % 2 == 0 else ("fw", d.canon_future_write)
    index, place = self.pick([kind], IDLE, a, b), 64 * (a % 8)
    if index is None:
        return None
    opts = self.opts["sync" if b % 16 == 9 else "async"]

    def run():
        result = call(FUTURE, opts, index, place)
        self.copied(index, int(result[0]), True)
        return result

    return [kind, index, place], run


def cancel_copy(self, func, a, b):
    kind = ["sr", "sw", "fr", "fw"][b % 4]
    index = self.pick([kind], BUSY, a, b)
    if index is None:
        return None
    call = {
        "sr": lambda: d.canon_stream_cancel_read(STREAM, b % 8 >= 4, index),
        "sw": lambda: d.canon_stream_cancel_write(STREAM, b % 8 >= 4, index),
        "fr": lambda: d.canon_future_cancel_read(FUTURE, b % 8 >= 4, index),
        "fw": lambda: d.canon_future_cancel_write(FUTURE, b % 8 >= 4, index),
    }[kind]

    def run():
        result = call()
        self.copied(index, int(result[0]), kind[0] == "f")
        return result

    return [kind, index], run


def drop_end(self, func, a, b):
    kind = ["sr", "sw", "fr", "fw"][b % 4]
    index = self.pick([kind], ["done"] if kind == "fw" else ["idle", "done"], a, b)
    if index is None:
        return None

    def run():
        {
            "sr": lambda: d.canon_stream_drop_readable(STREAM, index),
            "sw": lambda: d.canon_stream_drop_writable(STREAM, index),
            "fr": lambda: d.canon_future_drop_readable(FUTURE, index),
            "fw": lambda: d.canon_future_drop_writable(FUTURE, index),
        }[kind]()
        self.forget(index)

    return [kind, index], run


def set_new(self, func, a, b):
    def run():
        [index] = d.canon_waitable_set_new()
        self.learn("set", index)
        return index

    return [], run


def join(self, func, a, b):
    waitable = self.pick(["sr", "sw", "fr", "fw", "sub"], STATUSES, a, b)
    chosen = 0 if b % 4 == 0 else self.pick(["set"], IDLE, b, b)
    if waitable is None or chosen is None:
        return None
    return [waitable, chosen], lambda: None if d.canon_waitable_join(waitable, chosen) == [] else None


def set_wait(self, func, a, b):
    index, place = self.pick(["set"], IDLE, a, b), 1536 + 8 * (a % 8)
    if index is None:
        return None

    def run():
        [code] = d.canon_waitable_set_wait(b % 4 == 1, self.opts["sync"].memory, index, place)
        self.told(int(code), self.word(place), self.word(place + 4))
        return [int(code), self.word(place), self.word(place + 4)]

    return [index], run


def set_poll(self, func, a, b):
    index, place = self.pick(["set"], IDLE, a, b), 1536 + 8 * (a % 8)
    if index is None:
        return None

    def run():
        [code] = d.canon_waitable_set_poll(b % 4 == 1, self.opts["sync"].memory, index, place)
        self.told(int(code), self.word(place), self.word(place + 4))
        return [int(code), self.word(place), self.word(place + 4)]

    return [index], run


def set_drop(self, func, a, b):
    index = self.pick(["set"], IDLE, a, b)
    if index is None:
        return None

    def run():
        d.canon_waitable_set_drop(index)
        self.forget(index)

    return [index], run


def call(self, func, a, b):
    imports = self.world.imports
    target = imports[a % len(imports)]
    is_async = b % 2 == 0 and target.ft.async_
    lowered = self.world.store.lower(target.callee, target.ft, self.opts["async" if is_async else "sync"], self.inst)
    flat = []
    for ty in target.ft.param_types():
        if ty is STREAM:
            flat.append(self.pick(["sr"], IDLE, a, b))
        elif ty is FUTURE:
            flat.append(self.pick(["fr"], IDLE, a, b))
        elif ty is STRING:
            flat.extend([64 * (a % 8), b % 5])
        elif isinstance(ty, d.OwnType):
            flat.append(self.pick(["own"], IDLE, a, b))
        elif isinstance(ty, d.BorrowType):
            flat.append(self.pick(["own", "borrow"], IDLE, a, b))
        else:
            flat.append(b % 8)
    if None in flat:
        return None
    given = [flat[0]] if target.ft.params and isinstance(target.ft.params[0], GIVEN) else []
    place = 1024 + 16 * (a % 16)
    if is_async and len(flat) > 4:
        for i, value in enumerate(flat):
            self.memory[place + 64 + 4 * i : place + 68 + 4 * i] = value.to_bytes(4, "little")
        flat = [place + 64]
    results = d.flatten_types(target.ft.result_type(), self.opts["sync"])
    if (is_async and results) or len(results) > 1:
        flat.append(place)

    def run():
        values = lowered(flat)
        for index in given:
            self.forget(index)
        if is_async:
            [packed] = values
            if packed >> 4:
                self.learn("sub", packed >> 4)
            return int(packed)
        if values and target.ft.result[0] is STREAM:
            self.learn("sr", values[0])
        if values and target.ft.result[0] is FUTURE:
            self.learn("fr", values[0])
        return [int(value) for value in values]

    return [target.name, int(is_async), flat], run


def subtask_cancel(self, func, a, b):
    index = self.pick(["sub"], ["open"], a, b)
    if index is None:
        return None

    def run():
        [state] = d.canon_subtask_cancel(b % 2 == 1, index)
        self.status[index] = "busy" if state == d.BLOCKED else "resolved"
        return [state]

    return [index, b % 2], run


def subtask_drop(self, func, a, b):
    index = self.pick(["sub"], ["resolved"], a, b)
    if index is None:
        return None

    def run():
        d.canon_subtask_drop(index)
        self.forget(index)

    return [index], run


def task_return(self, func, a, b):
    flat = [] if not func.ft.result else self.results(func, a, b)
    task = d.current_task()
    if flat is None or ((self.returned[task] or not func.callback) and b % 32 < 30):
        return None

    def run():
        d.canon_task_return(func.ft.result, task.opts, flat)
        if func.ft.result and func.ft.result[0] in (STREAM, FUTURE):
            self.forget(flat[0])
        self.returned[task] = True

    return [flat], run


def task_cancel(self, func, a, b):
    task = d.current_task()
    if (self.returned[task] or task not in self.cancelled) and b % 32 < 30:
        return None

    def run():
        d.canon_task_cancel()
        self.returned[task] = True

    return [], run


def thread_yield(self, func, a, b):
    def run():
        [cancelled] = d.canon_thread_yield(b % 4 == 1)
        if cancelled:
            self.told(6, 0, 0)
        return [cancelled]

    return [], run


def backpressure(self, func, a, b):
    up = b % 8 < 3
    if not up and self.raised == 0 and b % 32 < 30:
        return None

    def run():
        d.canon_backpressure_inc() if up else d.canon_backpressure_dec()
        self.raised += 1 if up else -1

    return [int(up)], run


def context(self, func, a, b):
    def run():
        if b % 2 == 0:
            d.canon_context_set("i32", a % 2, b)
            return None
        return d.canon_context_get("i32", a % 2)

    return [a % 2, b % 2], run


def resource_new(self, func, a, b):
    def run():
        if self.inst is not self.world.resource.impl:
            return None
        [index] = d.canon_resource_new(self.world.resource, b)
        self.learn("own", index)
        return index

    return [b], run


def resource_rep(self, func, a, b):
    index = self.pick(["own"], IDLE, a, b)
    if index is None:
        return None

    def run():
        if self.inst is not self.world.resource.impl:
            return None
        return d.canon_resource_rep(self.world.resource, index)

    return [index], run


def resource_drop(self, func, a, b):
    index = self.pick(["own", "borrow"], IDLE, a, b)
    if index is None:
        return None

    def run():
        d.canon_resource_drop(self.world.resource, index)
        self.forget(index)

    return [index], run


OPS = [
    ends_new,
    stream_copy,
    future_copy,
    cancel_copy,
    drop_end,
    set_new,
    join,
    set_wait,
    set_poll,
    set_drop,
    call,
    subtask_cancel,
    subtask_drop,
    task_return,
    task_cancel,
    thread_yield,
    backpressure,
    context,
    resource_new,
    resource_rep,
    resource_drop,
]


class World:
    """Two instances and a host, which plays the tape while no guest runs."""

    current = None

    def __init__(self, tape):
        World.current = self
        self.tape, self.at = tape, 0
        self.store = d.Store()
        self.guests = [Guest(self, "A"), Guest(self, "B")]
        a, b = self.guests
        self.resource = d.ResourceType(a.inst, lambda args: log.append("A dtor %d" % args[0]) or [])
        own, borrow = d.OwnType(self.resource), d.BorrowType(self.resource)
        self.imports = [
            Func("work", [U32], [U32], True, True),
            Func("sync-work", [U32], [U32], True, False),
            Func("plain", [U32], [U32], False, False),
            Func("take", [STREAM], [], True, True),
            Func("give", [], [STREAM], True, True),
            Func("text", [STRING, U32, U32, U32], [STRING], True, True),
            Func("later", [FUTURE], [FUTURE], True, True),
            Func("keep", [own], [], False, False),
            Func("look", [borrow, U32], [], True, True),
        ]
        for func in self.imports:
            func.callee = b.lifted(func)
        host = Func("host", [U32], [U32], True, True)
        host.callee = self.host
        self.imports.append(host)
        self.exports = [
            Func("run", [], [U32], True, True),
            Func("sync-run", [], [U32], True, False),
            Func("plain-run", [], [U32], False, False),
        ]
        for func in self.exports:
            func.callee = a.lifted(func)
        self.exports.append(self.imports[0])
        self.pending, self.invoked = [], []

    def take(self):
        if self.at == len(self.tape):
            finish(None)
        self.at += 1
        return self.tape[self.at - 1]

    def host(self, on_start, on_resolve, caller):
        record = {"args": on_start(), "resolve": on_resolve, "cancel": False}
        log.append("host start %s" % record["args"])
        self.pending.append(record)

        def on_cancel(caller):
            log.append("host cancel")
            record["cancel"] = True

        return on_cancel

    def play(self):
        while True:
            code, a, b = self.take()
            [self.tick, self.tick, self.tick, self.invoke, self.tick, self.cancel, self.answer][code % 7](a, b)

    def tick(self, a, b):
        log.append("tick")
        self.store.tick()

    def invoke(self, a, b):
        func = self.exports[a % len(self.exports)]
        number = len(self.invoked)
        record = {"resolved": False, "cancelled": False}
        self.invoked.append(record)
        log.append("invoke %d %s" % (number, func.name))

        def on_resolve(values):
            record["resolved"] = True
            log.append("resolved %d %s" % (number, "cancelled" if values is None else values))

        args = [b % 8 for _ in func.ft.params]
        record["on_cancel"] = self.store.invoke(func.callee, lambda: args, on_resolve)

    def cancel(self, a, b):
        open_ = [record for record in self.invoked if not record["resolved"] and not record["cancelled"]]
        log.append("cancel %d" % len(open_))
        if open_:
            record = open_[a % len(open_)]
            record["cancelled"] = True
            record["on_cancel"](None)

    def answer(self, a, b):
        log.append("answer %d" % len(self.pending))
        if self.pending:
            record = self.pending.pop(a % len(self.pending))
            record["resolve"](None if record["cancel"] and b % 2 == 0 else [b])


def main():
    for line in sys.stdin:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                World(json.loads(line)).play()
            except BaseException as error:
                defect(type(error), error)
        if os.waitpid(child, 0)[1] != 0:
            os.write(1, b'["hang"]\n')


main()
