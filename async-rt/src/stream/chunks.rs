//! Streams of bytes by the chunk, as [`Bytes`].

use super::{StreamReader, StreamResult, StreamWriter};
use alloc::vec::Vec;
use bytes::Bytes;

impl StreamReader<u8> {
    /// The next bytes that arrive, up to `most`; nothing once the writer has gone.
    ///
    /// The host writes to the memory that is returned. Cancel safe: what a read that was dropped brings, the next one gets.
    ///
    /// # Panics
    ///
    /// If `most` is 0.
    pub async fn read_bytes(&mut self, most: usize) -> Option<Bytes> {
        assert_ne!(most, 0, "a chunk of no bytes was asked for");
        loop {
            match self.read(Vec::with_capacity(most)).await {
                (StreamResult::Dropped, _) => return None,
                (_, bytes) if bytes.is_empty() => {}
                (_, bytes) => return Some(Bytes::from(bytes)),
            }
        }
    }
}

impl StreamWriter<u8> {
    /// Writes all of `bytes`. Returns those that could not be sent because the reader has gone, so usually none.
    ///
    /// They are copied only if somebody else holds them, too. A write that is dropped goes on.
    pub async fn write_bytes(&mut self, bytes: Bytes) -> Bytes {
        Bytes::from(self.write_all(Vec::from(bytes)).await)
    }
}
