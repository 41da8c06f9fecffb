//! Pieces of files on their way from a card: memory that is used again and again, however large
//! the files are.

use std::sync::mpsc::{Receiver, Sender, channel};

/// Bytes of a piece.
pub(super) const PIECE: usize = 4 * 1024 * 1024;
/// Pieces that are on their way at most: 48 MiB.
const MOST: usize = 12;

/// A piece of a file; its memory goes back when whoever holds it last lets it go.
pub(super) struct Piece {
    bytes: Vec<u8>,
    length: usize,
    back: Sender<Vec<u8>>,
}

impl Piece {
    /// What was read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Where to read to.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// So much was read.
    pub(super) fn set_length(&mut self, length: usize) {
        self.length = length.min(self.bytes.len());
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // When nobody waits for it any more, it is just freed.
        let _ = self.back.send(std::mem::take(&mut self.bytes));
    }
}

/// The memory of all pieces.
pub(super) struct Pool {
    free: Receiver<Vec<u8>>,
    back: Sender<Vec<u8>>,
    made: usize,
}

impl Pool {
    pub(super) fn new() -> Self {
        let (back, free) = channel();
        Self {
            free,
            back,
            made: 0,
        }
    }

    /// An empty piece; waits for one when all are on their way.
    pub(super) fn piece(&mut self) -> Piece {
        let bytes = match self.free.try_recv() {
            Ok(bytes) => bytes,
            Err(_) if self.made < MOST => {
                self.made += 1;
                vec![0; PIECE]
            }
            // We hold a sender ourselves, so the channel never closes.
            Err(_) => self.free.recv().unwrap_or_else(|_| vec![0; PIECE]),
        };
        Piece {
            bytes,
            length: 0,
            back: self.back.clone(),
        }
    }
}
