//! Records, variants, enums and flags.

use std::collections::BTreeMap;

use super::plain;
use crate::features::*;

/// Records, whose fields go through their edge values side by side.
macro_rules! records {
    ($($ty:path { $($field:ident: $field_ty:ty),* })*) => {
        plain! {$(
            $ty => <($($field_ty,)*)>::edges()
                .into_iter()
                .map(|($($field,)*)| Self { $($field),* })
                .collect::<Vec<_>>();
        )*}
    };
}

records! {
    list_record::Entry { tag: u8, name: String, size: u64 }
    record_scalars::Scalars { a: u8, b: i64, c: bool, d: f64, e: u16, f: f32, g: char, h: i8 }
    record_strings::Person { given: String, family: String, nicknames: Vec<String> }
    record_nested::Inner { id: u8, label: String }
    record_nested::Middle { first: record_nested::Inner, weight: u64 }
    record_nested::Outer { flag: bool, middle: record_nested::Middle, last: record_nested::Inner }
    variant_mixed::Square { side: u16, name: String }
    map_keys::Keyed {
        bools: BTreeMap<bool, u8>,
        u8s: BTreeMap<u8, u8>,
        s8s: BTreeMap<i8, u8>,
        u16s: BTreeMap<u16, u8>,
        s16s: BTreeMap<i16, u8>,
        u32s: BTreeMap<u32, u8>,
        s32s: BTreeMap<i32, u8>,
        u64s: BTreeMap<u64, u8>,
        s64s: BTreeMap<i64, u8>,
        chars: BTreeMap<char, u8>,
        strings: BTreeMap<String, u8>
    }
    fixed_list_record::Matrix { name: String, cells: [[f32; 3]; 2], tags: [Option<u8>; 2] }
    alias::Point { x: i32, y: i32 }
    use_chain::T { x: i32, label: String }
}

plain! {
    record_wide::Wide => <(u64, f32, i16, u8, String)>::edges()
        .into_iter()
        .map(|(a, b, c, d, text)| Self {
            f1: a, f2: b, f3: c, f4: d,
            f5: !a, f6: -b, f7: !c, f8: !d,
            f9: a / 2, f10: b / 2.0, f11: c / 2, f12: d / 2,
            f13: a / 3, f14: b / 3.0, f15: c / 3, f16: d / 3,
            f17: text,
        })
        .collect::<Vec<_>>();
}

/// Variants and enums: the cases without payload, then the others with each edge value of theirs.
macro_rules! variants {
    ($($ty:path { $($case:ident),*; $($full:ident($payload:ty)),* })*) => {
        plain! {$(
            $ty => {
                let empty = [$(Self::$case),*].into_iter();
                empty$(.chain(<$payload>::edges().into_iter().map(Self::$full)))*.collect::<Vec<_>>()
            };
        )*}
    };
}

variants! {
    enum1::Kind { C0; }
    enum3::Kind { C0, C1, C2; }
    variant_unit::Light { Red, Amber, Green; }
    variant_mixed::Shape {
        None;
        Dot(u8), Square(variant_mixed::Square), Points(Vec<(i32, i32)>), Label(String)
    }
    variant_join_i32_f32::Either { ; Left(u32), Right(f32) }
    variant_join_i32_i64::Either { ; Left(u32), Right(u64) }
    variant_join_f32_f64::Either { ; Left(f32), Right(f64) }
    variant_join_pointer_i64::Either { ; Left(String), Right(u64) }
    variant_join_length_f64::Either { ; Left(String), Right((u32, f64)) }
    variant_nested::Inner { Nothing; Text(String), Number(f32) }
    variant_nested::Outer {
        ;
        Plain(variant_nested::Inner),
        Maybe(Option<variant_nested::Inner>),
        Either(Result<variant_nested::Inner, variant_nested::Inner>)
    }
}

/// The first 256 cases of an enum or variant, as many as a byte tells apart.
macro_rules! byte_of_cases {
    ($($prefix:ident)::*) => {{
        use $($prefix)::*::*;
        vec![
            C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15,
            C16, C17, C18, C19, C20, C21, C22, C23, C24, C25, C26, C27, C28, C29, C30, C31,
            C32, C33, C34, C35, C36, C37, C38, C39, C40, C41, C42, C43, C44, C45, C46, C47,
            C48, C49, C50, C51, C52, C53, C54, C55, C56, C57, C58, C59, C60, C61, C62, C63,
            C64, C65, C66, C67, C68, C69, C70, C71, C72, C73, C74, C75, C76, C77, C78, C79,
            C80, C81, C82, C83, C84, C85, C86, C87, C88, C89, C90, C91, C92, C93, C94, C95,
            C96, C97, C98, C99, C100, C101, C102, C103, C104, C105, C106, C107, C108, C109, C110, C111,
            C112, C113, C114, C115, C116, C117, C118, C119, C120, C121, C122, C123, C124, C125, C126, C127,
            C128, C129, C130, C131, C132, C133, C134, C135, C136, C137, C138, C139, C140, C141, C142, C143,
            C144, C145, C146, C147, C148, C149, C150, C151, C152, C153, C154, C155, C156, C157, C158, C159,
            C160, C161, C162, C163, C164, C165, C166, C167, C168, C169, C170, C171, C172, C173, C174, C175,
            C176, C177, C178, C179, C180, C181, C182, C183, C184, C185, C186, C187, C188, C189, C190, C191,
            C192, C193, C194, C195, C196, C197, C198, C199, C200, C201, C202, C203, C204, C205, C206, C207,
            C208, C209, C210, C211, C212, C213, C214, C215, C216, C217, C218, C219, C220, C221, C222, C223,
            C224, C225, C226, C227, C228, C229, C230, C231, C232, C233, C234, C235, C236, C237, C238, C239,
            C240, C241, C242, C243, C244, C245, C246, C247, C248, C249, C250, C251, C252, C253, C254, C255,
        ]
    }};
}

plain! {
    enum256::Kind => byte_of_cases!(enum256::Kind);
    enum257::Kind => {
        let mut cases = byte_of_cases!(enum257::Kind);
        cases.push(Self::C256);
        cases
    };
    variant257::Big => {
        let mut cases = byte_of_cases!(variant257::Big);
        cases.extend(String::edges().into_iter().map(Self::C256));
        cases
    };
}

/// Flags: none, all, and every other one in both ways.
macro_rules! flags {
    ($($ty:path),*) => {
        plain! {$(
            $ty => [
                Self::empty(),
                Self::all(),
                Self::from_bits_truncate(0x5555_5555_u32 as _),
                Self::from_bits_truncate(0xaaaa_aaaa_u32 as _),
            ];
        )*}
    };
}

flags!(
    flags1::Bits,
    flags8::Bits,
    flags9::Bits,
    flags16::Bits,
    flags17::Bits,
    flags32::Bits
);
