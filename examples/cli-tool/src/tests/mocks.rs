//! The host of the tests: what a command of WASI 0.3 imports, as far as this one uses it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use witflow_host::{
    Borrow, Component, ComponentType, Cx, Engine, Exit, FutureReader, Linker, LinkerInstance, Own, Result, Store,
    StreamReader, block_on, future, stream,
};

use crate::CliTool;

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

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// `wasi:cli/types.error-code`
#[derive(ComponentType, Debug, Clone, Copy)]
enum CliError {
    Io,
    IllegalByteSequence,
    Pipe,
}

/// `wasi:filesystem/types.error-code`
#[derive(ComponentType, Debug, Clone)]
enum FileError {
    Access,
    Already,
    BadDescriptor,
    Busy,
    Deadlock,
    Quota,
    Exist,
    FileTooLarge,
    IllegalByteSequence,
    InProgress,
    Interrupted,
    Invalid,
    Io,
    IsDirectory,
    Loop,
    TooManyLinks,
    MessageSize,
    NameTooLong,
    NoDevice,
    NoEntry,
    NoLock,
    InsufficientMemory,
    InsufficientSpace,
    NotDirectory,
    NotEmpty,
    NotRecoverable,
    Unsupported,
    NoTty,
    NoSuchDevice,
    Overflow,
    NotPermitted,
    Pipe,
    ReadOnly,
    InvalidSeek,
    TextFileBusy,
    CrossDevice,
    Other(Option<String>),
}

#[derive(ComponentType)]
#[component(flags)]
struct PathFlags {
    symlink_follow: bool,
}

#[derive(ComponentType)]
#[component(flags)]
struct OpenFlags {
    create: bool,
    directory: bool,
    exclusive: bool,
    truncate: bool,
}

#[derive(ComponentType)]
#[component(flags)]
struct DescriptorFlags {
    read: bool,
    write: bool,
    file_integrity_sync: bool,
    data_integrity_sync: bool,
    requested_write_sync: bool,
    mutate_directory: bool,
}

/// `wasi:filesystem/types.descriptor`: a file by its name, or the only folder.
struct Descriptor(Option<String>);

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
        let (stdout, stderr) = (Bytes::default(), Bytes::default());
        let files = Files::new(self.files.clone().into());
        let mut linker = Linker::new();
        linker.allow_missing();
        self.cli(&mut linker, &stdout, &stderr)?;
        filesystem(&mut linker, &files)?;
        let code = block_on(async {
            let mut store = Store::new(&Engine::native());
            let component = Component::native::<CliTool>("cli-tool")?;
            let command = linker.instantiate(&mut store, &component).await?;
            let run = command.typed_func::<(), (Result<(), ()>,)>("wasi:cli/run@0.3.2#run")?;
            let ended = run.call(&mut store, ()).await;
            let code = match ended {
                Ok((result,)) => u8::from(result.is_err()),
                Err(error) => match error.downcast_ref::<Exit>() {
                    Some(exit) => return Ok(exit.code.try_into()?),
                    None => return Err(error),
                },
            };
            store.finish_tasks().await?;
            Ok(code)
        })?;
        let text = String::from_utf8(take(&stderr))?;
        Ok(Ran {
            code,
            stdout: take(&stdout),
            stderr: text,
            files: std::mem::take(&mut files.lock().unwrap()),
        })
    }

    fn cli(&self, linker: &mut Linker, stdout: &Bytes, stderr: &Bytes) -> Result<()> {
        let args = self.args.clone();
        let mut environment = linker.instance("wasi:cli/environment@0.3.2")?;
        environment.func_wrap("get-arguments", move |_, ()| Ok((args.clone(),)))?;
        let mut exit = linker.instance("wasi:cli/exit@0.3.2")?;
        exit.func_wrap("exit-with-code", |_, (code,): (u8,)| -> Result<()> {
            Err(Exit { code: code.into() }.into())
        })?;

        let (pieces, fails) = (self.stdin.clone(), self.failing_stdin);
        let mut stdin = linker.instance("wasi:cli/stdin@0.3.2")?;
        stdin.func_wrap("read-via-stream", move |cx, ()| {
            let end = if fails { Err(CliError::Io) } else { Ok(()) };
            Ok((source(&cx, pieces.clone(), end),))
        })?;
        output(linker.instance("wasi:cli/stdout@0.3.2")?, stdout, self.closed_stdout)?;
        output(linker.instance("wasi:cli/stderr@0.3.2")?, stderr, false)
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
fn output(mut instance: LinkerInstance<'_>, bytes: &Bytes, closed: bool) -> Result<()> {
    let bytes = bytes.clone();
    instance.func_wrap("write-via-stream", move |cx, (data,): (StreamReader<u8>,)| {
        if closed {
            let (ended, how) = future();
            cx.spawn(async move {
                drop(data);
                let _ = ended.write(Err(CliError::Pipe)).await;
            });
            return Ok((how,));
        }
        let bytes = bytes.clone();
        Ok((sink::<CliError>(&cx, data, move |piece| {
            bytes.lock().unwrap().extend(piece)
        }),))
    })?;
    Ok(())
}

/// One folder, the current one, with the files in it.
fn filesystem(linker: &mut Linker, files: &Files) -> Result<()> {
    let mut types = linker.instance("wasi:filesystem/types@0.3.2")?;
    types.resource::<Descriptor>("descriptor")?;
    let known = files.clone();
    types.func_wrap_concurrent(
        "[method]descriptor.open-at",
        move |_, (_folder, _, path, open, _): (Borrow<Descriptor>, PathFlags, String, OpenFlags, DescriptorFlags)| {
            let mut files = known.lock().unwrap();
            if open.create {
                files.entry(path.clone()).or_default();
            }
            let opened = match files.get_mut(&path) {
                Some(bytes) => {
                    if open.truncate {
                        bytes.clear();
                    }
                    Ok(Own::new(Descriptor(Some(path))))
                }
                None => Err(FileError::NoEntry),
            };
            std::future::ready(Ok((opened,)))
        },
    )?;
    let known = files.clone();
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        move |cx, (file, offset): (Borrow<Descriptor>, u64)| {
            let bytes = known.lock().unwrap()[file.0.as_ref().expect("it is a file")][offset as usize..].to_vec();
            Ok((source::<FileError>(
                &cx,
                bytes.chunks(5).map(<[u8]>::to_vec).collect(),
                Ok(()),
            ),))
        },
    )?;
    let known = files.clone();
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        move |cx, (file, data, offset): (Borrow<Descriptor>, StreamReader<u8>, u64)| {
            assert_eq!(offset, 0, "a new file is written from its beginning");
            let (files, name) = (known.clone(), file.0.clone().expect("it is a file"));
            let take = move |piece: &[u8]| files.lock().unwrap().entry(name.clone()).or_default().extend(piece);
            Ok((sink::<FileError>(&cx, data, take),))
        },
    )?;
    let mut preopens = linker.instance("wasi:filesystem/preopens@0.3.2")?;
    preopens.func_wrap("get-directories", |_, ()| {
        Ok((vec![(Own::new(Descriptor(None)), ".".to_owned())],))
    })?;
    Ok(())
}
