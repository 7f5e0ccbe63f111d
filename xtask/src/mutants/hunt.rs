//! The explorer of the copy, in processes of its own: a mutant may end them in any way.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::explore::PROFILE;
use crate::process;

/// How long one process may take. What takes longer does not end.
const PATIENCE: Duration = Duration::from_secs(100);

/// The explorer with all mutants in it.
pub(super) struct Explorer {
    program: PathBuf,
    /// Where processes leave what they write.
    folder: PathBuf,
}

/// What was found.
pub(super) enum Found {
    Nothing,
    Something(Finding),
}

/// A schedule that fails.
pub(super) struct Finding {
    pub(super) scenario: String,
    pub(super) class: String,
    pub(super) schedules: usize,
    pub(super) deviations: String,
    pub(super) token: String,
}

/// How a process ended.
enum End {
    Exit { success: bool },
    Crash(String),
    Never,
}

impl Explorer {
    /// Builds the explorer of a copy.
    pub(super) fn build(copy: &Path) -> Result<Explorer> {
        let target = copy.join("target");
        let mut build = process::cargo(["build", "--quiet", "--profile", PROFILE, "--package", "explored"]);
        build.current_dir(copy).arg("--target-dir").arg(&target);
        process::run(&mut build).context("the mutants do not compile")?;
        let folder = copy.join("found");
        fs::create_dir_all(folder.join("journals"))?;
        Ok(Explorer {
            program: target.join(PROFILE).join("explore"),
            folder,
        })
    }

    fn start(&self, mutant: usize, args: &[&str]) -> Result<(End, String)> {
        let mut child = Command::new(&self.program)
            .args(args)
            .env("WITFLOW_MUTANT", mutant.to_string())
            .env_remove("WITFLOW_REPLAY")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        wait(&mut child)
    }

    /// Looks for a schedule that fails with a mutant on; with none, if its number is 0.
    pub(super) fn hunt(&self, mutant: usize, seeds: usize) -> Result<Found> {
        let journals = self.folder.join("journals");
        let (seeds, folder) = (seeds.to_string(), journals.display().to_string());
        let (end, output) = self.start(mutant, &["hunt", "--seeds", &seeds, "--journals", &folder])?;
        let field = |name: &str| {
            let prefix = format!("{name} ");
            output
                .lines()
                .rev()
                .find_map(|line| line.strip_prefix(&prefix))
                .map(str::to_owned)
        };
        // `at SCENARIO BEFORE COUNT`: what was being explored last.
        let last = field("at").context("the explorer explored nothing")?;
        let mut last = last.split(' ');
        let scenario = last.next().unwrap_or_default().to_owned();
        let most = last.filter_map(|number| number.parse::<usize>().ok()).sum();
        let class = match end {
            End::Exit { success: true } => return Ok(Found::Nothing),
            End::Exit { success: false } => {
                let found = |name: &str| {
                    field(name).with_context(|| format!("the explorer failed without a {name}:\n{output}"))
                };
                return Ok(Found::Something(Finding {
                    scenario,
                    class: found("class")?,
                    schedules: found("schedules")?.parse()?,
                    deviations: found("deviations")?,
                    token: found("token")?,
                }));
            }
            End::Crash(how) => how,
            End::Never => "it does not end".to_owned(),
        };
        let token = self.journalled(&scenario, &journals.join(&scenario))?;
        Ok(Found::Something(Finding {
            scenario,
            class,
            schedules: most,
            deviations: "?".to_owned(),
            token,
        }))
    }

    /// The token of a schedule that ended its process.
    fn journalled(&self, scenario: &str, journal: &Path) -> Result<String> {
        let (end, output) = self.start(0, &["journalled", scenario, &journal.display().to_string()])?;
        ensure!(
            matches!(end, End::Exit { success: true }),
            "the journal of `{scenario}` holds no schedule"
        );
        Ok(output.trim().to_owned())
    }

    /// Whether the token fails again, in the same way if that is known, and not without the mutant.
    pub(super) fn replays(&self, mutant: usize, found: &Finding) -> Result<bool> {
        let (end, output) = self.start(mutant, &["replay", &found.token])?;
        let fails = match end {
            End::Exit { success } => !success && output.contains(&found.class),
            End::Crash(_) | End::Never => true,
        };
        let (without, _) = self.start(0, &["replay", &found.token])?;
        Ok(fails && matches!(without, End::Exit { success: true }))
    }
}

/// Waits for the end of a process, and ends it if that does not come. Gives what it wrote as well.
fn wait(child: &mut Child) -> Result<(End, String)> {
    let mut output = child.stdout.take().context("the output goes through a pipe")?;
    let (sender, written) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was written before an error is kept.
        let _ = output.read_to_end(&mut bytes);
        // Nobody waits any more when the process was ended.
        let _ = sender.send(());
        bytes
    });
    let is_late = written.recv_timeout(PATIENCE).is_err();
    if is_late {
        child.kill()?;
    }
    let status = child.wait()?;
    let bytes = reader.join().unwrap_or_default();
    let end = match status.code() {
        _ if is_late => End::Never,
        Some(0) => End::Exit { success: true },
        Some(1) => End::Exit { success: false },
        _ => End::Crash(format!("the process ends: {status}")),
    };
    Ok((end, String::from_utf8_lossy(&bytes).into_owned()))
}
