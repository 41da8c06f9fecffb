//! Pieces of files on their way from a card: memory that is used again and again, however large
//! the files are.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::direct_io::Aligned;

/// Bytes of a piece.
pub(super) const PIECE: usize = 4 * 1024 * 1024;
/// Pieces that are on their way at most: 48 MiB.
const MOST: usize = 12;

/// A piece of a file; its memory goes back when whoever holds it last lets it go.
pub(super) struct Piece {
    memory: Option<Aligned>,
    length: usize,
    back: Sender<Aligned>,
}

impl Piece {
    /// What was read.
    pub(super) fn bytes(&self) -> &[u8] {
        let memory = self.memory.as_ref();
        memory.map_or(&[], |memory| &memory.bytes()[..self.length])
    }

    /// Where to read to.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let memory = self.memory.as_mut();
        memory.map_or(&mut [], Aligned::bytes_mut)
    }

    /// So much was read.
    pub(super) fn set_length(&mut self, length: usize) {
        self.length = length.min(PIECE);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            // When nobody waits for it any more, it is just freed.
            let _ = self.back.send(memory);
        }
    }
}

/// The memory of all pieces.
pub(super) struct Pool {
    free: Receiver<Aligned>,
    back: Sender<Aligned>,
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
        let memory = match self.free.try_recv() {
            Ok(memory) => memory,
            Err(_) if self.made < MOST => {
                self.made += 1;
                Aligned::new(PIECE)
            }
            // We hold a sender ourselves, so the channel never closes.
            Err(_) => self.free.recv().unwrap_or_else(|_| Aligned::new(PIECE)),
        };
        Piece {
            memory: Some(memory),
            length: 0,
            back: self.back.clone(),
        }
    }
}
