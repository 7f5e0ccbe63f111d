//! Makes random worlds and bindings for them: what `cargo xtask worlds` compiles.
//!
//! ```text
//! random-worlds make FOLDER SEED COUNT     one world for each seed from SEED on
//! random-worlds again FOLDER FILE..        worlds that were made before, changed by hand or to be made smaller
//! ```
//!
//! Each world becomes `FOLDER/NAME.wit` and, if the generator makes code of it, `FOLDER/NAME.rs`. A line says what became of it:
//! `code NAME`, `refused NAME`, or `wrong NAME` with the reason.

mod bindings;
mod names;
mod options;
mod random;
mod smith;

use std::path::Path;

use anyhow::{Context, Result, bail};

use bindings::{Answer, bindings};
use random::Random;

fn main() -> Result<()> {
    // A panic of the generator is an answer, and wit-smith's are of no interest.
    std::panic::set_hook(Box::new(|_| {}));
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["make", folder, seed, count] => {
            let (seed, count): (u64, u64) = (seed.parse()?, count.parse()?);
            (seed..seed + count).try_for_each(|seed| make(Path::new(folder), seed))
        }
        ["again", folder, ref files @ ..] => files.iter().try_for_each(|file| {
            let text = std::fs::read_to_string(file).with_context(|| (*file).to_owned())?;
            let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
            answer(Path::new(folder), &name, &bindings(&text, None))
        }),
        _ => bail!("`make FOLDER SEED COUNT` or `again FOLDER FILE..` is expected"),
    }
}

/// The world of one seed. Of four, one is as wit-smith made it, one has awkward names, one awkward documentation, one both.
fn make(folder: &Path, seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let mut text = options::choose(&smith::text(&mut random), &mut random);
    if seed & 1 == 1 {
        text = names::replace(&text, &mut random);
    }
    let name = format!("w{seed}");
    std::fs::write(folder.join(format!("{name}.wit")), &text)?;
    let docs = (seed & 2 == 2).then_some(&mut random);
    answer(folder, &name, &bindings(&text, docs))
}

fn answer(folder: &Path, name: &str, answer: &Answer) -> Result<()> {
    match answer {
        Answer::Code(code) => {
            std::fs::write(folder.join(format!("{name}.rs")), code)?;
            println!("code {name}");
        }
        Answer::Refused(errors) => println!("refused {name} {}", errors.replace('\n', "\t")),
        Answer::Wrong(reason) => println!("wrong {name} {}", reason.replace('\n', "\t")),
    }
    Ok(())
}
