//! Which request is the nth, and what its answer has to be. Everybody gets the same ones.

use std::sync::LazyLock;

use bytes::Bytes;

/// The sizes of bodies, from nothing to a mebibyte, and around those of the pieces that guests read. Small ones are more
/// frequent.
const SIZES: [usize; 16] = [
    0, 0, 1, 100, 250, 251, 1000, 1024, 4096, 10_000, 16_384, 32_768, 32_769, 65_536, 200_000, 1_048_576,
];

/// Bytes that come again after 251 of them, as the service makes them.
static PATTERN: LazyLock<Bytes> = LazyLock::new(|| (0..1 << 20).map(|at| (at % 251) as u8).collect());

static UPPER: LazyLock<Bytes> = LazyLock::new(|| PATTERN.to_ascii_uppercase().into());

/// The checksums of the pattern's beginnings, of each size.
static CHECKSUMS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let checksum = |len: &usize| {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        PATTERN[..*len].iter().fold(0xcbf2_9ce4_8422_2325, step)
    };
    SIZES.iter().map(checksum).collect()
});

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hello,
    Bytes,
    Echo,
    Upper,
    Count,
}

const KINDS: [Kind; 5] = [Kind::Hello, Kind::Bytes, Kind::Echo, Kind::Upper, Kind::Count];

/// A request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) kind: Kind,
    size: usize,
    /// Its body has no length beforehand, but a trailer behind.
    pub(crate) chunked: bool,
}

impl Ask {
    /// Every kind with every size, the length being said. Those without a body come once.
    pub(crate) fn each() -> impl Iterator<Item = Self> {
        let of = |kind| {
            // The first size is there twice.
            let sizes = if kind == Kind::Hello { 1..2 } else { 1..SIZES.len() };
            sizes.map(move |size| Self {
                kind,
                size,
                chunked: false,
            })
        };
        KINDS.into_iter().flat_map(of)
    }

    pub(crate) fn nth(number: u64) -> Self {
        let mut bits = scramble(number);
        let mut take = |n: u64| {
            let taken = bits % n;
            bits /= n;
            taken as usize
        };
        let kinds = [
            Kind::Hello,
            Kind::Bytes,
            Kind::Bytes,
            Kind::Echo,
            Kind::Echo,
            Kind::Upper,
            Kind::Count,
        ];
        let kind = kinds[take(7)];
        // The smaller of two, and most often of three.
        let (one, two, three) = (take(16), take(16), take(16));
        let size = if take(4) == 0 {
            one.min(two)
        } else {
            one.min(two).min(three)
        };
        // The largest ones would not come often enough that way.
        let size = if take(100) == 0 { 15 } else { size };
        let chunked = take(2) == 0;
        Self { kind, size, chunked }
    }

    pub(crate) fn len(&self) -> usize {
        SIZES[self.size]
    }

    pub(crate) fn path(&self) -> String {
        match self.kind {
            Kind::Hello => format!("/hello/{}", self.len()),
            Kind::Bytes => format!("/bytes/{}", self.len()),
            Kind::Echo => "/echo".to_owned(),
            Kind::Upper => "/upper".to_owned(),
            Kind::Count => "/count".to_owned(),
        }
    }

    /// What is sent, if anything is.
    pub(crate) fn body(&self) -> Option<Bytes> {
        match self.kind {
            Kind::Hello | Kind::Bytes => None,
            Kind::Echo | Kind::Upper | Kind::Count => Some(PATTERN.slice(..self.len())),
        }
    }

    /// What has to come.
    pub(crate) fn answer(&self) -> Bytes {
        match self.kind {
            Kind::Hello => format!("{{\"hello\":\"{}\"}}\n", self.len()).into(),
            Kind::Bytes | Kind::Echo => PATTERN.slice(..self.len()),
            Kind::Upper => UPPER.slice(..self.len()),
            Kind::Count => {
                let (len, checksum) = (self.len(), CHECKSUMS[self.size]);
                format!("{{\"bytes\":{len},\"checksum\":\"{checksum:016x}\"}}\n").into()
            }
        }
    }
}

/// A number that looks random.
fn scramble(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_asked_for() {
        for kind in KINDS {
            for len in SIZES {
                let found = (0..5000).map(Ask::nth).any(|ask| ask.kind == kind && ask.len() == len);
                assert!(found, "{kind:?} of {len} bytes");
            }
        }
    }
}
