//! Pool of reusable buffers for pieces of files. Memory use does not depend on file sizes.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::direct_io::Aligned;

/// Size of a piece in bytes.
pub(super) const PIECE: usize = 4 * 1024 * 1024;
/// Maximum number of pieces in flight: 48 MiB.
const MAX_BUFFERS: usize = 12;

/// Piece of a file. Its memory returns to the pool when the last owner drops it.
pub(super) struct Piece {
    memory: Option<Aligned>,
    length: usize,
    back: Sender<Aligned>,
}

impl Piece {
    /// Bytes that were read into the piece.
    pub(super) fn bytes(&self) -> &[u8] {
        let memory = self.memory.as_ref();
        memory.map_or(&[], |memory| &memory.bytes()[..self.length])
    }

    /// Buffer to read into.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let memory = self.memory.as_mut();
        memory.map_or(&mut [], Aligned::bytes_mut)
    }

    /// Sets the number of bytes that were read.
    pub(super) fn set_length(&mut self, length: usize) {
        self.length = length.min(PIECE);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            // If the pool is gone, the memory is simply freed.
            let _ = self.back.send(memory);
        }
    }
}

/// Pool of buffers.
pub(super) struct Pool {
    free: Receiver<Aligned>,
    back: Sender<Aligned>,
    created: usize,
}

impl Pool {
    pub(super) fn new() -> Self {
        let (back, free) = channel();
        Self {
            free,
            back,
            created: 0,
        }
    }

    /// Returns an empty piece; waits if all are in flight.
    pub(super) fn piece(&mut self) -> Piece {
        let memory = match self.free.try_recv() {
            Ok(memory) => memory,
            Err(_) if self.created < MAX_BUFFERS => {
                self.created += 1;
                Aligned::new(PIECE)
            }
            // The pool holds a sender itself, so the channel never closes.
            Err(_) => self.free.recv().unwrap_or_else(|_| Aligned::new(PIECE)),
        };
        Piece {
            memory: Some(memory),
            length: 0,
            back: self.back.clone(),
        }
    }
}
