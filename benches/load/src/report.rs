//! What is printed of measurements.

use std::path::PathBuf;

use bench_load::fuel::Fuel;
use bench_load::{Load, Outcome, Round, quartiles, rate};

/// A contender's rounds and what became of it.
pub(crate) fn contender(outcome: &Outcome, load: Load) {
    let Outcome { name, served, .. } = outcome;
    println!("{name}");
    println!("  round  requests/s  server CPU us    MiB/s  guest KiB  process KiB");
    for (number, round) in outcome.rounds.iter().enumerate() {
        let flow = round.bytes as f64 / f64::from(1 << 20) / round.took.as_secs_f64();
        let process = known(round.process_memory.map(|bytes| bytes / 1024));
        println!(
            "  {number:>5}  {:>10.0}  {:>14}  {flow:>7.1}  {:>9}  {process:>11}",
            rate(round, load),
            known(cost(round, load).map(|cost| cost.round())),
            round.guest_memory / 1024
        );
    }
    println!(
        "  {} requests by {} clients, {} failed; {} bad clients; {} instances; {:.0} requests/s",
        load.requests * load.rounds,
        load.concurrency,
        outcome.failures.0,
        outcome.mischief,
        served.instances,
        outcome.rate(load)
    );
}

fn known(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

/// Microseconds of processor time for a good request.
fn cost(round: &Round, load: Load) -> Option<f64> {
    Some(round.cpu?.as_secs_f64() * 1e6 / load.requests as f64)
}

/// Two contenders, round by round: what hits a round of one is likely to hit the other's as well.
pub(crate) fn comparison(ours: &Outcome, other: &Outcome, load: Load) {
    let pairs = || ours.rounds.iter().zip(&other.rounds);
    let (one, two) = (&ours.name, &other.name);
    let rates = pairs().map(|(ours, other)| rate(ours, load) / rate(other, load));
    say(&format!("requests a second of {one} / {two}"), rates.collect());
    let costs = pairs().filter_map(|(ours, other)| Some(cost(other, load)? / cost(ours, load)?));
    say(&format!("requests a CPU second of {one} / {two}"), costs.collect());
}

fn say(what: &str, mut ratios: Vec<f64>) {
    if ratios.is_empty() {
        println!("{what}: not known; only a server with one thread says it, on Linux");
        return;
    }
    let [low, middle, high] = quartiles(&mut ratios);
    let verdict = if middle >= 1.0 { "at least 1.0" } else { "less than 1.0" };
    let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
    println!(
        "{what}: {middle:.3} in the middle of {} rounds, which is {verdict}; half of them from {low:.3} to {high:.3}, all from {least:.3} to {most:.3}",
        ratios.len()
    );
}

/// Instructions of each component, and how they compare with the first one's.
pub(crate) fn fuel(components: &[(String, PathBuf)], fuel: &Fuel) {
    print!("{:>6}  {:>8}", "kind", "size");
    for (index, (name, _)) in components.iter().enumerate() {
        print!("  {name:>12}");
        if index > 0 {
            print!("  {:>7}", "ratio");
        }
    }
    println!();
    for row in &fuel.rows {
        line(row.kind, &row.size.to_string(), &row.fuel);
    }
    line("mixed", "", &fuel.mixed);
    let Some((ours, others)) = fuel.mixed.split_first() else {
        return;
    };
    for (index, ((name, _), other)) in (1..).zip(components.iter().skip(1).zip(others)) {
        let more = fuel.rows.iter().filter(|row| row.fuel[0] > row.fuel[index]).count();
        println!(
            "{} takes {:.3} of the instructions of {name} for the mixed requests, and more of them in {more} of {} rows",
            components[0].0,
            ours / other,
            fuel.rows.len()
        );
    }
}

fn line(kind: &str, size: &str, fuel: &[f64]) {
    print!("{kind:>6}  {size:>8}");
    for (index, number) in fuel.iter().enumerate() {
        print!("  {number:>12.1}");
        if index > 0 {
            print!("  {:>7.3}", fuel[0] / number);
        }
    }
    println!();
}
