//! The WIT of a seed, from wit-smith, as text.
//!
//! wit-smith makes an encoded package. The text printed of it is what bindings are made of and what a failure is reported with. Its first
//! line names the world that is meant.

use std::panic::catch_unwind;

use anyhow::{Context, Result};
use arbitrary::{Arbitrary, Unstructured};
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{PackageId, Resolve, WorldId, WorldItem};
use wit_smith::Config;

use crate::random::Random;

/// What the first line of each text begins with.
pub(crate) const WORLD: &str = "// world: ";

/// Bytes that one world is made of at most.
const BYTES: usize = 4096;

/// The text of a seed: of several, the one with the largest world. wit-smith ends each list by the toss of a coin, so most worlds have
/// next to nothing in them. How many there are to choose from depends on the seed, for small worlds are of interest too.
pub(crate) fn text(random: &mut Random) -> String {
    let mut left = *random.one_of(&[1, 10, 50, 150]);
    let mut best: Option<(usize, String)> = None;
    loop {
        match best {
            Some((_, text)) if left == 0 => return text,
            _ => left = usize::saturating_sub(left, 1),
        }
        let bytes: Vec<u8> = (0..64 + random.below(BYTES)).map(|_| random.next() as u8).collect();
        // wit-smith has assertions of its own, which are no concern of ours.
        if let Ok(Ok(Some(found))) = catch_unwind(|| make(&bytes))
            && best.as_ref().is_none_or(|best| best.0 < found.0)
        {
            best = Some(found);
        }
    }
}

/// Worlds are kept small, so that many fit into the time of few.
fn config(u: &mut Unstructured<'_>) -> arbitrary::Result<Config> {
    Ok(Config {
        max_packages: u.int_in_range(1..=3)?,
        max_files_per_package: u.int_in_range(1..=2)?,
        max_type_size: u.int_in_range(1..=60)?,
        max_interface_items: u.int_in_range(0..=8)?,
        max_world_items: u.int_in_range(0..=6)?,
        max_pkg_items: u.int_in_range(1..=4)?,
        max_type_parts: u.int_in_range(1..=6)?,
        max_resource_items: u.int_in_range(0..=5)?,
        async_: true,
        futures: true,
        streams: true,
        error_context: bool::arbitrary(u)?,
        fixed_length_lists: bool::arbitrary(u)?,
        world_include: bool::arbitrary(u)?,
        implements: bool::arbitrary(u)?,
        canonical_names: false,
    })
}

/// The text of some bytes and the size of its largest world, or nothing if it has none.
fn make(bytes: &[u8]) -> Result<Option<(usize, String)>> {
    let mut u = Unstructured::new(bytes);
    let config = config(&mut u)?;
    let encoded = wit_smith::smith(&config, &mut u)?;
    let DecodedWasm::WitPackage(resolve, main) = wit_component::decode(&encoded)? else {
        return Ok(None);
    };
    let worlds = resolve.packages[main].worlds.iter();
    let Some((size, world)) = worlds.map(|(name, id)| (size(&resolve, *id), name)).max() else {
        return Ok(None);
    };
    let packages = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<PackageId> = packages.filter(|id| *id != main).collect();
    let mut printer = WitPrinter::default();
    printer
        .print(&resolve, main, &others)
        .context("the package can be printed")?;
    Ok(Some((size, format!("{WORLD}{world}\n{}", printer.output))))
}

/// Functions and types of a world.
fn size(resolve: &Resolve, world: WorldId) -> usize {
    let world = &resolve.worlds[world];
    let items = world.imports.values().chain(world.exports.values());
    let of = |item: &WorldItem| match item {
        WorldItem::Interface { id, .. } => {
            let interface = &resolve.interfaces[*id];
            interface.types.len() + interface.functions.len()
        }
        WorldItem::Function(_) | WorldItem::Type { .. } => 1,
    };
    items.map(of).sum()
}
