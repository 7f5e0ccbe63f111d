//! The option `ownership`: what parameters of synchronous imports are references to, and at which depth.
//!
//! Where types own their parts, a parameter is a reference to a value ([`Style::Top`]). In the borrowing modes it is itself made of
//! references, down to its strings ([`Style::Deep`]), and a type that nothing but such parameters needs is defined with them. A type
//! that is needed otherwise too owns its parts, and is a reference where it occurs in a parameter; or, if duplicates are wanted, it is
//! defined twice, and has two forms. Types that hold what a call gives away are always owned.

use std::collections::BTreeSet;

use wit_parser::{Function, LiveTypes, Resolve, Type, TypeId, WorldItem};
use witflow_bindgen_core::abi::{Sharing, SharingRule, Types};
use witflow_bindgen_core::world::{Direction, World};

use crate::Generator;
use crate::options::{Options, Ownership};
use crate::selection::external_interfaces;

/// How a type is written at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// With everything in it owned.
    #[default]
    Owned,
    /// As a reference to an owned value, or made of such.
    Top,
    /// With references for strings and lists at every depth.
    Deep,
}

/// Which of its definitions a type is used by. Most have one only, which is `Main`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// The only one, or that with owned parts.
    Main,
    /// That with references.
    Param,
}

/// The types that are given or returned where they have to be owned.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    owned: BTreeSet<usize>,
    params: BTreeSet<usize>,
}

/// Which definitions become one type under these options.
pub(crate) fn sharing(options: &Options, resolve: &Resolve, world: wit_parser::WorldId) -> Sharing {
    let rule = match (options.merge_structurally_equal_types, options.ownership) {
        (true, _) => SharingRule::Structure,
        (false, Ownership::Owning) => SharingRule::Definition,
        // Parameters of imports are not what exports own, unless they have no references anyway.
        (false, Ownership::Borrowing { .. }) => SharingRule::Plain,
    };
    Sharing {
        rule,
        apart: external_interfaces(options, resolve, world),
    }
}

impl Uses {
    /// Looks at all functions of all worlds, since the bindings for one serve code that another shares.
    pub(crate) fn new(world: &World<'_>) -> Self {
        let mut uses = Self::default();
        let types = &world.types;
        let resolve = types.resolve;
        for (direction, item) in world.items_with_direction() {
            for function in item.functions() {
                let owns = direction == Direction::Export || function.is_async();
                uses.function(types, &function.func, owns);
            }
        }
        // What is part of something that is given away is owned with it.
        let given = resolve.types.iter().map(|(id, _)| Type::Id(id));
        let given: Vec<Type> = given.filter(|ty| types.facts(ty).owned).collect();
        add(types, &mut uses.owned, &given);
        for (_, other) in resolve.worlds.iter().filter(|(id, _)| *id != world.id) {
            for (items, exported) in [(&other.imports, false), (&other.exports, true)] {
                for item in items.values() {
                    let functions = match item {
                        WorldItem::Interface { id, .. } => resolve.interfaces[*id].functions.values().collect(),
                        WorldItem::Function(function) => vec![function],
                        WorldItem::Type { .. } => Vec::new(),
                    };
                    functions
                        .into_iter()
                        .for_each(|function| uses.function(types, function, exported));
                }
            }
        }
        uses
    }

    /// Adds what a function takes, which may have to be owned, and what it gives.
    fn function(&mut self, types: &Types<'_>, function: &Function, owns: bool) {
        let params = if owns { &mut self.owned } else { &mut self.params };
        add(types, params, function.params.iter().map(|param| &param.ty));
        add(types, &mut self.owned, &function.result);
    }
}

fn add<'t>(types: &Types<'_>, set: &mut BTreeSet<usize>, of: impl IntoIterator<Item = &'t Type>) {
    let mut live = LiveTypes::default();
    of.into_iter().for_each(|ty| live.add_type(types.resolve, ty));
    set.extend(live.iter().map(|id| types.first(id).index()));
}

impl Generator<'_> {
    /// The style that parameters of synchronous imports are asked for.
    pub(crate) fn param_style(&self) -> Style {
        match self.options.ownership {
            Ownership::Owning => Style::Top,
            Ownership::Borrowing { .. } => Style::Deep,
        }
    }

    /// The style that a type has where another is asked for.
    pub(crate) fn style_of(&self, ty: &Type, asked: Style) -> Style {
        let facts = self.world.types.facts(ty);
        if facts.owned || !(facts.heap || facts.borrowed) {
            return Style::Owned;
        }
        match (asked, ty) {
            (Style::Deep, Type::Id(id)) if !facts.borrowed && !self.is_deep(*id) => Style::Top,
            (asked, _) => asked,
        }
    }

    /// Whether a type can be made of references: if it is written out, or defined that way.
    fn is_deep(&self, id: TypeId) -> bool {
        let named = self.world.types.resolve.types[id].name.is_some();
        !named || self.has_two_forms(id) || self.main_style(id) == Style::Deep
    }

    /// Whether a type is defined both ways.
    pub(crate) fn has_two_forms(&self, id: TypeId) -> bool {
        has_two_forms(self.options, &self.world.types, &self.uses, id)
    }

    /// The style of a type's main definition.
    fn main_style(&self, id: TypeId) -> Style {
        let facts = self.world.types.facts(&Type::Id(id));
        let owned = self.uses.owned.contains(&self.world.types.first(id).index());
        match self.options.ownership {
            Ownership::Borrowing { .. } if facts.heap && !facts.owned && !owned => Style::Deep,
            _ => Style::Owned,
        }
    }

    /// The style of one of a type's definitions.
    pub(crate) fn form_style(&self, id: TypeId, form: Form) -> Style {
        match form {
            Form::Main => self.main_style(id),
            Form::Param => Style::Deep,
        }
    }

    /// The definitions of a type.
    pub(crate) fn forms(&self, id: TypeId) -> &'static [Form] {
        match self.has_two_forms(id) {
            true => &[Form::Main, Form::Param],
            false => &[Form::Main],
        }
    }

    /// The definition that a type is used by where this style is meant.
    pub(crate) fn form(&self, id: TypeId, style: Style) -> Form {
        match style {
            Style::Deep if self.has_two_forms(id) => Form::Param,
            _ => Form::Main,
        }
    }
}

/// See [`Generator::has_two_forms`].
pub(crate) fn has_two_forms(options: &Options, types: &Types<'_>, uses: &Uses, id: TypeId) -> bool {
    let duplicates = Ownership::Borrowing {
        duplicate_if_necessary: true,
    };
    let (facts, index) = (types.facts(&Type::Id(id)), types.first(id).index());
    let used_both_ways = uses.owned.contains(&index) && uses.params.contains(&index);
    options.ownership == duplicates && used_both_ways && facts.heap && !facts.owned
}
