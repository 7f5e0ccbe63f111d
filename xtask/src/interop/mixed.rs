//! Several runtimes in one component: each awaits what others wait for, and spawns through others where those can take it.

use std::path::PathBuf;
use std::process::Command;

use super::components::Lab;
use super::http::send;
use super::lack::{Ended, Got, Lack, ended, first_lines, said, same};
use super::report::Report;
use super::serve::{Scenario, by_spin, serve};
use super::server::Server;

/// Commands that others export: which they are, and by what.
const COMMANDS: &[(&str, &str)] = &[("mixed_newer", "wit-bindgen 0.63"), ("mixed_older", "wit-bindgen 0.57")];

/// What they do with ours, which `tests/guests/mixed-newer/src/cases.rs` has.
const CASES: &[&str] = &["await", "streams", "cancel", "spawn-theirs", "spawn-ours"];

/// The same by a service that spin-sdk exports, with wit-bindgen 0.57: see `tests/interop/spin/src/lib.rs`.
const REQUESTS: &[(&str, Scenario)] = &[
    ("await", |server| answers(server, "GET /await")),
    ("spawn-theirs", |server| answers(server, "GET /spawn-theirs")),
    ("spawn-ours", refuses),
];

/// What our export does, and how it says so. What it spawns through 0.57 would be named before the last: nobody ever runs that.
const OURS: &str = "[\"0.10.0\", \"0.7.1\", \"both\", \"spawned through theirs\", \"spawned through ours\"]";

/// How ours refuses to be lost in the same way.
const REFUSED: &str = "`spawn` was called in a task of another runtime that cannot take it";

/// Runs all of them.
pub(super) fn run(lab: &Lab, report: &mut Report) {
    for (host, wasmtime) in lab.wasmtimes() {
        report.scenario(&format!("mixed: ours exports on {host}"), || {
            let mut call = Command::new(lab.wheel(wasmtime)?);
            call.args(["run", "--invoke", "run()"]);
            let said = said(call.arg(guest(lab, "mixed_runtimes")?))?;
            Ok(if said.trim() == OURS { "ok".to_owned() } else { said })
        });
        for (component, make) in COMMANDS {
            for case in CASES {
                report.scenario(&format!("mixed: {make} exports, {case} on {host}"), || {
                    let mut command = Command::new(lab.wheel(wasmtime)?);
                    command.arg("run").arg(guest(lab, component)?).arg(case);
                    let count = if *case == "streams" { 40_000 } else { 0 };
                    let ended = ended(&mut command, b"some text\n".repeat(count))?;
                    let refuses = *component == "mixed_older" && *case == "spawn-ours";
                    check(&ended, &b"SOME TEXT\n".repeat(count), refuses)
                });
            }
        }
        for (case, scenario) in if lab.quick { &[] } else { REQUESTS } {
            report.scenario(&format!("mixed: spin-sdk exports, {case} on {host}"), || {
                serve(lab, wasmtime, &by_spin(lab)?, *scenario)
            });
        }
    }
}

fn guest(lab: &Lab, name: &str) -> Got<PathBuf> {
    let packages = ["mixed-newer", "mixed-older", "mixed-runtimes"];
    let built = lab.once("mixed", || lab.guests("guest-test", &packages));
    Ok(built?.join(name).with_extension("wasm"))
}

/// Whether a command ended well, or said why not and was right in that.
fn check(ended: &Ended, out: &[u8], refuses: bool) -> Got<String> {
    if refuses && ended.code != Some(0) && ended.err.contains(REFUSED) {
        return Ok("ok: refused".to_owned());
    }
    if refuses || ended.code != Some(0) {
        let said = first_lines(&[&ended.err]);
        return Err(Lack::Broken(format!("it ended with {:?}: {said}", ended.code)));
    }
    same("the output", &ended.out, out)?;
    Ok("ok".to_owned())
}

fn answers(server: &Server, request: &str) -> Got<()> {
    let answer = send(server.address, request, &[], b"")?;
    match answer.status {
        200 => same("the answer", &answer.body, b"done"),
        status => Err(Lack::broken(format!("`{request}` has status {status}"))),
    }
}

/// A future that is spawned there would be lost, so the request fails and the log says why. The next one is as good as before.
fn refuses(server: &mut Server) -> Got<()> {
    let status = send(server.address, "GET /spawn-ours", &[], b"")?.status;
    answers(server, "GET /await")?;
    if status != 500 || !server.stop().contains(REFUSED) {
        return Err(Lack::broken(format!("it is not refused: status {status}")));
    }
    Ok(())
}
