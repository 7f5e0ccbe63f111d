//! Services of WASI 0.3 under `wasmtime serve`: `examples/http-service`, and `examples/middleware` before it and before services of
//! other makes. Each of those answers `POST /upper` with the body in capitals, while it comes.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::components::Lab;
use super::http::{Answer, send};
use super::lack::{Got, Lack, first_lines, said, same};
use super::report::Report;
use super::server::Server;
use super::tools;
use crate::process;

/// How many bytes the bodies have.
const LEN: usize = 400_000;

/// What is done with a server.
pub(super) type Scenario = fn(&mut Server) -> Got<()>;

/// A service to have the middleware before.
struct Service {
    name: &'static str,
    make: fn(&Lab) -> Got<PathBuf>,
    compose: fn(&Lab, &Path, &Path, &str) -> Got<PathBuf>,
}

/// All of them, the cheapest first.
const SERVICES: &[Service] = &[
    Service {
        name: "ours",
        make: |lab| lab.example("http_service"),
        compose: Lab::join,
    },
    Service {
        name: "componentize-py",
        make: in_python,
        compose: Lab::join,
    },
    Service {
        name: "spin-sdk",
        make: by_spin,
        compose: by_wac,
    },
];

/// Runs all of them.
pub(super) fn run(lab: &Lab, report: &mut Report) {
    for (host, wasmtime) in lab.wasmtimes() {
        report.scenario(&format!("serve: ours on {host}"), || {
            serve(lab, wasmtime, &lab.example("http_service")?, alone)
        });
        let services = if lab.quick { &SERVICES[..1] } else { SERVICES };
        for service in services {
            report.scenario(&format!("serve: middleware -> {} on {host}", service.name), || {
                let (before, behind) = (lab.example("middleware")?, (service.make)(lab)?);
                let name = format!("middleware-{}", service.name);
                let composed = lab.once(&name, || (service.compose)(lab, &before, &behind, &name))?;
                serve(lab, wasmtime, &composed, behind_middleware)
            });
        }
    }
}

/// Serves a component for a scenario. If that fails, what the server has complained of is told too.
pub(super) fn serve(lab: &Lab, wasmtime: &tools::Wheel, component: &Path, scenario: Scenario) -> Got<String> {
    let mut server = Server::start(&lab.wheel(wasmtime)?, component)?;
    scenario(&mut server).map_err(|lack| match lack {
        Lack::Broken(reason) => Lack::Broken(format!("{reason}; {}", first_lines(&[&server.stop()]))),
        missing @ Lack::Missing(_) => missing,
    })?;
    Ok("ok".to_owned())
}

/// The service without anything before it.
fn alone(server: &mut Server) -> Got<()> {
    let bytes = noise(LEN);
    let kept = [("content-type", "image/png")];
    let answer = ok(send(server.address, "POST /echo", &kept, &bytes)?)?;
    same("the echo", &answer.body, &bytes)?;
    expect("content-type", answer.header("content-type"), Some("image/png"))?;
    let text = text(LEN);
    let answer = ok(send(server.address, "POST /upper", &[], &text)?)?;
    same("the text in capitals", &answer.body, &text.to_ascii_uppercase())?;
    let answer = ok(send(server.address, &format!("GET /bytes/{LEN}"), &[], b"")?)?;
    let counted: Vec<u8> = (0..LEN).map(|at| (at % 251) as u8).collect();
    same("what the service makes", &answer.body, &counted)?;
    let answer = ok(send(server.address, "POST /count", &[], b"foobar")?)?;
    same(
        "the count",
        &answer.body,
        b"{\"bytes\":6,\"checksum\":\"85944171f73967e8\"}\n",
    )?;
    upstreams(server)
}

/// The service as a client: of itself, and of somebody who never answers, which the clock ends.
fn upstreams(server: &Server) -> Got<()> {
    // Connections are accepted by the system, and nobody ever looks at them.
    let silent = TcpListener::bind("127.0.0.1:0").map_err(Lack::broken)?;
    let silent = silent.local_addr().map_err(Lack::broken)?;
    let ask = |to: std::net::SocketAddr, milliseconds: u32| {
        let path = format!("GET /fan-out?to=http://{to}/hello/Ada&timeout={milliseconds}");
        ok(send(server.address, &path, &[], b"")?)
    };
    let answer = ask(server.address, 600_000)?;
    same("what it says to itself", &answer.body, b"{\"hello\":\"Ada\"}\n")?;
    expect("upstream-0", answer.trailer("upstream-0"), Some("200; 16 bytes"))?;
    let answer = ask(silent, 1)?;
    same("what nobody says", &answer.body, b"")?;
    expect(
        "upstream-0",
        answer.trailer("upstream-0"),
        Some("no answer within 1 ms"),
    )
}

/// A service that compresses what it answers in capitals, for who takes that.
fn behind_middleware(server: &mut Server) -> Got<()> {
    let text = text(LEN);
    let capitals = text.to_ascii_uppercase();
    let plain = [("content-type", "text/plain")];
    let taking = [("content-type", "text/plain"), ("accept-encoding", "gzip")];
    let answer = ok(send(server.address, "POST /upper", &plain, &text)?)?;
    same("the answer", &answer.body, &capitals)?;
    expect("vary", answer.header("vary"), Some("accept-encoding"))?;
    expect("content-encoding", answer.header("content-encoding"), None)?;

    let answer = ok(send(server.address, "POST /upper", &taking, &text)?)?;
    expect("content-encoding", answer.header("content-encoding"), Some("gzip"))?;
    let mut unpacked = Vec::new();
    let read = flate2::read::GzDecoder::new(&*answer.body).read_to_end(&mut unpacked);
    read.map_err(|error| Lack::broken(format!("the compressed answer is not valid: {error}")))?;
    same("the answer that was compressed", &unpacked, &capitals)?;

    let bytes = noise(LEN);
    let image = [("content-type", "image/png"), ("accept-encoding", "gzip")];
    let answer = ok(send(server.address, "POST /upper", &image, &bytes)?)?;
    expect("vary", answer.header("vary"), None)?;
    same("what is passed on", &answer.body, &bytes.to_ascii_uppercase())
}

fn ok(answer: Answer) -> Got<Answer> {
    match answer.status {
        200 => Ok(answer),
        status => Err(Lack::broken(format!(
            "status {status}: {}",
            String::from_utf8_lossy(&answer.body)
        ))),
    }
}

fn expect(what: &str, value: Option<&str>, expected: Option<&str>) -> Got<()> {
    if value == expected {
        return Ok(());
    }
    Err(Lack::broken(format!("`{what}` is {value:?} and not {expected:?}")))
}

/// Bytes without a pattern, always the same.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(step).collect()
}

/// The same as letters and spaces.
fn text(len: usize) -> Vec<u8> {
    let letter = |byte: u8| if byte < 0xd0 { b'a' + byte % 26 } else { b' ' };
    noise(len).into_iter().map(letter).collect()
}

fn in_python(lab: &Lab) -> Got<PathBuf> {
    lab.once("python-http", || {
        lab.componentize_py("http", "../wit-wasi", "local:wasi-all/service")
    })
}

/// The service by spin-sdk, in which there is a runtime of ours too.
pub(super) fn by_spin(lab: &Lab) -> Got<PathBuf> {
    lab.once("spin", || {
        let target = lab.folder.join("spin");
        let mut fetch = process::cargo(["fetch"]);
        said(fetch.current_dir(lab.source("spin"))).map_err(|lack| lack.excused("spin-sdk cannot be had"))?;
        let mut cargo = process::cargo(["build", "--target", "wasm32-wasip2", "--target-dir"]);
        process::run(cargo.arg(&target).current_dir(lab.source("spin"))).map_err(Lack::broken)?;
        Ok(target.join("wasm32-wasip2/debug/peer_spin.wasm"))
    })
}

/// Composes what our own tool does not link: the service exports the interface of WASI 0.3.0, and the middleware imports that of
/// 0.3.2.
fn by_wac(lab: &Lab, before: &Path, behind: &Path, name: &str) -> Got<PathBuf> {
    let composed = lab.composition(name);
    let mut wac = Command::new(lab.peer("peer-wac")?);
    said(wac.arg(before).arg(behind).arg(&composed))?;
    Ok(composed)
}
