//! Ten million calls and ten gibibytes of stream through one instance, to see that its memory stays where it was.
//!
//! A round is a hundred and twenty-eighth of everything and has every kind of operation. What the guest needs it has after
//! the first round; from then on its linear memory must not grow. It grows by pages of 64 KiB, so what shows is a byte for
//! every few hundred calls.

use crate::contender::Contender;
use crate::host;
use crate::workloads::{Call, Running, Workload};
use std::time::Instant;
use wasmtime::{Result, ensure};

/// How many rounds there are: one is less than a hundredth.
const ROUNDS: u32 = 128;

const fn part(name: &'static str, op: &'static str, ops: u32, call: Call) -> Workload {
    Workload { name, op, ops, call }
}

/// The calls of a round: 78 125.
const CALLS: &[Workload] = &[
    part("calls that return at once", "call", 40_000, Call::Ready),
    part("calls that wait", "call", 30_000, Call::Pending),
    part("calls of an export", "call", 7_125, Call::Noop),
    part("calls in flight together", "call", 1_000, Call::InFlight),
];

const LARGE: u32 = 64 << 10;
const SMALL: u32 = 4 << 10;

/// The bytes of a round: four times 20 MiB.
const BYTES: &[Workload] = &[
    part("writes", "write", 320, Call::WriteBytes { chunk: LARGE, mode: 0 }),
    part(
        "writes that wait",
        "write",
        5_120,
        Call::WriteBytes { chunk: SMALL, mode: 1 },
    ),
    part("reads", "read", 5_120, Call::ReadBytes { chunk: SMALL, mode: 0 }),
    part(
        "reads that wait",
        "read",
        320,
        Call::ReadBytes { chunk: LARGE, mode: 1 },
    ),
];

/// Runs all rounds of `parts` in one instance; answers its memory after the first and after the last, in bytes.
async fn soak(contender: &Contender, parts: &[Workload]) -> Result<(usize, usize)> {
    let (store, instance) = host::instantiate(&contender.bench.without).await?;
    let mut running = Running { store, instance };
    let mut first = 0;
    for round in 0..ROUNDS {
        for part in parts {
            part.run(&mut running, false).await?;
        }
        if round == 0 {
            first = host::peak_memory(&running.store);
        }
    }
    Ok((first, host::peak_memory(&running.store)))
}

/// Soaks the contenders, and prints their memory.
pub(crate) fn run(contenders: &[Contender]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    println!("| contender | what | memory after the first round, KiB | at the end, KiB | seconds |");
    println!("| --- | --- | ---: | ---: | ---: |");
    let mut grew = Vec::new();
    for contender in contenders {
        for (what, parts) in [("10 000 000 calls", CALLS), ("10 GiB of stream", BYTES)] {
            let begin = Instant::now();
            let (first, last) = runtime.block_on(soak(contender, parts))?;
            println!(
                "| {} | {what} | {} | {} | {:.0} |",
                contender.name,
                first >> 10,
                last >> 10,
                begin.elapsed().as_secs_f64()
            );
            if last > first {
                grew.push(format!("{} with {what}", contender.name));
            }
        }
    }
    ensure!(grew.is_empty(), "memory grew: {}", grew.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_add_up() {
        let calls: u32 = CALLS.iter().map(|part| part.ops).sum();
        assert_eq!(calls * ROUNDS, 10_000_000);
        let bytes = BYTES.iter().map(|part| match part.call {
            Call::WriteBytes { chunk, .. } | Call::ReadBytes { chunk, .. } => u64::from(chunk) * u64::from(part.ops),
            _ => panic!("`{}` moves no bytes", part.name),
        });
        assert_eq!(bytes.sum::<u64>() * u64::from(ROUNDS), 10 << 30);
    }
}
