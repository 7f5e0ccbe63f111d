//! `cargo xtask miri`: the native tests, with every access to memory watched.
//!
//! Miri comes with the nightly toolchain; what is missing of it is installed. Where it cannot be had, the command says so and
//! is done. Provenance is strict, and aliasing is judged by Tree Borrows. Whatever is not freed at the end is an error, but for
//! the tests that leave something behind on purpose: these are named here and run a second time without that check.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Arguments of `cargo xtask miri`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Run the tests of this package only; may be given several times.
    #[arg(long, value_name = "PACKAGE")]
    only: Vec<String>,
    /// Leave out the tests that take Miri many minutes.
    #[arg(long)]
    quick: bool,
}

impl Args {
    /// What CI runs.
    pub(crate) fn quick() -> Args {
        Args {
            quick: true,
            ..Args::default()
        }
    }
}

/// The components of the toolchain that Miri needs.
const COMPONENTS: &[&str] = &["miri", "rust-src"];

const FLAGS: &str = "-Zmiri-strict-provenance -Zmiri-tree-borrows";

/// Tests of one package.
struct Suite {
    package: &'static str,
    /// Which targets of it.
    targets: &'static [&'static str],
    /// Which tests: those whose name contains one of these, or all.
    filters: &'static [&'static str],
    /// Whether it takes many minutes.
    is_long: bool,
    /// Tests that leave something behind, and why.
    leaking: &'static [(&'static str, &'static str)],
}

const SUITES: &[Suite] = &[
    // In two halves, which run side by side.
    Suite {
        package: "witflow-async-rt",
        targets: &["--lib", "--test", "[a-e]*"],
        filters: &[],
        is_long: false,
        leaking: &[
            ("forgotten_calls_leak_but_do_not_break", "it forgets calls"),
            ("forgetting_a_call_at_any_point_breaks_nothing", "it forgets calls"),
            ("a_function_that_panics_leaves_no_task_behind", "it panics"),
        ],
    },
    Suite {
        package: "witflow-async-rt",
        targets: &["--test", "[f-z]*"],
        filters: &[],
        is_long: false,
        leaking: &[
            ("a_forgotten_read_can_be_followed_by_anything", "it forgets a read"),
            ("forgetting_a_read_at_any_point_breaks_nothing", "it forgets reads"),
            ("forgetting_a_write_at_any_point_breaks_nothing", "it forgets writes"),
            ("whatever_is_forgotten_what_comes_then_works", "it forgets everything"),
            ("a_task_ends_once_though_a_handle_is_forgotten", "it forgets a handle"),
            (
                "a_foreign_registration_outlives_the_root",
                "the parameters of its call are the other runtime's",
            ),
            (
                "a_default_is_written_without_any_task",
                "nobody is left who hears that the write is done",
            ),
            ("a_panic_through_block_on_leaves_no_way_to_the_stack", "it panics"),
            ("without_a_host_the_remedy_is_named", "it panics"),
            ("a_waker_of_another_instance_is_refused", "it panics"),
            ("an_end_of_another_instance_is_refused", "it panics"),
            ("a_call_that_is_forgotten_beside_others", "it forgets calls"),
            ("a_result_that_cannot_be_lifted_is_not_lifted_again", "it panics"),
            (
                "a_parameter_that_panics_when_it_is_dropped_is_not_dropped_again",
                "it panics",
            ),
            ("a_parameter_may_drop_its_call", "nobody wakes its task afterwards"),
        ],
    },
    // The state machines of the Canonical ABI have no unsafe code of their own, and would take an hour.
    Suite {
        package: "witflow-host",
        targets: &["--lib"],
        filters: &["native::"],
        is_long: false,
        leaking: &[],
    },
    // Guest memory goes with its host in WebAssembly. Natively, what a guest held stays behind when it is cut short.
    Suite {
        package: "witflow-host",
        targets: &[
            "--test",
            "calls",
            "--test",
            "compose",
            "--test",
            "composition",
            "--test",
            "faults",
            "--test",
            "futures",
            "--test",
            "native",
            "--test",
            "raw",
            "--test",
            "streams",
            "--test",
            "values",
        ],
        filters: &[],
        is_long: true,
        leaking: &[
            ("a_failing_host_function_is_named", "its guest traps"),
            ("a_guest_that_waits_for_nothing_is_a_deadlock", "its guest never ends"),
            ("a_host_function_that_never_completes_is_named", "its guest never ends"),
            ("a_mock_that_panics_is_named", "its guest traps"),
            ("a_mock_that_returns_another_type_is_named", "its guest traps"),
            ("a_deadlock_says_what_each_task_waits_for", "its guest never ends"),
            ("a_plain_function_that_blocks_is_a_trap", "its guest traps"),
            ("a_plain_function_that_calls_what_blocks_is_a_trap", "its guest traps"),
            ("a_guest_that_panics_is_quoted", "its guest panics"),
            ("a_store_that_ends_lets_go_of_everything", "its guest is cut short"),
            ("a_future_nobody_writes_stops_the_guest", "its guest traps"),
            ("a_stream_can_be_untyped", "its guest still writes when the store ends"),
        ],
    },
    // Guests with generated bindings, against each other and the host.
    Suite {
        package: "witflow",
        targets: &["--test", "scenarios"],
        filters: &[],
        is_long: true,
        leaking: &[("go_on_when_they_are_forgotten", "it forgets calls")],
    },
    Suite {
        package: "text-stats",
        targets: &["--lib"],
        filters: &["in_whatever_pieces"],
        is_long: false,
        leaking: &[],
    },
];

/// Runs the suites.
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Err(reason) = install() {
        println!("    SKIP miri: {reason:#}");
        return Ok(());
    }
    let mut suites = choose(&args.only)?;
    suites.retain(|suite| !(args.quick && suite.is_long));
    // The longest first, so that none of them is left for the end, when nothing runs beside it.
    suites.sort_by_key(|suite| !suite.is_long);
    let mut setup = rustup(&["run", "nightly", "cargo", "miri", "setup"]);
    process::run(without_our_cargo(&mut setup))?;
    process::run_side_by_side(suites.into_iter().flat_map(Suite::commands).collect())
}

/// The suites of the named packages; all of them if none is named.
fn choose(only: &[String]) -> Result<Vec<&'static Suite>> {
    if let Some(unknown) = only
        .iter()
        .find(|name| !SUITES.iter().any(|suite| suite.package == **name))
    {
        let mut packages: Vec<_> = SUITES.iter().map(|suite| suite.package).collect();
        packages.dedup();
        bail!("Miri runs no tests of `{unknown}`; it does of {}", packages.join(", "));
    }
    let chosen = |suite: &&Suite| only.is_empty() || only.iter().any(|name| name == suite.package);
    Ok(SUITES.iter().filter(chosen).collect())
}

/// Makes sure that the nightly toolchain has what Miri needs.
///
/// # Errors
///
/// When something is missing and cannot be installed.
fn install() -> Result<()> {
    let mut list = rustup(&["component", "list", "--toolchain", "nightly", "--installed"]);
    let output = list.output().context("rustup cannot be started")?;
    if !output.status.success() {
        bail!("there is no nightly toolchain; `rustup toolchain install nightly` makes one");
    }
    let installed = String::from_utf8_lossy(&output.stdout).into_owned();
    let missing = missing(&installed);
    if missing.is_empty() {
        return Ok(());
    }
    let mut add = rustup(&["component", "add", "--toolchain", "nightly"]);
    process::run(add.args(missing)).context("the nightly toolchain lacks a component")
}

/// The components that are not in a list of those that are installed, whose names may go on with that of a target.
fn missing(installed: &str) -> Vec<&'static str> {
    let has = |component: &str| {
        installed.lines().any(|line| {
            let rest = line.trim().strip_prefix(component);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    COMPONENTS.iter().copied().filter(|component| !has(component)).collect()
}

fn rustup(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(args).current_dir(process::root());
    command
}

impl Suite {
    /// What runs it: most tests with the check for leaks, and those that leak without.
    fn commands(&self) -> Vec<Command> {
        let leaking: Vec<_> = self.leaking.iter().map(|(name, _)| *name).collect();
        let mut checked = self.command(FLAGS, self.filters);
        checked.args(leaking.iter().flat_map(|name| ["--skip", name]));
        let mut commands = vec![checked];
        if !leaking.is_empty() {
            commands.push(self.command(&format!("{FLAGS} -Zmiri-ignore-leaks"), &leaking));
        }
        commands
    }

    fn command(&self, flags: &str, filters: &[&str]) -> Command {
        let mut command = rustup(&["run", "nightly", "cargo", "miri", "test", "--package", self.package]);
        command.args(self.targets).arg("--").args(filters);
        // Finding the names for the backtrace of an expected panic takes Miri minutes.
        command.env("MIRIFLAGS", flags).env("RUST_BACKTRACE", "0");
        without_our_cargo(&mut command);
        command
    }
}

/// The Cargo that runs this program is that of another toolchain, and so are the variables that it sets.
fn without_our_cargo(command: &mut Command) -> &mut Command {
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_not_missing() {
        assert_eq!(missing("cargo-x86_64-unknown-linux-gnu\n"), ["miri", "rust-src"]);
        assert_eq!(missing("miri-x86_64-unknown-linux-gnu\nrust-src\n"), [] as [&str; 0]);
        assert_eq!(missing("miriad\nrust-src\n"), ["miri"]);
    }

    #[test]
    fn tests_that_leak_run_apart() {
        let suite = Suite {
            package: "some",
            targets: &["--lib"],
            filters: &["part::"],
            is_long: false,
            leaking: &[("forgets", "on purpose")],
        };
        let commands: Vec<_> = suite.commands().iter().map(process::show).collect();
        let run = "rustup run nightly cargo miri test --package some --lib --";
        assert_eq!(
            commands,
            [
                format!("MIRIFLAGS=\"{FLAGS}\" RUST_BACKTRACE=0 {run} part:: --skip forgets"),
                format!("MIRIFLAGS=\"{FLAGS} -Zmiri-ignore-leaks\" RUST_BACKTRACE=0 {run} forgets"),
            ]
        );
    }

    #[test]
    fn tests_that_leak_exist() {
        let folders = ["async-rt/tests", "host/tests", "tests/scenarios"].map(|folder| process::root().join(folder));
        let files = folders.iter().flat_map(|folder| folder.read_dir().unwrap());
        let files = files.map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        let text: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
        for (name, _) in SUITES.iter().flat_map(|suite| suite.leaking) {
            assert!(text.contains(&format!("fn {name}()")), "there is no test `{name}`");
        }
    }

    #[test]
    fn a_package_without_such_tests_is_named() {
        let error = choose(&["cli".to_owned()]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "Miri runs no tests of `cli`; it does of witflow-async-rt, witflow-host, witflow, text-stats"
        );
    }
}
