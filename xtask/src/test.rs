//! `cargo xtask test`: the steps of continuous integration, one after the other.
//!
//! A step that fails does not stop the others; the summary says which failed and how to run just that. Steps that are quick or
//! fail often come first. All native steps share one target folder and profile, so that Wasmtime is built once.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{self, cargo};
use crate::{
    bad_input, bench, deny, explore, guests, guide, interop, miri, msrv, package, reference, tidy, toolchain, worlds,
};

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run this step only; may be given several times.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Print the steps and what they check.
    #[arg(long)]
    list: bool,
}

/// One thing that is checked.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<()>,
}

/// How a step ended.
struct Outcome {
    name: &'static str,
    failure: Option<String>,
    took: Duration,
}

const STEPS: &[Step] = &[
    Step {
        name: "toolchain",
        about: "the WebAssembly targets are installed",
        run: toolchain::run,
    },
    Step {
        name: "fmt",
        about: "the code is formatted",
        run: || process::run(&mut cargo(["fmt", "--all", "--check"])),
    },
    Step {
        name: "tidy",
        about: "the repository's own rules hold",
        run: tidy::run,
    },
    Step {
        name: "no-std",
        about: "the runtime builds without the standard library",
        run: no_std,
    },
    Step {
        name: "clippy",
        about: "no lint warns, in any target of any package",
        run: clippy,
    },
    Step {
        name: "light-host",
        about: "a guest that is tested natively has no Wasmtime among its dependencies",
        run: light_host,
    },
    Step {
        name: "host-features",
        about: "the host builds with each of its back ends alone",
        run: host_features,
    },
    Step {
        name: "docs",
        about: "the documentation builds and its links resolve",
        run: docs,
    },
    Step {
        name: "guide",
        about: "the guide builds, if mdBook is at hand",
        run: guide::run,
    },
    Step {
        name: "package",
        about: "what is published can be packaged, and its manifests say all they have to",
        run: package::check,
    },
    Step {
        name: "deny",
        about: "licences and origins of dependencies are those that are allowed, if cargo-deny is at hand",
        run: deny::run,
    },
    Step {
        name: "guests-wasip2",
        about: "the guests build for wasm32-wasip2",
        run: || guests_for("wasm32-wasip2"),
    },
    Step {
        name: "guests-unknown",
        about: "the guests build for wasm32-unknown-unknown",
        run: || guests_for("wasm32-unknown-unknown"),
    },
    Step {
        name: "bad-input",
        about: "bad input is reported well",
        run: || bad_input::run(&bad_input::Args::default()),
    },
    Step {
        name: "worlds",
        about: "random worlds get bindings that compile, or are refused with a place",
        run: || worlds::run(&worlds::Args::default()),
    },
    Step {
        name: "reference",
        about: "the host agrees with the specification's executable reference, if that is at hand",
        run: reference::run_if_at_hand,
    },
    Step {
        name: "tests",
        about: "all tests pass",
        run: || process::run(&mut cargo(["test", "--workspace"])),
    },
    Step {
        name: "interop",
        about: "our guests get along with components of other makes, as far as those can be had",
        run: interop::quick,
    },
    Step {
        name: "explore",
        about: "no schedule of the scenarios fails, of a share of them",
        run: explore::share,
    },
    Step {
        name: "msrv",
        about: "the oldest Rust that is promised builds what is published",
        run: msrv::run,
    },
    Step {
        name: "bench",
        about: "no figure that depends on no machine is worse than before",
        run: bench::check,
    },
    Step {
        name: "miri",
        about: "native tests pass with every access to memory watched",
        run: || miri::run(&miri::Args::quick()),
    },
];

/// Runs the chosen steps, or lists them all.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.list {
        STEPS
            .iter()
            .for_each(|step| println!("{:<16} {}", step.name, step.about));
        return Ok(());
    }
    let outcomes = run_steps(&choose(STEPS, &args.only)?);
    print!("{}", summary(&outcomes));
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} steps failed", outcomes.len());
    }
    Ok(())
}

/// The steps named in `only`, in their own order; all of them if it is empty.
fn choose<'a>(steps: &'a [Step], only: &[String]) -> Result<Vec<&'a Step>> {
    if let Some(unknown) = only.iter().find(|name| !steps.iter().any(|step| step.name == **name)) {
        let names: Vec<_> = steps.iter().map(|step| step.name).collect();
        bail!("there is no step `{unknown}`; the steps are {}", names.join(", "));
    }
    Ok(steps
        .iter()
        .filter(|step| only.is_empty() || only.iter().any(|name| name == step.name))
        .collect())
}

fn run_steps(steps: &[&Step]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("[{}/{}] {}: {}", index + 1, steps.len(), step.name, step.about);
        let begin = Instant::now();
        let failure = (step.run)().err().map(|error| format!("{error:#}"));
        let took = begin.elapsed();
        if let Some(failure) = &failure {
            println!("    FAILED: {failure}");
        }
        println!("    {:.1} s", took.as_secs_f64());
        outcomes.push(Outcome {
            name: step.name,
            failure,
            took,
        });
    }
    outcomes
}

fn summary(outcomes: &[Outcome]) -> String {
    let mut text = format!("\n{:<16} {:<8} {:>8}\n", "step", "result", "seconds");
    for outcome in outcomes {
        let result = if outcome.failure.is_some() { "FAILED" } else { "ok" };
        text += &format!("{:<16} {result:<8} {:>8.1}\n", outcome.name, outcome.took.as_secs_f64());
    }
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    text += &format!("{:<16} {:<8} {:>8.1}\n", "total", "", total.as_secs_f64());
    for outcome in outcomes.iter().filter(|outcome| outcome.failure.is_some()) {
        text += &format!(
            "\n{} failed; to run just that: cargo xtask test --only {}\n",
            outcome.name, outcome.name
        );
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    text += &format!("\n{} passed, {failed} failed\n", outcomes.len() - failed);
    text
}

fn no_std() -> Result<()> {
    process::run(&mut cargo([
        "clippy",
        "--package",
        "witflow-async-rt",
        "--no-default-features",
        "--target",
        "wasm32-unknown-unknown",
        "--",
        "-D",
        "warnings",
    ]))
}

fn clippy() -> Result<()> {
    process::run(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// What the tests of the example guest depend on is what those of any guest do.
fn light_host() -> Result<()> {
    let tree = process::output(&mut cargo([
        "tree",
        "--package",
        "text-stats",
        "--edges",
        "normal,dev,build",
        "--prefix",
        "none",
    ]))?;
    let heavy = tree.lines().filter(|line| {
        let name = line.split(' ').next().unwrap_or_default();
        name.starts_with("wasmtime") || matches!(name, "tokio" | "cranelift-codegen" | "wasi-common")
    });
    let heavy: Vec<_> = heavy.collect();
    if !heavy.is_empty() {
        bail!("testing text-stats natively depends on {}", heavy.join(", "));
    }
    Ok(())
}

fn host_features() -> Result<()> {
    for features in ["native", "wasmtime"] {
        process::run(&mut cargo([
            "clippy",
            "--package",
            "witflow-host",
            "--no-default-features",
            "--features",
            features,
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    Ok(())
}

fn docs() -> Result<()> {
    let mut doc = cargo(["doc", "--workspace", "--no-deps"]);
    deny_warnings(&mut doc, std::env::var("RUSTDOCFLAGS").unwrap_or_default());
    process::run(&mut doc)
}

/// Keeps the flags that are set already.
fn deny_warnings(doc: &mut Command, flags: String) {
    doc.env("RUSTDOCFLAGS", format!("{flags} -D warnings").trim());
}

fn guests_for(target: &str) -> Result<()> {
    guests::build(target).iter_mut().try_for_each(process::run)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Step] = &[
        Step {
            name: "good",
            about: "goes well",
            run: || Ok(()),
        },
        Step {
            name: "bad",
            about: "does not",
            run: || bail!("no luck"),
        },
    ];

    #[test]
    fn a_failure_is_named_with_the_command_that_repeats_it() {
        let outcomes = run_steps(&choose(TWO, &[]).unwrap());
        let text = summary(&outcomes);
        assert!(
            text.contains("bad failed; to run just that: cargo xtask test --only bad"),
            "{text}"
        );
        assert!(!text.contains("good failed"), "{text}");
        assert_eq!(outcomes.len(), 2, "a failure does not stop the run");
    }

    #[test]
    fn steps_are_chosen_by_name() {
        let chosen = choose(TWO, &["bad".to_owned()]).unwrap();
        assert_eq!(chosen.iter().map(|step| step.name).collect::<Vec<_>>(), ["bad"]);
        let error = choose(TWO, &["worse".to_owned()]).err().unwrap();
        assert_eq!(error.to_string(), "there is no step `worse`; the steps are good, bad");
    }

    #[test]
    fn flags_of_the_caller_are_kept() {
        let mut command = Command::new("cargo");
        deny_warnings(&mut command, "--cfg docs".to_owned());
        assert_eq!(process::show(&command), "RUSTDOCFLAGS=\"--cfg docs -D warnings\" cargo");
    }
}
