//! The host of the tests: what a command of WASI 0.3 imports, as far as this one uses it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use witflow_host::{
    Borrow, Component, ComponentType, Cx, Engine, Exit, FutureReader, Linker, Own, Result, Store, StreamReader,
    block_on, future, stream,
};

use crate::CliTool;

mod host {
    witflow::host::generate!({
        path: "wit",
        world: "cli-tool",
        with: { "wasi:filesystem/types/descriptor": super::Descriptor },
    });
}

use host::wasi::cli::types::ErrorCode as CliError;
use host::wasi::cli::{environment, exit, stderr, stdin, stdout};
use host::wasi::filesystem::types::{DescriptorFlags, ErrorCode as FileError, OpenFlags, PathFlags};
use host::wasi::filesystem::{preopens, types};

/// What the command finds.
#[derive(Default)]
pub(crate) struct World {
    args: Vec<String>,
    stdin: Vec<Vec<u8>>,
    files: BTreeMap<String, Vec<u8>>,
    failing_stdin: bool,
    closed_stdout: bool,
}

/// What the command has left.
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// Bytes that a stream has brought so far.
type Bytes = Arc<Mutex<Vec<u8>>>;

/// The world while the command runs, and what the command has done.
struct Host {
    world: World,
    stdout: Bytes,
    stderr: Bytes,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

/// `wasi:filesystem/types.descriptor`: a file by its name, or the only folder.
#[derive(Debug)]
pub(crate) struct Descriptor(Option<String>);

/// What most streams end with.
type End<E> = FutureReader<Result<(), E>>;

impl World {
    /// A command with these arguments after its name, no input and no files.
    pub(crate) fn with(args: &[&str]) -> Self {
        let args = std::iter::once("cli-tool").chain(args.iter().copied());
        Self {
            args: args.map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// Its standard input, which comes in pieces.
    pub(crate) fn stdin(mut self, bytes: &[u8], size: usize) -> Self {
        self.stdin = bytes.chunks(size).map(<[u8]>::to_vec).collect();
        self
    }

    /// A file in the current folder.
    pub(crate) fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.insert(name.to_owned(), bytes.to_vec());
        self
    }

    /// Standard input ends in an error.
    pub(crate) fn failing_stdin(mut self) -> Self {
        self.failing_stdin = true;
        self
    }

    /// Nobody reads standard output.
    pub(crate) fn closed_stdout(mut self) -> Self {
        self.closed_stdout = true;
        self
    }

    /// Runs the command to its end.
    pub(crate) fn run(self) -> Ran {
        self.try_run().unwrap_or_else(|error| panic!("{error:#}"))
    }

    fn try_run(self) -> Result<Ran> {
        let host = Arc::new(Host {
            stdout: Bytes::default(),
            stderr: Bytes::default(),
            files: Arc::new(self.files.clone().into()),
            world: self,
        });
        let mut linker = Linker::new();
        host::CliTool::add_to_linker(&mut linker, &host)?;
        let code = block_on(async {
            let mut store = Store::new(&Engine::native());
            let component = Component::native::<CliTool>("cli-tool")?;
            let command = host::CliTool::instantiate(&mut store, &component, &linker).await?;
            let ended = command.wasi_cli_run().call_run(&store.cx()).get(&mut store).await;
            let code = match ended {
                Ok(result) => u8::from(result.is_err()),
                Err(error) => match error.downcast_ref::<Exit>() {
                    Some(exit) => return Ok(exit.code.try_into()?),
                    None => return Err(error),
                },
            };
            store.finish_tasks().await?;
            Ok(code)
        })?;
        Ok(Ran {
            code,
            stdout: take(&host.stdout),
            stderr: String::from_utf8(take(&host.stderr))?,
            files: std::mem::take(&mut host.files.lock().unwrap()),
        })
    }
}

impl environment::Host for Host {
    fn get_arguments(&self, _: &Cx) -> Result<Vec<String>> {
        Ok(self.world.args.clone())
    }
}

impl exit::Host for Host {
    fn exit_with_code(&self, _: &Cx, code: u8) -> Result<()> {
        Err(Exit { code: code.into() }.into())
    }
}

impl stdin::Host for Host {
    fn read_via_stream(&self, cx: &Cx) -> Result<(StreamReader<u8>, End<CliError>)> {
        let end = if self.world.failing_stdin {
            Err(CliError::Io)
        } else {
            Ok(())
        };
        Ok(source(cx, self.world.stdin.clone(), end))
    }
}

impl stdout::Host for Host {
    fn write_via_stream(&self, cx: &Cx, data: StreamReader<u8>) -> Result<End<CliError>> {
        if self.world.closed_stdout {
            let (ended, how) = future();
            cx.spawn(async move {
                drop(data);
                let _ = ended.write(Err(CliError::Pipe)).await;
            });
            return Ok(how);
        }
        Ok(output(cx, data, &self.stdout))
    }
}

impl stderr::Host for Host {
    fn write_via_stream(&self, cx: &Cx, data: StreamReader<u8>) -> Result<End<CliError>> {
        Ok(output(cx, data, &self.stderr))
    }
}

/// One folder, the current one, with the files in it.
impl preopens::Host for Host {
    fn get_directories(&self, _: &Cx) -> Result<Vec<(Own<Descriptor>, String)>> {
        Ok(vec![(Own::new(Descriptor(None)), ".".to_owned())])
    }
}

impl types::Host for Host {}

impl host::wasi::clocks::system_clock::Host for Host {}

impl types::HostDescriptor for Host {
    async fn open_at(
        &self,
        _: Cx,
        _folder: Borrow<Descriptor>,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        _: DescriptorFlags,
    ) -> Result<Result<Own<Descriptor>, FileError>> {
        let mut files = self.files.lock().unwrap();
        if open.create {
            files.entry(path.clone()).or_default();
        }
        let Some(bytes) = files.get_mut(&path) else {
            return Ok(Err(FileError::NoEntry));
        };
        if open.truncate {
            bytes.clear();
        }
        Ok(Ok(Own::new(Descriptor(Some(path)))))
    }

    fn read_via_stream(
        &self,
        cx: &Cx,
        file: Borrow<Descriptor>,
        offset: u64,
    ) -> Result<(StreamReader<u8>, End<FileError>)> {
        let bytes = self.files.lock().unwrap()[file.0.as_ref().expect("it is a file")][offset as usize..].to_vec();
        Ok(source(cx, bytes.chunks(5).map(<[u8]>::to_vec).collect(), Ok(())))
    }

    fn write_via_stream(
        &self,
        cx: &Cx,
        file: Borrow<Descriptor>,
        data: StreamReader<u8>,
        offset: u64,
    ) -> Result<End<FileError>> {
        assert_eq!(offset, 0, "a new file is written from its beginning");
        let (files, name) = (self.files.clone(), file.0.clone().expect("it is a file"));
        let take = move |piece: &[u8]| files.lock().unwrap().entry(name.clone()).or_default().extend(piece);
        Ok(sink(cx, data, take))
    }
}

fn take(bytes: &Bytes) -> Vec<u8> {
    std::mem::take(&mut bytes.lock().unwrap())
}

/// A stream of pieces and how it ends.
fn source<E: ComponentType>(cx: &Cx, pieces: Vec<Vec<u8>>, end: Result<(), E>) -> (StreamReader<u8>, End<E>) {
    let (mut writer, bytes) = stream();
    let (ended, how) = future();
    cx.spawn(async move {
        for piece in pieces {
            if writer.write(piece).await.is_err() {
                break;
            }
        }
        drop(writer);
        // Whoever reads no further need not ask how it ended.
        let _ = ended.write(end).await;
    });
    (bytes, how)
}

/// Lets a stream flow into `bytes`, and says at its end how that went.
fn sink<E: ComponentType>(cx: &Cx, mut data: StreamReader<u8>, take: impl Fn(&[u8]) + Send + 'static) -> End<E> {
    let (ended, how) = future();
    cx.spawn(async move {
        while let Some(piece) = data.read(4096).await {
            take(&piece);
        }
        let _ = ended.write(Ok(())).await;
    });
    how
}

/// Standard output or standard error.
fn output(cx: &Cx, data: StreamReader<u8>, bytes: &Bytes) -> End<CliError> {
    let bytes = bytes.clone();
    sink(cx, data, move |piece| bytes.lock().unwrap().extend(piece))
}
