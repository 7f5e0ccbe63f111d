//! Who gets along with whom: every consumer with every provider, chains of three, and the steps that go wrong easily.

use super::components::{Lab, Make, Role};
use super::host::Host;
use super::jco;
use super::lack::{Got, Lack};
use super::report::Report;

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
            host.say(lab, &lab.composed(parts)?, None)
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
        host.steps(lab, report, &wanted, || lab.composed(&parts), name);
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
