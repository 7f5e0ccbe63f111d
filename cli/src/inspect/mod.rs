//! `bindgen inspect`: a world as a person wants to see it.
//!
//! | file | what it says |
//! |---|---|
//! | `functions` | imports and exports: their WIT, and the core functions behind them |
//! | `types` | named types with their fields, sizes and offsets; what streams and futures carry |
//!
//! Sizes are those of 32-bit memory, which components have.

mod functions;
mod types;

use std::io::{self, Write};
use std::path::PathBuf;

use witflow_bindgen_rust::core::load::Input;
use witflow_bindgen_rust::core::world::{Direction, World};

use crate::Failure;
use crate::console::{Ink, Output};

/// Arguments of `bindgen inspect`.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    /// WIT files or directories (a package with its `deps`), by default `wit`; later ones may use packages of earlier ones.
    #[arg(value_name = "WIT")]
    pub path: Vec<PathBuf>,
    /// The world: `name`, `ns:pkg/name` or `ns:pkg/name@version`. May be left out if there is only one.
    #[arg(short, long, value_name = "WORLD")]
    pub world: Option<String>,
    /// WIT text, able to use the packages of the paths.
    #[arg(long, value_name = "TEXT")]
    pub inline: Option<String>,
    /// Opens `@unstable(feature = NAME)` gates.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub features: Vec<String>,
    /// Opens every gate.
    #[arg(long)]
    pub all_features: bool,
    /// Leaves out what is below WIT: core functions, sizes and payloads.
    #[arg(long)]
    pub brief: bool,
}

impl InspectArgs {
    pub(crate) fn run(&self, out: &mut Output<'_>) -> Result<bool, Failure> {
        let loaded = self.input().load()?;
        let world = World::new(&loaded.resolve, loaded.world, &mut |_, _, _| true)?;
        let mut page = Page {
            world: &world,
            brief: self.brief,
            out,
        };
        page.title()?;
        page.side(Direction::Import)?;
        page.side(Direction::Export)?;
        page.named_types()?;
        if !self.brief {
            page.payloads()?;
        }
        Ok(true)
    }

    fn input(&self) -> Input {
        let none = self.path.is_empty() && self.inline.is_none();
        Input {
            paths: if none { vec!["wit".into()] } else { self.path.clone() },
            inline: self.inline.clone(),
            world: self.world.clone(),
            features: self.features.clone(),
            all_features: self.all_features,
        }
    }
}

/// The page that is being written.
struct Page<'p, 'o> {
    world: &'p World<'p>,
    brief: bool,
    out: &'p mut Output<'o>,
}

impl Page<'_, '_> {
    fn title(&mut self) -> io::Result<()> {
        let resolve = self.world.resolve();
        let world = &resolve.worlds[self.world.id];
        let name = match world.package {
            Some(package) => resolve.id_of_name(package, &world.name),
            None => world.name.clone(),
        };
        let name = self.out.ink(Ink::Name, &name);
        writeln!(self.out, "{} {name}", self.out.ink(Ink::Heading, "world"))?;
        self.docs(2, world.docs.contents.as_deref())
    }

    /// A section's head, after an empty line.
    fn section(&mut self, name: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.out.ink(Ink::Heading, name))
    }

    /// The first sentence or line of a documentation comment.
    fn docs(&mut self, indent: usize, docs: Option<&str>) -> io::Result<()> {
        let Some(line) = docs.and_then(|docs| docs.lines().next()) else {
            return Ok(());
        };
        let text = self.out.ink(Ink::Aside, &format!("/// {}", line.trim()));
        writeln!(self.out, "{:indent$}{text}", "")
    }
}
