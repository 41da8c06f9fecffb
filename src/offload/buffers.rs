//! Pool of reusable buffers for pieces of files. It keeps memory use independent of file sizes.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::direct_io::AlignedBuffer;

/// Size of a piece in bytes.
pub(super) const PIECE: usize = 4 * 1024 * 1024;
/// Maximum number of pieces in use at a time: 48 MiB.
const MAX_BUFFERS: usize = 12;

/// Piece of a file. Its buffer returns to the pool when the last owner drops the piece.
pub(super) struct Piece {
    buffer: Option<AlignedBuffer>,
    length: usize,
    returned: Sender<AlignedBuffer>,
}

impl Piece {
    /// Returns the bytes that were read into the piece.
    pub(super) fn bytes(&self) -> &[u8] {
        let buffer = self.buffer.as_ref();
        buffer.map_or(&[], |buffer| &buffer.bytes()[..self.length])
    }

    /// Returns the whole buffer, to read into.
    pub(super) fn buffer_mut(&mut self) -> &mut [u8] {
        let buffer = self.buffer.as_mut();
        buffer.map_or(&mut [], AlignedBuffer::bytes_mut)
    }

    /// Sets the number of bytes that were read.
    pub(super) fn set_length(&mut self, length: usize) {
        self.length = length.min(PIECE);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            // If the pool was dropped, sending fails and frees the buffer.
            let _ = self.returned.send(buffer);
        }
    }
}

/// Pool that allocates up to [`MAX_BUFFERS`] buffers.
pub(super) struct Pool {
    free: Receiver<AlignedBuffer>,
    returned: Sender<AlignedBuffer>,
    created: usize,
}

impl Pool {
    pub(super) fn new() -> Self {
        let (returned, free) = channel();
        Self {
            free,
            returned,
            created: 0,
        }
    }

    /// Returns an empty piece; waits while all buffers are in use.
    pub(super) fn piece(&mut self) -> Piece {
        let buffer = match self.free.try_recv() {
            Ok(buffer) => buffer,
            Err(_) if self.created < MAX_BUFFERS => {
                self.created += 1;
                AlignedBuffer::new(PIECE)
            }
            // The pool holds a sender itself, so the channel never closes.
            Err(_) => self
                .free
                .recv()
                .unwrap_or_else(|_| AlignedBuffer::new(PIECE)),
        };
        Piece {
            buffer: Some(buffer),
            length: 0,
            returned: self.returned.clone(),
        }
    }
}
