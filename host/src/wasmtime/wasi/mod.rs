//! [`WasiOptions`]: what a guest that uses WASI is given.
//!
//! Nothing is given that is not asked for. Files are read and written on the calling thread, so a store needs no thread pool;
//! a guest that waits for a clock or for the host's standard input counts as waiting outside the store.

pub(crate) mod waits;

use super::trap::from_wasmtime;
use super::{Component, Data, WasmtimeStore};
use crate::error::Result;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use wasmtime::component as wc;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// The largest output that is captured; a guest that writes more is stopped with an error.
const CAPTURE_LIMIT: usize = 1 << 30;

/// What a guest that uses WASI is given. The default is no arguments, no environment, empty input, discarded output, no
/// directories and no network.
#[derive(Debug, Clone, Default)]
pub struct WasiOptions {
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: Input,
    stdout: Output,
    stderr: Output,
    directories: Vec<Directory>,
}

#[derive(Debug, Clone, Default)]
enum Input {
    #[default]
    Empty,
    Inherit,
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone, Default)]
enum Output {
    #[default]
    Discard,
    Inherit,
    Capture(Captured),
}

#[derive(Debug, Clone)]
struct Directory {
    host: PathBuf,
    guest: String,
    writable: bool,
}

/// Which interfaces WASI defines in the linker at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wasi {
    Absent,
    Present,
}

impl Wasi {
    pub(crate) fn provides(self, interface: &str) -> bool {
        self == Wasi::Present && interface.starts_with("wasi:")
    }
}

/// What guests wrote to a captured output. Clones are views of the same output.
#[derive(Debug, Clone)]
pub struct Captured(MemoryOutputPipe);

impl Captured {
    /// Everything written so far.
    pub fn contents(&self) -> Vec<u8> {
        self.0.contents().to_vec()
    }

    /// Everything written so far as text, what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.contents()).into_owned()
    }
}

impl WasiOptions {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the arguments; the first is by custom the program's name.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Gives the guest the host's standard input, output and error.
    #[must_use]
    pub fn inherit_stdio(mut self) -> Self {
        (self.stdin, self.stdout, self.stderr) = (Input::Inherit, Output::Inherit, Output::Inherit);
        self
    }

    /// Gives the guest `bytes` as its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Input::Bytes(bytes.into());
        self
    }

    /// Gives the guest the host's standard error.
    #[must_use]
    pub fn inherit_stderr(mut self) -> Self {
        self.stderr = Output::Inherit;
        self
    }

    /// Captures the guest's standard output.
    pub fn capture_stdout(&mut self) -> Captured {
        let captured = Captured(MemoryOutputPipe::new(CAPTURE_LIMIT));
        self.stdout = Output::Capture(captured.clone());
        captured
    }

    /// Captures the guest's standard error.
    pub fn capture_stderr(&mut self) -> Captured {
        let captured = Captured(MemoryOutputPipe::new(CAPTURE_LIMIT));
        self.stderr = Output::Capture(captured.clone());
        captured
    }

    /// Lets the guest read the directory `host` under the name `guest`.
    #[must_use]
    pub fn directory(mut self, host: impl AsRef<Path>, guest: impl Into<String>) -> Self {
        self.directories.push(Directory {
            host: host.as_ref().to_owned(),
            guest: guest.into(),
            writable: false,
        });
        self
    }

    /// Lets the guest read and write the directory `host` under the name `guest`.
    #[must_use]
    pub fn writable_directory(mut self, host: impl AsRef<Path>, guest: impl Into<String>) -> Self {
        self.directories.push(Directory {
            host: host.as_ref().to_owned(),
            guest: guest.into(),
            writable: true,
        });
        self
    }

    /// Adds the versions of WASI that the component imports to the linker, and the state behind them to the store.
    pub(crate) fn add_to(
        &self,
        linker: &mut wc::Linker<Data>,
        component: &Component,
        store: &mut WasmtimeStore,
    ) -> Result<Wasi> {
        let engine = store.inner.engine().clone();
        let ty = component.inner.component_type();
        let imports = |version: &str| {
            ty.imports(&engine)
                .any(|(name, _)| name.starts_with("wasi:") && name.contains(version))
        };
        let (p2, p3) = (imports("@0.2."), imports("@0.3."));
        if !p2 && !p3 {
            return Ok(Wasi::Absent);
        }
        if p2 {
            wasmtime_wasi::p2::add_to_linker_async(linker)
                .map_err(from_wasmtime)
                .context("adding WASI 0.2")?;
        }
        if p3 {
            wasmtime_wasi::p3::add_to_linker(linker)
                .map_err(from_wasmtime)
                .context("adding WASI 0.3")?;
        }
        waits::announce_waits(linker, p2, p3)
            .map_err(from_wasmtime)
            .context("adding the clocks of WASI")?;
        let data = store.inner.data_mut();
        data.wasi = self.build(data)?;
        Ok(Wasi::Present)
    }

    fn build(&self, data: &Data) -> Result<wasmtime_wasi::WasiCtx> {
        let mut builder = WasiCtxBuilder::new();
        builder
            .args(&self.args)
            .envs(&self.env)
            .allow_blocking_current_thread(true)
            .monotonic_clock(data.clock());
        match &self.stdin {
            Input::Empty => {}
            Input::Inherit => {
                builder.stdin(waits::HostStdin::new(&data.cx));
            }
            Input::Bytes(bytes) => {
                builder.stdin(MemoryInputPipe::new(bytes.clone()));
            }
        }
        match &self.stdout {
            Output::Discard => {}
            Output::Inherit => {
                builder.inherit_stdout();
            }
            Output::Capture(captured) => {
                builder.stdout(captured.0.clone());
            }
        }
        match &self.stderr {
            Output::Discard => {}
            Output::Inherit => {
                builder.inherit_stderr();
            }
            Output::Capture(captured) => {
                builder.stderr(captured.0.clone());
            }
        }
        for directory in &self.directories {
            let permissions = if directory.writable {
                FsPerms::ReadWrite
            } else {
                FsPerms::ReadOnly
            };
            let opened = builder.preopened_dir(&directory.host, &directory.guest, permissions);
            opened
                .map_err(from_wasmtime)
                .with_context(|| format!("opening directory `{}`", directory.host.display()))?;
        }
        Ok(builder.build())
    }
}
