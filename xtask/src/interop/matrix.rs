//! Who gets along with whom: every consumer with every provider, chains of three, and the steps that go wrong easily.

use std::path::Path;
use std::process::Command;

use super::components::{Lab, Make, Role};
use super::jco;
use super::lack::{Got, Lack, said};
use super::report::Report;
use super::tools::WASMTIMES;

/// What calls the components.
#[derive(Clone, Copy)]
pub(super) enum Host {
    /// The reference host, on the Wasmtime it is built with.
    Ours,
    /// A version of Wasmtime's command line, by its place in the list.
    CommandLine(usize),
    Jco,
}

impl Host {
    /// All that are wanted.
    pub(super) fn all(lab: &Lab) -> &'static [Self] {
        let all = &[Self::Ours, Self::CommandLine(0), Self::Jco, Self::CommandLine(1)];
        if lab.quick { &all[..3] } else { all }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "witflow-host",
            Self::CommandLine(index) => WASMTIMES[index].0,
            Self::Jco => jco::NAME,
        }
    }

    /// Calls `drive()`, or `step(n)` for the steps up to `count`, and gives what each says.
    pub(super) fn call(self, lab: &Lab, component: &Path, steps: &[u32]) -> Got<Vec<Got<String>>> {
        match self {
            Self::Ours => {
                let mut runner = Command::new(lab.program("interop-runner")?);
                runner
                    .arg(if steps.is_empty() { "drive" } else { "step" })
                    .arg(component);
                let said = said(runner.args(steps.iter().map(u32::to_string)))?;
                Ok(said.lines().map(|line| Ok(line.to_owned())).collect())
            }
            Self::CommandLine(index) => {
                let wasmtime = lab.wheel(&WASMTIMES[index].1)?;
                let call = |call: String| {
                    let said = said(Command::new(&wasmtime).args(["run", "--invoke", &call]).arg(component))?;
                    Ok(said.trim().trim_matches('"').to_owned())
                };
                if steps.is_empty() {
                    return Ok(vec![call("drive()".to_owned())]);
                }
                Ok(steps.iter().map(|n| call(format!("step({n})"))).collect())
            }
            Self::Jco => jco::call(lab, component, steps),
        }
    }
}

/// Providers, the cheapest first.
const PROVIDERS: &[Make] = &[Make::Ours, Make::WitBindgen, Make::C, Make::Python, Make::Js];

/// How many of them continuous integration has time for.
const QUICK: usize = 3;

/// Runs it all.
pub(super) fn run(lab: &Lab, report: &mut Report) {
    let providers = if lab.quick { &PROVIDERS[..QUICK] } else { PROVIDERS };
    let ours = providers.iter().map(|provider| (Make::Ours, *provider));
    let others = [(Make::WitBindgen, Make::Ours), (Make::Python, Make::Ours)];
    let others = others
        .iter()
        .copied()
        .filter(|(consumer, _)| providers.contains(consumer));
    for (consumer, provider) in ours.chain(others) {
        let parts = [(consumer, Role::Consumer), (provider, Role::Provider)];
        everywhere(lab, report, &parts);
    }
    for provider in providers {
        let parts = [
            (Make::Ours, Role::Consumer),
            (Make::Ours, Role::Middle),
            (*provider, Role::Provider),
        ];
        everywhere(lab, report, &parts);
    }
    for provider in providers {
        steps(lab, report, (Make::Ours, Role::Edge), *provider, 9);
    }
    steps(lab, report, (Make::WitBindgen, Role::Edge), Make::Ours, 9);
    steps(lab, report, (Make::C, Role::Canceller), Make::Ours, 6);
}

/// Calls a composition on every host, for the table.
fn everywhere(lab: &Lab, report: &mut Report, parts: &[(Make, Role)]) {
    let names = parts
        .iter()
        .map(|(make, _)| make.name())
        .collect::<Vec<_>>()
        .join(" -> ");
    for host in Host::all(lab) {
        report.pair(&names, host.name(), || {
            known_fault(*host, parts, None)?;
            let said = host.call(lab, &lab.composed(parts)?, &[])?;
            said.into_iter()
                .next()
                .unwrap_or_else(|| Err(Lack::broken("nothing was said")))
        });
    }
}

/// All steps with a provider, on every host.
fn steps(lab: &Lab, report: &mut Report, edge: (Make, Role), provider: Make, count: u32) {
    let kind = if edge.1 == Role::Canceller {
        "cancelling"
    } else {
        "step"
    };
    let parts = [edge, (provider, Role::Provider)];
    for host in Host::all(lab) {
        let name = |n: u32| {
            format!(
                "{kind} {n}: {} -> {} on {}",
                edge.0.name(),
                provider.name(),
                host.name()
            )
        };
        let wanted = (1..=count).filter(|n| report.wants(&name(*n)));
        let (wanted, known): (Vec<u32>, Vec<u32>) = wanted.partition(|n| known_fault(*host, &parts, Some(*n)).is_ok());
        if !wanted.is_empty() {
            let said = lab
                .composed(&parts)
                .and_then(|component| host.call(lab, &component, &wanted));
            for (index, n) in wanted.into_iter().enumerate() {
                let said = said.as_ref().map_err(Lack::clone).and_then(|said| {
                    let line = said.get(index).cloned();
                    line.unwrap_or_else(|| Err(Lack::broken("the host ended before")))
                });
                report.scenario(&name(n), || said);
            }
        }
        for n in known {
            report.scenario(&name(n), || known_fault(*host, &parts, Some(n)).map(|()| String::new()));
        }
    }
}

/// Fails with what others are known to do wrong in a step, or in `drive`, so that there is nothing to be seen of us.
fn known_fault(host: Host, parts: &[(Make, Role)], step: Option<u32>) -> Got<()> {
    let makes = |make| parts.iter().any(|part| part.0 == make);
    let reason = if makes(Make::Python) && step == Some(1) {
        Some("componentize-py 0.25.1 traps when one of its exports is cancelled (NotImplementedError)")
    } else if let Host::Jco = host {
        jco::known_fault(parts, step)
    } else {
        None
    };
    reason.map_or(Ok(()), |reason| Err(Lack::Missing(reason.to_owned())))
}
