//! How much processor time a command takes.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

/// What running a command took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    /// Processor time of it and of all it started. On systems without `/proc`, the time on the wall.
    pub(super) cpu: Duration,
    /// Time on the wall.
    pub(super) wall: Duration,
}

/// Runs a command by `run` and measures it.
pub(super) fn measure<T>(command: &mut Command, run: impl FnOnce(&mut Command) -> Result<T>) -> Result<(T, Took)> {
    let before = children();
    let begin = Instant::now();
    let result = run(command)?;
    let wall = begin.elapsed();
    let cpu = before.zip(children()).map_or(wall, |(before, after)| after - before);
    Ok((result, Took { cpu, wall }))
}

/// The processor time of all children that have ended.
fn children() -> Option<Duration> {
    parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads fields 16 and 17, which count hundredths of a second. The second field is a name in parentheses and may hold spaces.
fn parse(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_found_behind_any_name() {
        let stat = "1 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 150 25 15 16";
        assert_eq!(parse(stat), Some(Duration::from_millis(1750)));
        assert_eq!(parse("nothing of the kind"), None);
    }
}
