"""An HTTP service in Python: it answers with the body in capitals, while it comes."""

import componentize_py_async_support
import wit_world
import wit_world.exports
from componentize_py_types import Ok
from wit_world.imports.wasi_http_types import Fields, Request, Response


class Handler(wit_world.exports.Handler):
    async def handle(self, request):
        headers = request.get_headers().copy_all()
        kept = [(name, value) for name, value in headers if name.lower() == "content-type"]
        # A writer that is dropped leaves the default: that all is well.
        objection = wit_world.result_unit_wasi_http_types_error_code_future(lambda: Ok(None))[1]
        body, trailers = Request.consume_body(request, objection)
        writer, answer = wit_world.byte_stream()
        componentize_py_async_support.spawn(copy_upper(body, writer))
        return Response.new(Fields.from_list(kept), answer, trailers)[0]


async def copy_upper(body, writer):
    with body, writer:
        while not (body.writer_dropped or writer.reader_dropped):
            # Of bytes, `upper` changes ASCII letters only.
            await writer.write_all((await body.read(4096)).upper())
