//! [`Feed`]: reads files and writes them into streams, several side by side and each piece by piece.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use futures::lock::Mutex;
use futures::{StreamExt as _, stream};
use witflow_host::{ComponentType, StreamReader, StreamWriter};

use crate::console::Console;

/// How many files are open at a time.
const AT_ONCE: usize = 16;

/// How many bytes of a file are in memory.
const CHUNK: usize = 32 * 1024;

/// What the guest gets for a file.
#[derive(ComponentType)]
pub(crate) struct Document {
    name: String,
    body: StreamReader<u8>,
}

/// Gives files to the guest, and remembers how that went.
pub(crate) struct Feed<'a> {
    console: &'a Console,
    handed_over: Cell<usize>,
    failed: RefCell<BTreeSet<String>>,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        Self {
            console,
            handed_over: Cell::new(0),
            failed: RefCell::default(),
        }
    }

    /// Reads all files to their ends. What cannot be read is complained about, and does not stop the others.
    pub(crate) async fn all(&self, files: &[PathBuf], documents: StreamWriter<Document>) {
        let documents = Mutex::new(documents);
        let reading = stream::iter(files).for_each_concurrent(AT_ONCE, |file| async {
            if let Err(error) = self.one(file, &documents).await {
                let name = file.display().to_string();
                self.console.complain(&name, &error);
                self.failed.borrow_mut().insert(name);
            }
        });
        reading.await;
    }

    async fn one(&self, path: &Path, documents: &Mutex<StreamWriter<Document>>) -> io::Result<()> {
        // The first piece is read before the guest hears of the file: what is no file fails there, if not before.
        let mut file = File::open(path)?;
        let mut piece = read_piece(&mut file)?;
        let (mut writer, body) = witflow_host::stream();
        let document = Document {
            name: path.display().to_string(),
            body,
        };
        if documents.lock().await.write_one(document).await.is_err() {
            // The guest wants no more documents; the number of its reports will show it.
            return Ok(());
        }
        self.handed_over.set(self.handed_over.get() + 1);
        while !piece.is_empty() && writer.write(piece).await.is_ok() {
            piece = read_piece(&mut file)?;
        }
        Ok(())
    }

    /// How many files the guest got.
    pub(crate) fn handed_over(&self) -> usize {
        self.handed_over.get()
    }

    /// Whether the file could not be read, or not to its end: then what the guest says about it is wrong.
    pub(crate) fn has_failed(&self, name: &str) -> bool {
        self.failed.borrow().contains(name)
    }

    /// Whether all files were read to their ends.
    pub(crate) fn is_complete(&self) -> bool {
        self.failed.borrow().is_empty()
    }
}

/// Reads what one call of the system gives; nothing at the end.
fn read_piece(file: &mut File) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; CHUNK];
    let len = loop {
        match file.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    piece.truncate(len);
    Ok(piece)
}
