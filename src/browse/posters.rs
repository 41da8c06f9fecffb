//! Cache of the posters on the screen. A background thread decodes them, visible ones first, so
//! that drawing never waits for a picture.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use ratatui::layout::Size;

use crate::catalogue::PictureFolder;
use crate::clip::Clip;
use crate::output::{Screen, TerminalPicture};
use crate::value::Fingerprint;

/// Name of the decoding thread.
pub(super) const THREAD: &str = "posters";
/// Number of cached pictures above which those not on the screen are dropped.
const MAX_CACHED: usize = 256;

/// Clip id, width and height in terminal cells.
type PosterKey = (Fingerprint, u16, u16);

/// Requested posters, the next one last, and the signal that wakes the thread.
type Queue = Arc<(Mutex<Vec<PosterKey>>, Condvar)>;

/// Decoded posters; `None` for clips without one.
#[derive(Default)]
pub(super) struct Posters {
    decoded: HashMap<PosterKey, Option<TerminalPicture>>,
    reader: Option<PosterReader>,
    pending: usize,
}

struct PosterReader {
    queue: Queue,
    read: Receiver<(PosterKey, Option<TerminalPicture>)>,
}

impl Posters {
    /// Starts the decoding thread, unless the terminal cannot show pictures.
    pub(super) fn new(folder: PictureFolder, screen: Screen) -> Self {
        if screen.graphics.is_none() {
            return Self::default();
        }
        let queue = Queue::default();
        let (send, read) = channel();
        let work = Arc::clone(&queue);
        let started = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || read_all(&work, &folder, screen, &send));
        Self {
            // If the thread cannot be started, the screen works without posters.
            reader: started.ok().map(|_| PosterReader { queue, read }),
            ..Self::default()
        }
    }

    /// Requests these posters and cancels earlier requests.
    pub(super) fn request(&mut self, posters: &[(Fingerprint, Size)]) {
        let keys: Vec<PosterKey> = posters.iter().map(|&(id, size)| key(id, size)).collect();
        if self.decoded.len() > MAX_CACHED {
            self.decoded.retain(|key, _| keys.contains(key));
        }
        let Some(reader) = &self.reader else { return };
        // The thread takes requests from the end of the queue.
        let missing = keys
            .into_iter()
            .filter(|key| !self.decoded.contains_key(key));
        let queue: Vec<PosterKey> = missing.rev().collect();
        self.pending = queue.len();
        let (jobs, wake) = &*reader.queue;
        *jobs.lock().unwrap_or_else(PoisonError::into_inner) = queue;
        wake.notify_one();
    }

    /// Receives decoded posters. Returns true if there were any.
    pub(super) fn receive(&mut self) -> bool {
        let read = self.reader.iter().flat_map(|reader| reader.read.try_iter());
        let before = self.decoded.len();
        self.decoded.extend(read);
        self.decoded.len() > before
    }

    /// Returns true while posters are being decoded.
    pub(super) fn is_waiting(&self) -> bool {
        self.pending > 0
    }

    /// Returns the decoded poster of a clip in this size.
    pub(super) fn poster(&self, clip: &Clip, size: Size) -> Option<&TerminalPicture> {
        let id = clip.id.as_ref()?.value;
        self.decoded.get(&key(id, size))?.as_ref()
    }

    /// Returns true if the poster of a clip has not been looked up yet.
    pub(super) fn is_awaited(&self, clip: &Clip, size: Size) -> bool {
        let id = clip.id.as_ref().filter(|_| self.reader.is_some());
        id.is_some_and(|id| !self.decoded.contains_key(&key(id.value, size)))
    }

    /// Forgets which posters are missing, because a scan may have created them since.
    pub(super) fn forget_missing(&mut self) {
        self.decoded.retain(|_, picture| picture.is_some());
    }
}

fn key(id: Fingerprint, size: Size) -> PosterKey {
    (id, size.width, size.height)
}

fn read_all(
    queue: &Queue,
    folder: &PictureFolder,
    screen: Screen,
    read: &Sender<(PosterKey, Option<TerminalPicture>)>,
) {
    let (jobs, wake) = &**queue;
    loop {
        let mut waiting = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let key = loop {
            match waiting.pop() {
                Some(key) => break key,
                None => {
                    waiting = wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        drop(waiting);
        let (id, width, height) = key;
        let room = Size::new(width, height);
        // A picture that makes the decoder panic counts as missing.
        let picture = catch_unwind(AssertUnwindSafe(|| {
            TerminalPicture::read(&folder.find(id)?, room, screen)
        }));
        if read.send((key, picture.unwrap_or_default())).is_err() {
            return;
        }
    }
}
